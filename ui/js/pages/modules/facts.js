// @ts-check
/** Addresses, version, ports, data. */
import { html, nothing } from "../../../vendor/lit-html/lit-html.js";
import { ago, bytes, labelled, percent, versionIn } from "../../base/format.js";
import { t, tn } from "../../base/i18n.js";
import { copyButton } from "../../components/copy.js";
import { pageLink, short } from "../../components/page_link.js";
import { spark } from "../../components/spark.js";
import { hue } from "../../components/tile.js";
import { pageOf } from "../access/list.js";
import { usage } from "../monitoring/history.js";
import { isUp } from "./service_state.js";

/**
 * @import { Module, Port, VolumeSizes } from "../../contract.d.ts"
 * @import { PageState } from "../../types.d.ts"
 */

/** @param {PageState} page @param {Module} module @param {string[]} volumes @param {VolumeSizes|null} sizes */
export const factCard = (page, module, volumes, sizes) => html`
  <section class="card facts" aria-label=${t("Facts")}>
    <dl>
      ${pageOf(module) ? fact(t("Address"), address(module, pageOf(module) ?? "")) : nothing}
      ${module.version ? fact(t("Version"), versionIn(module.version)) : nothing}
      ${module.ports.length ? fact(t("Ports"), portList(module)) : nothing}
      ${volumes.length ? fact(t("Data"), data(volumes, sizes)) : nothing}
      ${fact(t("Memory limit"), module.memoryLimit === null ? t("No limit") : bytes(module.memoryLimit))}
    </dl>
    ${use(page, module)}
  </section>`;

/** @param {string[]} names @param {VolumeSizes|null} sizes `null`: not counted yet */
function data(names, sizes) {
  const count = tn("{count} volume", "{count} volumes", names.length);
  if (!sizes) return html`<span title=${names.join("\n")}>${count}</span>`;
  const known = sizes.volumes.filter((volume) => volume.bytes !== null);
  const size = bytes(known.reduce((sum, volume) => sum + (volume.bytes ?? 0), 0));
  const text = !known.length ? t("{volumes}, size unknown", { volumes: count })
    : known.length < sizes.volumes.length ? t("{volumes}, at least {size}", { volumes: count, size })
      : t("{volumes}, {size}", { volumes: count, size });
  const each = sizes.volumes.map((volume) => labelled(volume.name, volume.bytes === null ? t("size unknown") : bytes(volume.bytes)));
  const when = t("Counted {time}", { time: ago(new Date(sizes.time * 1000).toISOString()) });
  return html`<span title=${[...each, when].join("\n")}>${text}</span>`;
}

/** @param {PageState} page @param {Module} module */
function use({ snapshot }, { name, services }) {
  if (!services.some(isUp)) return nothing;
  const series = usage().modules.find((one) => one.module === name);
  const cpus = snapshot?.engine.cpus;
  const [cpu, memory] = [series?.cpu.at(-1) ?? null, series?.memory.at(-1) ?? null];
  if (!series || !cpus || memory === null) return nothing;
  return html`
    <div class="facts-foot">
      <div><div class="stat-line"><span class="grow">${t("CPU")}</span><b>${cpu === null ? "–" : percent(cpu / 100 / cpus)}</b></div>
        ${spark(series.cpu, { colour: hue(name) })}</div>
      <div><div class="stat-line"><span class="grow">${t("Memory")}</span><b>${bytes(memory)}</b></div>
        ${spark(series.memory, { colour: "var(--hue-teal)" })}</div>
    </div>`;
}

/** @param {string} text @param {unknown} value */
const fact = (text, value) => html`<dt>${text}</dt><dd class="num">${value}</dd>`;

/** @param {Module} module @param {string} open */
const address = ({ abilities }, open) => html`
  <span class="cut">${pageLink(abilities.open === null ? open : null, short(open))}</span>
  ${copyButton(open, t("Copy address"))}`;

/** @param {Module} module */
const portList = ({ ports, name }) => html`<ul>${ports.map((port) => html`
  <li>${pageLink(port.open, hostOf(port), t("Port {port} in the container", { port: port.container }))}
    ${port.service === name ? nothing : html`<span class="faint">${port.service}</span>`}
    ${copyButton(hostOf(port), t("Copy {text}", { text: hostOf(port) }))}</li>`)}</ul>`;

/** @param {Port} port */
const hostOf = ({ address: host, host: port, protocol }) =>
  `${host.includes(":") ? `[${host}]` : host}:${port}${protocol === "tcp" ? "" : `/${protocol}`}`;

// @ts-check
/** Addresses, version, ports, data. */
import { html, nothing } from "../../../vendor/lit-html/lit-html.js";
import { copyButton } from "../../components/copy.js";
import { bytes } from "../../format.js";
import { t, tn } from "../../i18n.js";

/**
 * @import { Module, Port } from "../../contract.d.ts"
 */

/** @param {Module} module @param {string[]} volumes */
export const factCard = (module, volumes) => html`
  <section class="card facts" aria-label=${t("Facts")}>
    <dl>
      ${module.open ? fact(t("Address"), address(module, module.open)) : nothing}
      ${module.version ? fact(t("Version"), module.version) : nothing}
      ${module.ports.length ? fact(t("Ports"), portList(module)) : nothing}
      ${volumes.length ? fact(t("Data"), html`<span title=${volumes.join("\n")}>${tn("{count} volume", "{count} volumes", volumes.length)}</span>`) : nothing}
      ${fact(t("Memory limit"), module.memoryLimit === null ? t("no limit") : bytes(module.memoryLimit))}
    </dl>
  </section>`;

/** @param {string} text @param {unknown} value */
const fact = (text, value) => html`<dt>${text}</dt><dd class="num">${value}</dd>`;

/** @param {Module} module @param {string} open */
const address = ({ abilities }, open) => html`
  ${abilities.open === null
    ? html`<a href=${open} target="_blank" rel="noopener noreferrer" class="cut">${shown(open)}</a>`
    : html`<span class="cut">${shown(open)}</span>`}
  ${copyButton(open, t("Copy address"))}`;

/** @param {string} open */
const shown = (open) => open.replace(/^https?:\/\//, "").replace(/\/$/, "");

/** @param {Module} module */
const portList = ({ ports, name }) => html`<ul>${ports.map((port) => html`
  <li><span title=${t("Port {port} in the container", { port: port.container })}>${hostOf(port)}</span>
    ${port.service === name ? nothing : html`<span class="faint">${port.service}</span>`}
    ${copyButton(hostOf(port), t("Copy {text}", { text: hostOf(port) }))}</li>`)}</ul>`;

/** @param {Port} port */
const hostOf = ({ address: host, host: port, protocol }) =>
  `${host.includes(":") ? `[${host}]` : host}:${port}${protocol === "tcp" ? "" : `/${protocol}`}`;

// @ts-check
/** The services of a module as a table. */
import { repeat } from "../../../vendor/lit-html/directives/repeat.js";
import { html, nothing } from "../../../vendor/lit-html/lit-html.js";
import { bytes, percent, uptime } from "../../base/format.js";
import { t, tn } from "../../base/i18n.js";
import { icon } from "../../components/icon.js";
import { pageLink } from "../../components/page_link.js";
import { barePill } from "../../components/state.js";
import { serviceLoad } from "../monitoring/history.js";
import { isUp, lastStateOf, stateOf } from "./service_state.js";

/**
 * @import { Engine, Module, Service } from "../../contract.d.ts"
 * @import { PageState } from "../../types.d.ts"
 */

/**
 * @typedef {{name: string, title: string, cell: (service: Service) => unknown, look?: string}} Column
 *   `look`: classes of its cells
 */

const nothingHere = () => html`<span class="faint" aria-hidden="true">–</span>`;

/** @param {PageState} page @param {Module} module @returns {Column[]} */
export const columns = ({ snapshot }, module) => [
  { name: "service", title: t("Service"), look: "strong", cell: ({ name }) => html`<span class="cut" title=${name}>${name}</span>` },
  { name: "health", title: t("Health"), cell: (service) => health(service, snapshot?.engine) },
  { name: "image", title: t("Image"), look: "mono muted", cell: ({ image }) => html`<span title=${image}>${short(image)}</span>` },
  { name: "port", title: t("Port"), look: "num", cell: (service) => ports(module, service) },
  {
    name: "up", title: t("Up"), look: "num muted",
    cell: (service) => (isUp(service) && service.startedAt ? uptime(service.startedAt) : nothingHere()),
  },
];

/** @param {PageState} page @returns {Column[]} What each service uses now. */
export const usageColumns = ({ snapshot }) => [
  { name: "cpu", title: t("CPU"), look: "r", cell: (service) => cpuOf(loadOf(service)?.cpu ?? null, snapshot?.engine.cpus) },
  { name: "memory", title: t("Memory"), look: "r", cell: (service) => memoryOf(loadOf(service)?.memory ?? null) },
];

/** @param {Service} service What the last sample has may be of one that has ended since. */
const loadOf = (service) => (isUp(service) ? serviceLoad(service.name) : null);

/** @param {number|null} cpu @param {number|null} [cpus] */
const cpuOf = (cpu, cpus) => (cpu === null || !cpus ? nothingHere() : percent(cpu / 100 / cpus));

/** @param {number|null} memory */
const memoryOf = (memory) => (memory === null ? nothingHere() : bytes(memory));

/** @param {string} image Without the registry and the account. */
const short = (image) => image.split("/").at(-1) ?? image;

/** @param {Service} service @param {Engine} [engine] */
function health(service, engine) {
  if (!engine?.running) return barePill("engine_down", lastStateOf(service, engine?.downSince ?? null));
  const { state, word } = stateOf(service);
  if (service.job && word === t("Done")) {
    return html`<span class="pill bare" data-state="stopped">${icon("check")}${word}</span>`;
  }
  return html`<span title=${service.reason ?? nothing}>${barePill(state, word)}</span>`;
}

/** @param {Module} module @param {Service} service */
function ports(module, { name }) {
  const own = module.ports.filter(({ service }) => service === name);
  if (!own.length) return nothingHere();
  const pages = new Map(own.map(({ host, open }) => [host, open]));
  return [...pages].map(([host, open], i) => html`${i ? ", " : nothing}${pageLink(open, host)}`);
}

/**
 * @param {{module: Module, columns: Column[], caption: string, after?: (service: Service) => unknown}} options
 *   `after`: a row below that of a service
 */
export const serviceTable = ({ module, columns: shown, caption, after }) => html`
  <div class="tablehold" role="region" aria-label=${caption} tabindex="0">
    <table class="table services">
      <thead><tr>${shown.map(({ name, title, look }) => html`
        <th scope="col" class="c-${name} ${look?.split(" ").includes("r") ? "r" : ""}">${title || html`<span class="unseen">${t("Actions")}</span>`}</th>`)}</tr></thead>
      <tbody>${repeat([...module.services].sort(jobsLast), ({ name }) => name, (service) => html`
        <tr data-service=${service.name}>${shown.map(({ name, cell, look }) => html`<td class="c-${name} ${look ?? ""}">${cell(service)}</td>`)}</tr>
        ${after?.(service) ?? nothing}`)}</tbody>
    </table>
  </div>`;

/** What was done once matters less than what runs. @param {Service} one @param {Service} other */
const jobsLast = (one, other) => Number(one.job) - Number(other.job) || one.name.localeCompare(other.name);

/** @param {PageState} page @param {Module} module How many run, and how many jobs are done. */
export function counted({ snapshot }, { services }) {
  if (!snapshot?.engine.running) return "";
  const running = services.filter((service) => service.state === "running").length;
  const jobs = services.filter((service) => service.job && service.exitCode === 0).length;
  return [
    tn("{count} running", "{count} running", running),
    jobs ? tn("{count} job done", "{count} jobs done", jobs) : "",
  ].filter(Boolean).join(" · ");
}

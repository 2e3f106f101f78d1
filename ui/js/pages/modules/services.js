// @ts-check
/** Each service of a module: how it is, and what can be done with it alone. */
import { html, nothing } from "../../../vendor/lit-html/lit-html.js";
import { addressTo } from "../../base/address.js";
import { invoke } from "../../base/bridge.js";
import { t } from "../../base/i18n.js";
import { observe, slice } from "../../base/store.js";
import { button } from "../../components/button.js";
import { icon } from "../../components/icon.js";
import { followUsage } from "../monitoring/history.js";
import { happening } from "./happening.js";
import { serviceDetails } from "./service_details.js";
import { canOne, doWithOne, hasTerminal, isUp, openerOf, terminalOf } from "./service_state.js";
import { columns, counted, serviceTable, usageColumns } from "./service_table.js";

/**
 * @import { Address } from "../../base/address.js"
 * @import { Module, Service, ServiceDetails, Snapshot } from "../../contract.d.ts"
 * @import { Answer, PageState } from "../../types.d.ts"
 */

const own = slice({
  /** The service whose details are shown. */
  open: "",
  /** @type {Answer<ServiceDetails>|null} */
  details: null,
});

/** @param {Address} address */
export function enter({ rest: [name = ""] }) {
  own.set({ open: "", details: null });
  isOpenIn = name;
  return followUsage(name);
}

let isOpenIn = "";

/** @param {string} service */
function toggle(service) {
  own.set({ open: own.get().open === service ? "" : service, details: null });
  refresh();
}

async function refresh() {
  const { open } = own.get();
  if (!open) return;
  const answer = await invoke("ai/service/inspect", { module: isOpenIn, service: open });
  if (own.get().open === open) own.set({ details: answer });
}

/** @param {Snapshot|null} snapshot */
const openService = (snapshot) =>
  snapshot?.modules.find(({ name }) => name === isOpenIn)?.services.find(({ name }) => name === own.get().open);

observe(({ snapshot }, before) => {
  if (!own.get().open || snapshot === before.snapshot) return;
  if (JSON.stringify(openService(snapshot)) !== JSON.stringify(openService(before.snapshot))) refresh();
});

/** @param {PageState} page @param {Module} module */
export const view = (page, module) => html`
  <div class="scroll"><div class="content">
    ${happening(page, module)}
    <section class="card">
      <div class="card-head"><h2 class="h3">${t("Services")}</h2><span class="muted control num">${counted(page, module)}</span></div>
      ${serviceTable({
        module, caption: t("Services"),
        columns: [opening(), ...columns(page, module), ...more(), ...usageColumns(page), actions(page, module)],
        after: ({ name }) => (name === own.get().open ? details(name) : nothing),
      })}
    </section>
  </div></div>`;

/** @returns {import("./service_table.js").Column} */
const opening = () => ({
  name: "open", title: t("Details"),
  cell: ({ name, state }) => state === "absent" ? nothing : html`
    <button type="button" class="button quiet small square" aria-expanded=${name === own.get().open}
      aria-label=${t("Details of {name}", { name })} @click=${() => toggle(name)}>
      ${icon(name === own.get().open ? "chevron-down" : "chevron-right")}</button>`,
});

/** @returns {import("./service_table.js").Column[]} */
const more = () => [
  { name: "restarts", title: t("Restarts"), look: "r", cell: ({ restarts }) => restarts },
];

/** @param {PageState} page @param {Module} module @returns {import("./service_table.js").Column} */
const actions = (page, module) => ({
  name: "actions", title: "",
  cell: (service) => html`<div class="buttons">
    ${service.job ? nothing : isUp(service)
      ? html`${action(page, module, service, "restart", t("Restart {name}", { name: service.name }), "rotate-cw")}
        ${action(page, module, service, "stop", t("Stop {name}", { name: service.name }), "square")}`
      : action(page, module, service, "start", t("Start {name}", { name: service.name }), "play")}
    ${hasTerminal(service) ? html`
      <a class="button quiet small square" data-covers=${openerOf(service.name)} aria-label=${t("Open a terminal in {name}", { name: service.name })}
        title=${t("Open a terminal in {name}", { name: service.name })}
        href="#${terminalOf(module.name, service.name)}">${icon("square-terminal")}</a>` : nothing}
    ${service.state === "absent" ? nothing : html`
      <a class="button quiet small square" aria-label=${t("Logs of {name}", { name: service.name })}
        title=${t("Logs of {name}", { name: service.name })}
        href="#${addressTo("modules", [module.name, "logs"], { service: service.name })}">${icon("scroll-text")}</a>`}
  </div>`,
});

/**
 * @param {PageState} page @param {Module} module @param {Service} service
 * @param {import("./service_state.js").ServiceAction} what @param {string} text @param {string} drawing
 */
const action = (page, module, service, what, text, drawing) =>
  button({
    ...canOne(page, module, service, what), text, icon: drawing, kind: "quiet", size: "small", iconOnly: true,
    run: () => doWithOne(module.name, service.name, what),
  });

/** @param {string} name */
function details(name) {
  const { details: answer } = own.get();
  return html`<tr class="details"><td colspan="99">${
    !answer ? html`<div class="skeleton"></div>` : answer.success ? serviceDetails(name, answer.data) : html`<p class="bad">${answer.message}</p>`}</td></tr>`;
}

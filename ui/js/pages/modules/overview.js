// @ts-check
/** A module at a glance: what it is connected with, its facts, its accounts, its services. */
import { html, nothing } from "../../../vendor/lit-html/lit-html.js";
import { ask } from "../../base/actions.js";
import { invoke } from "../../base/bridge.js";
import { t, tn } from "../../base/i18n.js";
import { slice } from "../../base/store.js";
import { button } from "../../components/button.js";
import { notice } from "../../components/notice.js";
import { hideSecrets } from "../../components/secret.js";
import { barePill } from "../../components/state.js";
import { followUsage } from "../monitoring/history.js";
import { upgradeCard } from "../upgrade/card.js";
import { accountCard } from "./accounts.js";
import { connectCard } from "./connect.js";
import { factCard } from "./facts.js";
import { connectionsOf, graph } from "./graph.js";
import { happening } from "./happening.js";
import { columns, counted, serviceTable, usageColumns } from "./service_table.js";
import { trustCard } from "./trust.js";

/**
 * @import { Address } from "../../base/address.js"
 * @import { Module, ModuleDetails, OtherTimezone, VolumeSizes } from "../../contract.d.ts"
 * @import { PageState } from "../../types.d.ts"
 */

const own = slice({
  /** The module that is shown. */
  name: "",
  /** @type {ModuleDetails|null} */
  details: null,
  /** Why there are none. */
  failure: "",
  /** @type {VolumeSizes|null} */
  sizes: null,
});

/** @param {Address} address */
export function enter({ rest: [name = ""] }) {
  own.set({ name, details: null, failure: "", sizes: null });
  load(name).then(() => count(name));
  const leave = followUsage(name);
  return () => {
    own.set({ name: "" });
    leave();
    hideSecrets();
  };
}

/** @param {string} name */
async function load(name) {
  const answer = await invoke("ai/module/details", { name });
  if (own.get().name === name) own.set(answer.success ? { details: answer.data } : { failure: answer.message });
}

/** @param {string} name The engine may take seconds for it. */
async function count(name) {
  if (!own.get().details?.volumes.length) return;
  const answer = await invoke("ai/stats/volumes", { module: name });
  if (own.get().name === name && answer.success) own.set({ sizes: answer.data });
}

/** @param {PageState} page @param {Module} module */
export function view(page, module) {
  const { details, failure, sizes } = own.get();
  return html`
    <div class="scroll"><div class="content">
      ${happening(page, module)}
      ${upgradeCard(page, module)}
      ${failure ? notice({ tone: "bad", title: t("Accounts and volumes can't be shown"), text: failure }) : nothing}
      <div class="over">
        <div class="over-main">
          ${connections(page, module)}
          ${details?.connections.length ? connectCard(module, details) : nothing}
          ${details?.timezone ? timezone(module, details.timezone) : nothing}
          ${details?.accounts.length ? accountCard(module, details.accounts) : nothing}
          ${details?.consent ? trustCard(module, details.consent, details.isAllowed, () => load(module.name)) : nothing}
        </div>
        ${factCard(page, module, details?.volumes ?? [], sizes)}
      </div>
      <section class="card">
        <div class="card-head"><h2 class="h3">${t("Services")}</h2><span class="muted control num">${counted(page, module)}</span></div>
        ${serviceTable({ module, caption: t("Services"), columns: [...columns(page, module), ...usageColumns(page)] })}
      </section>
    </div></div>`;
}

/** @param {Module} module @param {OtherTimezone} zone Existing schedules keep their hours until the user decides. */
function timezone(module, { setting, value, own: computer }) {
  const use = async (/** @type {string} */ zone) => {
    const answer = await ask(module.name, "ai/config/apply", { module: module.name, changes: { [setting]: zone }, when: "now" });
    if (answer.success) await load(module.name);
  };
  return notice({
    icon: "clock", title: t("{title} uses the time zone {zone}", { title: module.title, zone: value }),
    text: t("This computer uses {zone}. Schedules run by the time zone of {title}.", { zone: computer, title: module.title }),
    actions: [
      button({ text: t("Use {value}", { value: computer }), kind: "primary", run: () => use(computer) }),
      button({ text: t("Keep {value}", { value }), run: () => use(value) }),
    ],
  });
}

/** @param {PageState} page @param {Module} module */
function connections({ snapshot }, module) {
  const modules = snapshot?.modules ?? [];
  const found = connectionsOf(module, modules);
  const lacking = found.required.filter(({ state }) => state !== "running").length;
  return html`
    <section class="card">
      <div class="card-head">
        <h2 class="h3">${t("Connections")}</h2><span class="grow"></span>
        ${found.required.length && module.state !== "stopped" && module.state !== "engine_down"
          ? lacking
            ? barePill("degraded", tn("{count} required module isn't running", "{count} required modules aren't running", lacking))
            : barePill("running", t("All required modules are running"))
          : nothing}
      </div>
      <div class="graphhold">${found.required.length || found.users.length
        ? graph(module, found) : html`<p class="muted">${t("{name} doesn't use other modules, and no module uses it.", { name: module.title })}</p>`}</div>
    </section>`;
}

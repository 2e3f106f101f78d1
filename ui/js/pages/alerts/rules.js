// @ts-check
/** The section of the alert rules: switches, parameters, mutes, and rules of one's own. */
import { html, nothing } from "../../../vendor/lit-html/lit-html.js";
import { dateTime, labelled } from "../../base/format.js";
import { mark, t } from "../../base/i18n.js";
import { slice } from "../../base/store.js";
import { button } from "../../components/button.js";
import { toggle } from "../../components/field.js";
import { menuButton } from "../../components/menu.js";
import { lineFields, numberFields, valuesOf } from "../settings/rule_fields.js";
import { setError } from "../settings/state.js";
import { alertList, changeRules, muteItems, mutedText } from "./alerts.js";

/**
 * @import { Alert, Channels, Module, Mute, MuteRequest, Rule } from "../../contract.d.ts"
 * @import { PageState } from "../../types.d.ts"
 * @import { Row } from "../settings/sections.js"
 */

/** `edited`: the id of the rule whose parameters are shown; `kind`: of the rule that is added. */
const own = slice({ edited: "", kind: /** @type {"cpu"|"memory"|"line"} */ ("line") });

/**
 * Changes rules or mutes; why that is refused is said in the row `id`.
 * @template {"ai/rules/set"|"ai/rules/add"|"ai/rules/remove"|"ai/rules/mute"} C
 * @param {string} id @param {C} channel @param {Channels[C]["request"]} payload @returns {Promise<boolean>} whether it was taken
 */
async function change(id, channel, payload) {
  const why = await changeRules(channel, payload);
  setError(id, why);
  return why === null;
}

/** @param {PageState} page @returns {Row[]} */
export function ruleRows({ snapshot }) {
  const list = alertList();
  if (!list) return [];
  const modules = snapshot?.modules ?? [];
  return [
    ...list.rules.map((rule) => ruleRow(rule, modules)),
    { id: "add-rule", title: t("Add a rule"), help: t("For one module or all of them"), below: newRule(modules) },
    ...lastAlerts(list.alerts),
    {
      id: "mute-module", title: t("Mute a module"), help: t("Nobody is notified of its alerts."),
      below: mutedModules(list.mutes.filter(({ rule }) => rule === null), modules),
    },
  ];
}

/** What is shown of earlier alerts. */
const MOST = 10;

/** @param {Alert[]} alerts @returns {Row[]} */
function lastAlerts(alerts) {
  if (!alerts.length) return [];
  return [{
    id: "last-alerts", title: t("Last alerts"),
    below: html`<ul class="mirrors">${alerts.slice(0, MOST).map(({ begun, ended, title, text, page }) => html`
      <li class="mr"><span class="muted num">${dateTime(new Date(begun * 1000).toISOString())}</span>
        <a class="grow cut link" href="#${page}" title=${text}>${labelled(title, text)}</a>
        ${ended === null ? html`<span class="tag busy">${t("Active")}</span>` : nothing}</li>`)}</ul>`,
  }];
}

/** @param {string|null} name @param {Module[]} modules */
const titleOf = (name, modules) => modules.find((module) => module.name === name)?.title ?? name ?? t("All modules");

/** @param {Rule} rule @param {Module[]} modules @returns {Row} */
function ruleRow(rule, modules) {
  const scope = rule.module ? titleOf(rule.module, modules) : rule.builtIn ? "" : t("All modules");
  const isEdited = own.get().edited === rule.id;
  return {
    id: rule.id, title: rule.text,
    help: [scope, rule.muted ? mutedText(rule.muted) : "", rule.state ? t("{value} now", { value: rule.state }) : ""].filter(Boolean).join(" · "),
    control: html`<span class="buttons">
      ${menuButton({ text: t("More"), name: labelled(rule.text, t("More")), items: () => itemsOf(rule) })}
      ${toggle({ id: rule.id, on: rule.on, label: rule.text, change: (on) => change(rule.id, "ai/rules/set", { id: rule.id, on }) })}</span>`,
    below: isEdited ? parameters(rule) : undefined,
  };
}

/** @param {Rule} rule */
const itemsOf = (rule) => [
  { text: t("Change"), icon: "pencil", run: () => own.set({ edited: rule.id }) },
  ...muteItems({ rule: rule.id }, rule.muted !== null),
  ...(rule.builtIn && rule.changed ? [null, { text: t("Reset to default"), icon: "rotate-ccw", run: () => remove(rule) }] : []),
  ...(rule.builtIn ? [] : [null, { text: t("Remove"), icon: "trash-2", run: () => remove(rule) }]),
];

/** @param {Rule} rule */
const remove = ({ id }) => void change(id, "ai/rules/remove", { id });

/** @param {Rule} rule */
const parameters = (rule) => html`
  <form class="params" @submit=${async (/** @type {SubmitEvent} */ event) => {
    if (await change(rule.id, "ai/rules/set", { id: rule.id, ...valuesOf(event) })) own.set({ edited: "" });
  }}>${numberFields(rule)}
    <span class="buttons">${button({ text: t("Cancel"), size: "small", run: () => own.set({ edited: "" }) })}
      <button class="button small primary">${t("Apply")}</button></span>
  </form>`;

/** @type {Record<"line"|"cpu"|"memory", string>} */
const KINDS = { line: mark("A log line"), cpu: mark("CPU"), memory: mark("Memory") };

const DEFAULTS = { minutes: 5, percent: 80, cooldown: 10, count: 3, gigabytes: 10 };

/** @param {Module[]} modules */
function newRule(modules) {
  const { kind } = own.get();
  const names = kind === "line" ? ["cooldown"] : ["percent", "minutes", "cooldown"];
  return html`
    <form class="params" @submit=${(/** @type {SubmitEvent} */ event) => {
      const values = /** @type {Channels["ai/rules/add"]["request"]} */ ({ kind, ...valuesOf(event) });
      change("add-rule", "ai/rules/add", values);
    }}>
      <label class="param"><span>${t("Watch")}</span>
        <select class="select" @change=${(/** @type {Event} */ { target }) =>
          own.set({ kind: /** @type {typeof kind} */ (/** @type {HTMLSelectElement} */ (target).value) })}>
          ${Object.entries(KINDS).map(([name, text]) => html`<option value=${name} .selected=${name === kind}>${t(text)}</option>`)}
        </select></label>
      ${moduleSelect(modules, t("All modules"))}
      ${kind === "line" ? lineFields() : nothing}
      ${numberFields({ ...DEFAULTS, kind, parameters: names })}
      <span class="buttons"><button class="button small">${t("Add")}</button></span>
    </form>`;
}

/** @param {Module[]} modules @param {string} [all] what no module means */
const moduleSelect = (modules, all) => html`
  <label class="param"><span>${t("Module")}</span>
    <select class="select" name="module">
      ${all ? html`<option value="">${all}</option>` : nothing}
      ${modules.map(({ name, title }) => html`<option value=${name}>${title}</option>`)}
    </select></label>`;

/** @type {Record<Exclude<MuteRequest["span"], "off">, string>} */
const SPANS = { hour: mark("1 hour"), tomorrow: mark("Until tomorrow"), forever: mark("For good") };

/** @param {Mute[]} mutes @param {Module[]} modules */
const mutedModules = (mutes, modules) => html`
  ${mutes.length ? html`<ul class="mirrors">${mutes.map((mute) => html`
    <li class="mr"><span class="grow cut">${labelled(titleOf(mute.module, modules), mutedText(mute))}</span>
      ${button({
        text: t("Unmute"), name: labelled(t("Unmute"), titleOf(mute.module, modules)), kind: "quiet", size: "small",
        run: () => change("mute-module", "ai/rules/mute", { module: mute.module, span: "off" }),
      })}</li>`)}</ul>` : nothing}
  <form class="params" @submit=${(/** @type {SubmitEvent} */ event) =>
    change("mute-module", "ai/rules/mute", /** @type {MuteRequest} */ (valuesOf(event)))}>
    ${moduleSelect(modules)}
    <label class="param"><span>${t("How long")}</span>
      <select class="select" name="span">
        ${Object.entries(SPANS).map(([span, text]) => html`<option value=${span}>${t(text)}</option>`)}
      </select></label>
    <span class="buttons"><button class="button small">${t("Mute")}</button></span>
  </form>`;

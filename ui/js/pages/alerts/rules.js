// @ts-check
/** The alert rules in the settings: switches, parameters, mutes, and rules of one's own. */
import { html, nothing } from "../../../vendor/lit-html/lit-html.js";
import { dateTime, labelled, timeAndDay } from "../../base/format.js";
import { mark, t } from "../../base/i18n.js";
import { slice } from "../../base/store.js";
import { button } from "../../components/button.js";
import { toggle } from "../../components/field.js";
import { menuButton } from "../../components/menu.js";
import { alertList, changeRules, muteItems, mutedText } from "./alerts.js";

/**
 * @import { Alert, Channels, Module, Mute, MuteRequest, Parameter, Rule, RuleKind } from "../../contract.d.ts"
 * @import { PageState, SettingRow } from "../../types.d.ts"
 */

const own = slice({
  /** The id of the rule whose parameters are shown. */
  edited: "",
  /** Of the rule that is added. */
  kind: "",
  /** Why a change was refused, by the id of its row. */
  errors: /** @type {Record<string, string|null>} */ ({}),
});

/**
 * Changes rules or mutes; why that is refused is said in the row `id`.
 * @template {"ai/rules/set"|"ai/rules/add"|"ai/rules/remove"|"ai/rules/mute"} C
 * @param {string} id @param {C} channel @param {Channels[C]["request"]} payload @returns {Promise<boolean>} whether it was taken
 */
async function change(id, channel, payload) {
  const why = await changeRules(channel, payload);
  own.set({ errors: { ...own.get().errors, [id]: why } });
  return why === null;
}

/** @param {PageState} page @returns {SettingRow[]} */
export function ruleRows({ snapshot }) {
  const list = alertList();
  if (!list) return [];
  const modules = snapshot?.modules ?? [];
  const rows = [
    ...list.rules.map((rule) => ruleRow(rule, list.kinds, modules)),
    { id: "add-rule", title: t("Add a rule"), help: t("For one module or all of them"), below: newRule(list.kinds, modules) },
    ...lastAlerts(list.alerts),
    {
      id: "mute-module", title: t("Mute a module"), help: t("Nobody is notified of its alerts."),
      below: mutedModules(list.mutes.filter(({ rule }) => rule === null), modules),
    },
  ];
  return rows.map((row) => ({ ...row, error: own.get().errors[row.id] }));
}

/** What is shown of earlier alerts. */
const MOST = 10;

/** @param {number} seconds */
const momentOf = (seconds) => new Date(seconds * 1000).toISOString();

/** @param {Alert[]} alerts @returns {SettingRow[]} */
function lastAlerts(alerts) {
  if (!alerts.length) return [];
  return [{
    id: "last-alerts", title: t("Last alerts"),
    below: html`<ul class="mirrors">${alerts.slice(0, MOST).map(({ begun, ended, title, text, page }) => html`
      <li class="mr"><span class="muted num" title=${dateTime(momentOf(begun))}>${timeAndDay(momentOf(begun))}</span>
        <a class="grow cut link" href="#${page}" title=${text}>${labelled(title, text)}</a>
        ${ended === null ? html`<span class="tag busy">${t("Active")}</span>` : nothing}</li>`)}</ul>`,
  }];
}

/** @param {string|null} name @param {Module[]} modules */
const titleOf = (name, modules) => modules.find((module) => module.name === name)?.title ?? name ?? t("All modules");

/** @param {Rule} rule @param {RuleKind[]} kinds @param {Module[]} modules @returns {SettingRow} */
function ruleRow(rule, kinds, modules) {
  const scope = rule.module ? titleOf(rule.module, modules) : rule.builtIn ? "" : t("All modules");
  const isEdited = own.get().edited === rule.id;
  return {
    id: rule.id, title: rule.text,
    help: [scope, rule.muted ? mutedText(rule.muted) : "", rule.state ? t("{value} now", { value: rule.state }) : ""].filter(Boolean).join(" · "),
    control: html`<span class="buttons">
      ${menuButton({ text: t("More"), name: labelled(rule.text, t("More")), items: () => itemsOf(rule) })}
      ${toggle({ id: rule.id, on: rule.on, label: rule.text, change: (on) => change(rule.id, "ai/rules/set", { id: rule.id, on }) })}</span>`,
    below: isEdited ? parameterForm(rule, parametersOf(rule, kinds)) : undefined,
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

/** @param {Rule} rule @param {RuleKind[]} kinds */
const parametersOf = (rule, kinds) => kinds.find(({ kind }) => kind === rule.kind)?.parameters ?? [];

/** @param {Rule} rule @param {Parameter[]} parameters */
const parameterForm = (rule, parameters) => html`
  <form class="params" @submit=${async (/** @type {SubmitEvent} */ event) => {
    if (await change(rule.id, "ai/rules/set", { id: rule.id, ...valuesOf(event, parameters) })) own.set({ edited: "" });
  }}>${parameters.map((one) => parameterField(one, rule[/** @type {keyof Rule} */ (one.name)]))}
    <span class="buttons">${button({ text: t("Cancel"), size: "small", run: () => own.set({ edited: "" }) })}
      <button class="button small primary">${t("Apply")}</button></span>
  </form>`;

/** @param {RuleKind[]} all @param {Module[]} modules */
function newRule(all, modules) {
  const kinds = all.filter(({ label }) => label !== null);
  const kind = kinds.find(({ kind }) => kind === own.get().kind) ?? kinds[0];
  if (!kind) return nothing;
  return html`
    <form class="params" @submit=${(/** @type {SubmitEvent} */ event) => {
      const values = /** @type {Channels["ai/rules/add"]["request"]} */ (
        { kind: kind.kind, ...valuesOf(event, kind.parameters) });
      change("add-rule", "ai/rules/add", values);
    }}>
      <label class="param"><span>${t("Watch")}</span>
        <select class="select" @change=${(/** @type {Event} */ { target }) =>
          own.set({ kind: /** @type {HTMLSelectElement} */ (target).value })}>
          ${kinds.map((one) => html`<option value=${one.kind} .selected=${one === kind}>${one.label}</option>`)}
        </select></label>
      ${moduleSelect(modules, t("All modules"))}
      ${kind.parameters.map((parameter) => parameterField(parameter, parameter.suggested ?? parameter.default))}
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

// -- the parameters of a rule, as fields of a form ------------------------------------------------

/** @param {Parameter} parameter @param {unknown} value */
function parameterField({ name, label, type, unit, min, max, whole, choices, example }, value) {
  if (type === "choice") {
    return html`
      <label class="param"><span>${label}</span>
        <select class="select" name=${name}>
          ${Object.entries(choices).map(([one, text]) => html`<option value=${one} .selected=${one === (value ?? "")}>${text}</option>`)}
        </select></label>`;
  }
  if (type === "text") {
    return html`
      <label class="param wide"><span>${label}</span>
        <span class="input"><input class="mono" name=${name} maxlength=${max} placeholder=${example} .value=${String(value)}
          autocomplete="off" spellcheck="false"></span></label>`;
  }
  return html`
    <label class="param"><span>${label}</span>
      <span class="input"><input type="number" name=${name} min=${min} max=${max} step=${whole ? "1" : "any"} required .value=${String(value)}>
        ${unit ? html`<span class="unit">${unit}</span>` : ""}</span></label>`;
}

/** The values of a form; `null`: nothing is chosen. @param {SubmitEvent} event @param {Parameter[]} [parameters] */
function valuesOf(event, parameters = []) {
  event.preventDefault();
  const types = new Map(parameters.map(({ name, type }) => [name, type]));
  return Object.fromEntries([...new FormData(/** @type {HTMLFormElement} */ (event.currentTarget))].map(([name, value]) => {
    if (types.get(name) === "number") return [name, Number(value)];
    return [name, types.get(name) === "text" ? value : value || null];
  }));
}

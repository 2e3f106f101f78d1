// @ts-check
/** The alert rules in the settings: switches, parameters, mutes, and rules of one's own. */
import { html, nothing } from "../../../vendor/lit-html/lit-html.js";
import { dateTime, labelled } from "../../base/format.js";
import { mark, t } from "../../base/i18n.js";
import { slice } from "../../base/store.js";
import { button } from "../../components/button.js";
import { toggle } from "../../components/field.js";
import { menuButton } from "../../components/menu.js";
import { alertList, changeRules, muteItems, mutedText } from "./alerts.js";

/**
 * @import { Alert, Channels, Level, Module, Mute, MuteRequest, Rule } from "../../contract.d.ts"
 * @import { PageState, SettingRow } from "../../types.d.ts"
 */

const own = slice({
  /** The id of the rule whose parameters are shown. */
  edited: "",
  /** Of the rule that is added. */
  kind: /** @type {"cpu"|"memory"|"line"} */ ("line"),
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
    ...list.rules.map((rule) => ruleRow(rule, modules)),
    { id: "add-rule", title: t("Add a rule"), help: t("For one module or all of them"), below: newRule(modules) },
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

/** @param {Alert[]} alerts @returns {SettingRow[]} */
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

/** @param {Rule} rule @param {Module[]} modules @returns {SettingRow} */
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

// -- the parameters of a rule, as fields of a form ------------------------------------------------

/** @typedef {"count"|"minutes"|"percent"|"gigabytes"|"cooldown"} NumberName */

/** @type {Record<NumberName, {label: string, unit: string, max: number, step: string}>} */
const NUMBERS = {
  count: { label: mark("Restarts"), unit: "", max: 100, step: "1" },
  percent: { label: mark("Over"), unit: "%", max: 100, step: "any" },
  gigabytes: { label: mark("Less than"), unit: "GB", max: 100_000, step: "any" },
  minutes: { label: mark("For"), unit: "min", max: 1440, step: "any" },
  cooldown: { label: mark("Notify again after"), unit: "min", max: 1440, step: "any" },
};

/** @type {Record<string, string>} Where another word fits better. */
const LABELS = { "restarts.minutes": mark("Within"), "disk.percent": mark("Or less than") };

/** @type {Record<Exclude<Level, "unknown">, string>} */
const LEVELS = { debug: mark("Debug or higher"), info: mark("Info or higher"), warn: mark("Warning or higher"), error: mark("Error") };

/** @param {Pick<Rule, "kind"|"parameters"|NumberName>} rule */
const numberFields = (rule) => rule.parameters.filter((name) => name in NUMBERS).map((name) => {
  const own = /** @type {NumberName} */ (name);
  const { label, unit, max, step } = NUMBERS[own];
  return html`
    <label class="param"><span>${t(LABELS[`${rule.kind}.${own}`] ?? label)}</span>
      <span class="input"><input type="number" name=${own} min="0" max=${max} step=${step} required .value=${String(rule[own])}>
        ${unit ? html`<span class="unit">${t(unit)}</span>` : ""}</span></label>`;
});
mark("min");

const lineFields = () => html`
  <label class="param"><span>${t("Level")}</span>
    <select class="select" name="level">
      ${Object.entries(LEVELS).map(([level, text]) => html`<option value=${level} ?selected=${level === "error"}>${t(text)}</option>`)}
      <option value="">${t("Every level")}</option>
    </select></label>
  <label class="param wide"><span>${t("Pattern (RE2)")}</span>
    <span class="input"><input class="mono" name="pattern" maxlength="1000" placeholder="connection refused|timed? out"
      autocomplete="off" spellcheck="false"></span></label>`;

/** The fields of a form that have a value. @param {SubmitEvent} event */
function valuesOf(event) {
  event.preventDefault();
  const values = [...new FormData(/** @type {HTMLFormElement} */ (event.currentTarget))].map(([name, value]) =>
    [name, name in NUMBERS ? Number(value) : String(value)]);
  return Object.fromEntries(values.filter(([, value]) => value !== ""));
}

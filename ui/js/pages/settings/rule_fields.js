// @ts-check
/** The parameters of an alert rule, as fields of a form. */
import { html } from "../../../vendor/lit-html/lit-html.js";
import { mark, t } from "../../base/i18n.js";

/** @import { Level, Rule } from "../../contract.d.ts" */

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
export const numberFields = (rule) => rule.parameters.filter((name) => name in NUMBERS).map((name) => {
  const own = /** @type {NumberName} */ (name);
  const { label, unit, max, step } = NUMBERS[own];
  return html`
    <label class="param"><span>${t(LABELS[`${rule.kind}.${own}`] ?? label)}</span>
      <span class="input"><input type="number" name=${own} min="0" max=${max} step=${step} required .value=${String(rule[own])}>
        ${unit ? html`<span class="unit">${t(unit)}</span>` : ""}</span></label>`;
});
mark("min");

export const lineFields = () => html`
  <label class="param"><span>${t("Level")}</span>
    <select class="select" name="level">
      ${Object.entries(LEVELS).map(([level, text]) => html`<option value=${level} ?selected=${level === "error"}>${t(text)}</option>`)}
      <option value="">${t("Every level")}</option>
    </select></label>
  <label class="param wide"><span>${t("Pattern (RE2)")}</span>
    <span class="input"><input class="mono" name="pattern" maxlength="1000" placeholder="connection refused|timed? out"
      autocomplete="off" spellcheck="false"></span></label>`;

/** The fields of a form that have a value. @param {SubmitEvent} event */
export function valuesOf(event) {
  event.preventDefault();
  const values = [...new FormData(/** @type {HTMLFormElement} */ (event.currentTarget))].map(([name, value]) =>
    [name, name in NUMBERS ? Number(value) : String(value)]);
  return Object.fromEntries(values.filter(([, value]) => value !== ""));
}

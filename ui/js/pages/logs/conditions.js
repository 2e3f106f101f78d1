// @ts-check
/** Conditions on the fields of lines, such as `status>=500`. */
import { html } from "../../../vendor/lit-html/lit-html.js";
import { confirm } from "../../actions.js";
import { goQuery } from "../../address.js";
import { field, input } from "../../components/field.js";
import { icon } from "../../components/icon.js";
import { t } from "../../i18n.js";
import { view } from "./state.js";

/** @param {string[]} fields */
const show = (fields) => goQuery({ fields: [...new Set(fields)].join("\n") });

/** @param {string} condition Shows only lines that meet it, too. */
export const require = (condition) => show([...view().wanted.fields, condition]);

export const conditionChips = () => view().wanted.fields.map((condition) => html`
  <span class="chip condition"><button type="button" class="mono" title=${t("Change this condition")} @click=${() => addCondition(condition)}>${condition}</button>
    <button type="button" class="remove" aria-label=${t("Remove the condition {condition}", { condition })}
      @click=${() => show(view().wanted.fields.filter((other) => other !== condition))}>${icon("x")}</button></span>`);

/** @param {string} [before] the condition that is changed */
export function addCondition(before = "") {
  let now = before;
  confirm({
    title: t("Condition on a field"),
    text: "",
    more: html`<div class="remedy-field">${field({
      id: "log-condition", label: t("Condition"), help: t("For example status>=500, level!=debug or trace_id=abc. Fields of JSON and of key=value are known; inner ones are written with dots."),
      control: input({ id: "log-condition", value: before, placeholder: "status>=500", change: (text) => { now = text; } }),
    })}</div>`,
    action: t("Show only these"),
    run: () => show([...view().wanted.fields.filter((other) => other !== before), ...(now.trim() ? [now.trim()] : [])]),
  });
}

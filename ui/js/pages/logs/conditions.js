// @ts-check
/** Conditions on the fields of lines, such as `status>=500`. */
import { html } from "../../../vendor/lit-html/lit-html.js";
import { confirm } from "../../base/actions.js";
import { goQuery } from "../../base/address.js";
import { t } from "../../base/i18n.js";
import { field, input } from "../../components/field.js";
import { icon } from "../../components/icon.js";
import { view } from "./state.js";

/** @param {string[]} fields @param {{text?: string}} [more] */
const show = (fields, more = {}) => goQuery({ ...more, fields: [...new Set(fields)].join("\n") });

/** @param {string} condition Shows only lines that meet it, too. */
export const require = (condition) => show([...view().wanted.fields, condition]);

export const conditionChips = () => view().wanted.fields.map((condition) => html`
  <span class="chip condition"><button type="button" class="mono" title=${t("Change this condition")} @click=${() => addCondition(condition)}>${condition}</button>
    <button type="button" class="remove" aria-label=${t("Remove the condition {condition}", { condition })}
      @click=${() => show(view().wanted.fields.filter((other) => other !== condition))}>${icon("x")}</button></span>`);

/** What is searched may be one, such as `status>=500`. */
const CONDITION = /^[\w.@-]+(?:[<>]=?|!?=)\S/;

/** @param {string} [before] the condition that is changed */
export function addCondition(before = "") {
  const { text } = view().wanted.search;
  const searched = !before && CONDITION.test(text) ? text : "";
  let now = before || searched;
  confirm({
    title: t("Condition on a field"),
    text: "",
    more: html`<div class="remedy-field">${field({
      id: "log-condition", label: t("Condition"), help: t("For example status>=500, level!=debug or trace_id=abc. Fields of JSON and of key=value are known; inner ones are written with dots."),
      control: input({ id: "log-condition", value: now, placeholder: "status>=500", change: (text) => { now = text; } }),
    })}</div>`,
    action: t("Show only these"),
    run: () => {
      const others = view().wanted.fields.filter((other) => other !== before);
      show([...others, ...(now.trim() ? [now.trim()] : [])], searched ? { text: "" } : {});
    },
  });
}

// @ts-check
/** Above the form: changes that wait, and the way back to the settings before. */
import { html, nothing } from "../../../../vendor/lit-html/lit-html.js";
import { dateTime, list } from "../../../base/format.js";
import { t } from "../../../base/i18n.js";
import { button } from "../../../components/button.js";
import { icon } from "../../../components/icon.js";
import { notice } from "../../../components/notice.js";
import { apply, restore } from "./actions.js";
import { form, isChanged, newVariable } from "./form.js";
import { shown } from "./words.js";

/** @import { Field, Module, Previous } from "../../../contract.d.ts" */

/** @param {Module} module */
export function banners(module) {
  const { previous } = form();
  if (module.outdated) return isChanged() ? nothing : waiting(module);
  return previous && isBad(module) ? failed(module, previous) : nothing;
}

/** @param {Module} module */
const isBad = ({ state }) => state === "error" || state === "degraded";

/** @param {Module} module */
const waiting = (module) => notice({
  icon: "hourglass",
  title: t("Changes are waiting to be applied"),
  text: t("They are saved. Running services of {title} get them when they are recreated.", { title: module.title }),
  actions: [
    button({ text: t("Apply now"), icon: "check", kind: "primary", run: () => apply(module, "now") }),
    ...(form().previous ? [button({ text: t("Undo"), icon: "undo-2", run: () => restore(module.name) })] : []),
  ],
});

/** @param {Module} module @param {Previous} previous */
const failed = (module, previous) => notice({
  tone: "bad",
  title: t("{title} isn't healthy since its settings changed", { title: module.title }),
  text: html`${module.reason ? html`${module.reason}<br>` : nothing}${before(previous)}`,
  actions: button({
    text: t("Restore the previous settings"), icon: "undo-2", kind: "primary", run: () => restore(module.name),
  }),
});

/** @param {Module} module Beside the form: the last change, while it can be undone. */
export function lastChange(module) {
  const { previous } = form();
  if (!previous || isChanged() || module.outdated || isBad(module)) return nothing;
  return html`
    <section class="card last-change">
      <h3>${t("Last change")}</h3>
      <p class="small muted">${dateTime(previous.time)}</p>
      <p class="small text">${before(previous)}</p>
      ${button({ text: t("Undo"), icon: "undo-2", size: "small", run: () => restore(module.name) })}
    </section>`;
}

/** @param {Previous} previous */
function before({ values }) {
  const known = (form().settings ?? []).filter(({ address }) => address in values);
  const gone = Object.keys(values).filter((address) => !known.some((one) => one.address === address)).map(newVariable);
  return list([...known, ...gone].map((field) => reverted(field, values[field.address] ?? null)));
}

/** @param {Field} field @param {string|null} value */
const reverted = (field, value) =>
  field.type === "secret"
    ? t("{name} was changed", { name: field.title })
    : t("{name} {before} → {after}", { name: field.title, before: shown(field, value), after: shown(field, field.value) });

export const skeleton = () => html`
  <div class="settings-loading" aria-hidden="true">${[1, 2, 3, 4].map(() => html`<div class="skeleton"></div>`)}</div>`;

export const noSettings = () => {
  const { error } = form();
  return html`<p class="control bad text" role="alert">${icon("circle-alert", "s14")}${error?.message}</p>`;
};

// @ts-check
/** The bar below the form, only while something is changed. */
import { html, nothing } from "../../../../vendor/lit-html/lit-html.js";
import { list } from "../../../base/format.js";
import { t, tn } from "../../../base/i18n.js";
import { shortcut } from "../../../base/keys.js";
import { button } from "../../../components/button.js";
import { apply } from "./actions.js";
import { discard, draft, fields, form, isChanged, isIdle, isValid, whenNow } from "./form.js";
import { changeText } from "./words.js";

/**
 * @import { Module } from "../../../contract.d.ts"
 * @import { PageState } from "../../../types.d.ts"
 */

/** @param {PageState} page @param {Module} module */
export function bar(page, module) {
  if (!isChanged()) return nothing;
  const changes = draft();
  const known = fields().filter(({ address }) => address in changes);
  const texts = known.map((field) => changeText(field, changes[field.address] ?? null));
  const why = isValid() ? null : t("Some values can't be used yet. Correct them first.");
  const enabled = isValid() && !page.asked.has("settings");
  const blocker = isIdle() ? null : form().blocker?.message ?? null;
  return html`
    <footer class="applybar" aria-label=${t("Changes")}>
      <span class="tag info">${tn("{count} change", "{count} changes", known.length)}</span>
      <span class="control muted cut grow" title=${list(texts)}>${list(texts)}</span>
      <span class="to-effects">${button({
        text: t("What will happen"), kind: "quiet", run: () => document.querySelector(".setside")?.scrollIntoView(),
      })}</span>
      ${button({ text: t("Discard"), kind: "quiet", run: discard })}
      ${isIdle() ? nothing : button({ text: t("Save, apply later"), enabled, why, run: () => apply(module, "later") })}
      ${button({
        text: isIdle() ? t("Save") : t("Apply now"), icon: "check", kind: "primary", enabled: enabled && !blocker,
        why: why ?? blocker, keys: shortcut("Mod+Enter"), run: () => apply(module, whenNow()),
      })}
    </footer>`;
}

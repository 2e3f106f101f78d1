// @ts-check
/** Applies the form's changes, and takes them back. */
import { ask } from "../../../base/actions.js";
import { t, tn } from "../../../base/i18n.js";
import { hideSecrets } from "../../../components/secret.js";
import { showToast } from "../../../components/toast.js";
import { discard, draft, form, isValid, reload } from "./form.js";

/** @import { Module } from "../../../contract.d.ts" */

/** @param {Module} module @param {"now"|"later"} when */
export async function apply({ name, title }, when) {
  const changes = draft();
  if (!isValid()) return;
  const answer = await ask("settings", "ai/config/apply", { module: name, changes, when });
  if (!answer.success) return;
  hideSecrets();
  discard();
  await reload();
  const count = Object.keys(changes).length;
  if (!count) return;
  const isAtWork = answer.data.operationId !== null;
  const time = form().module === name ? form().previous?.time : undefined;
  showToast({
    text: isAtWork
      ? tn("Applying {count} change to {title}", "Applying {count} changes to {title}", count, { title })
      : tn("Saved {count} change to {title}", "Saved {count} changes to {title}", count, { title }),
    undo: () => restore(name, when, time), about: `settings of ${name}`,
  });
}

/** @param {string} module @param {"now"|"later"} when @param {string} [time] of the change, unless it is the last one */
export async function restore(module, when = "now", time) {
  const answer = await ask("settings", "ai/config/restore", { module, when, ...(time && { time }) });
  if (!answer.success) return;
  if (form().module === module) await reload();
  showToast({ text: t("The previous settings are back"), about: `settings of ${module}` });
}

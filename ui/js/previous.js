// @ts-check
/** The way back to the settings that a module had before it got into trouble. */
import { ask } from "./base/actions.js";
import { invoke } from "./base/bridge.js";
import { t } from "./base/i18n.js";
import { slice } from "./base/store.js";
import { showToast } from "./components/toast.js";

/** @import { Module } from "./contract.d.ts" */

/** By module: since when it is in trouble, and whether it has earlier settings. */
const own = slice({ known: /** @type {Record<string, {since: string, has: boolean}>} */ ({}) });

/** @param {string} name @param {string} since @param {boolean} has */
const note = (name, since, has) => own.set({ known: { ...own.get().known, [name]: { since, has } } });

/** @type {Record<string, string>} What was asked last of each module. */
const asked = {};

/** @param {Module} module in trouble. The owner is asked once each time; the page is drawn again then. */
export function hasPrevious({ name, trouble }) {
  const since = String(trouble?.since);
  if (asked[name] !== since) {
    asked[name] = since;
    invoke("ai/config/form", { module: name }).then((answer) =>
      note(name, since, answer.success && Boolean(answer.data.previous)));
  }
  const known = own.get().known[name];
  return known?.since === since && known.has;
}

/** @param {string} key of the request @param {Module} module */
export async function restorePrevious(key, { name, trouble }) {
  const answer = await ask(key, "ai/config/restore", { module: name, when: "now" });
  if (!answer.success) return;
  note(name, String(trouble?.since), false);
  showToast({ text: t("The previous settings are back") });
}

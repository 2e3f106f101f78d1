// @ts-check
/** A secret that is shown on request, and hidden again by itself. */
import { html } from "../../vendor/lit-html/lit-html.js";
import { ask } from "../base/actions.js";
import { t } from "../base/i18n.js";
import { slice } from "../base/store.js";
import { button } from "./button.js";
import { showToast } from "./toast.js";

const SHOWN_MS = 30_000;
const COPIED_MS = 60_000;

const own = slice({ shown: /** @type {Record<string, string>} */ ({}) });

/** @type {Map<string, ReturnType<typeof setTimeout>>} */
const timers = new Map();

/** @param {string} address of the setting */
async function value(address) {
  const answer = await ask(address, "ai/config/reveal", { name: address });
  return answer.success ? answer.data.value : null;
}

/** @param {string} address @returns {string|undefined} the secret, while it is shown */
export const plainOf = (address) => own.get().shown[address];

/** @param {string} address */
export function hideSecret(address) {
  const { [address]: _, ...shown } = own.get().shown;
  own.set({ shown });
}

export const hideSecrets = () => own.set({ shown: {} });

/** @param {string} address */
export async function showSecret(address) {
  const found = await value(address);
  if (found === null) return;
  own.set({ shown: { ...own.get().shown, [address]: found } });
  clearTimeout(timers.get(address)); // it was shown a moment ago, too
  timers.set(address, setTimeout(() => hideSecret(address), SHOWN_MS));
}

/** @param {string} address @param {(secret: string) => string} [within] makes the text to copy of it */
export async function copySecret(address, within = (secret) => secret) {
  const plain = await value(address);
  if (!plain) return;
  const found = within(plain);
  try {
    await navigator.clipboard.writeText(found);
  } catch {
    showToast({ text: t("The clipboard can't be used here"), icon: "circle-alert" });
    return;
  }
  showToast({ text: t("Copied. The clipboard is cleared in 60 seconds."), icon: "copy" });
  setTimeout(() => clear(found), COPIED_MS);
}

/** @param {string} copied Clears the clipboard, unless something else was copied since. */
async function clear(copied) {
  if (!document.hasFocus()) { // no page may use the clipboard then
    window.addEventListener("focus", () => clear(copied), { once: true });
    return;
  }
  try {
    if ((await navigator.clipboard.readText()) !== copied) return;
  } catch {
    // It can't be read here: rather nothing in it than the secret.
  }
  await navigator.clipboard.writeText("").catch(() => {});
}

/** @param {string} address of the setting @param {string} name of what it is for */
export function secret(address, name) {
  const shown = plainOf(address);
  return html`
    <span class="secret">
      <code class="text cut">${shown === undefined ? "••••••••" : shown || t("not set")}</code>
      ${shown === undefined
        ? button({ ...look, text: t("Show"), name: t("Show the secret of {name}", { name }), icon: "eye", run: () => showSecret(address) })
        : button({ ...look, text: t("Hide"), name: t("Hide the secret of {name}", { name }), icon: "eye-off", run: () => hideSecret(address) })}
      ${button({ ...look, text: t("Copy"), name: t("Copy the secret of {name}", { name }), icon: "copy", run: () => copySecret(address) })}
    </span>`;
}

const look = { kind: /** @type {const} */ ("quiet"), size: /** @type {const} */ ("small"), iconOnly: true };

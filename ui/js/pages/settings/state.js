// @ts-check
/** What the page of the app's settings knows, and how it changes them. */
import { invoke } from "../../base/bridge.js";
import { slice } from "../../base/store.js";

/** @import { About, Autostart, Setting } from "../../contract.d.ts" */

export const own = slice({
  isLoaded: false,
  /** Why the settings can't be read. */
  failure: /** @type {string|null} */ (null),
  settings: /** @type {Record<string, Setting>} */ ({}),
  about: /** @type {About|null} */ (null),
  autostart: /** @type {Autostart|null} */ (null),
  /** Why a value was refused, by the id of its row. */
  errors: /** @type {Record<string, string>} */ ({}),
});

export async function load() {
  const [settings, about, autostart] = await Promise.all([
    invoke("ai/config/get", {}), invoke("ai/app/about", {}), invoke("ai/system/autostart", {}),
  ]);
  const entries = settings.success ? settings.data.entries : [];
  own.set({
    isLoaded: true,
    failure: settings.success ? null : settings.message,
    settings: Object.fromEntries(
      entries.filter(({ address }) => address.startsWith("app.")).map((entry) => [entry.address, entry])),
    about: about.success ? about.data : null,
    autostart: autostart.success ? autostart.data : null,
  });
}

/** @param {string} address @param {string|null} value `null`: its default @returns {Promise<boolean>} whether it was taken */
export async function change(address, value) {
  const answer = await invoke("ai/config/set", { name: address, value });
  const { [address]: _, ...errors } = own.get().errors;
  if (!answer.success) {
    own.set({ errors: { ...errors, [address]: answer.message } });
    return false;
  }
  const { entries, warning } = answer.data;
  const changed = Object.fromEntries(entries.map((entry) => [entry.address, entry]));
  own.set({ settings: { ...own.get().settings, ...changed }, errors: warning ? { ...errors, [address]: warning } : errors });
  return true;
}

/** @param {boolean} enabled */
export async function changeAutostart(enabled) {
  const answer = await invoke("ai/system/autostart", { enabled });
  if (answer.success) own.set({ autostart: answer.data, errors: {} });
  else own.set({ errors: { autostart: answer.message } });
}

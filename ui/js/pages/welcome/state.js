// @ts-check
/** What the first steps know. */
import { ask } from "../../base/actions.js";
import { invoke } from "../../base/bridge.js";
import { current, slice } from "../../base/store.js";
import { loadEngineSetup } from "../engine/state.js";

/** @import { Autostart, Check, ModuleNeedsEntry } from "../../contract.d.ts" */

export const own = slice({
  checks: /** @type {Check[]|null} */ (null),
  isChecking: false,
  error: "",
  needs: /** @type {Record<string, ModuleNeedsEntry>} */ ({}),
  /** Names of the features to start; `null`: those that the owner has. */
  chosen: /** @type {string[]|null} */ (null),
  autostart: /** @type {Autostart|null} */ (null),
  mirrors: "",
  mirrorError: "",
  version: "",
});

let isDue = false;

/** Checks; once more where something changed meanwhile. */
export async function check() {
  isDue = true;
  if (own.get().isChecking) return;
  own.set({ isChecking: true });
  while (isDue) {
    isDue = false;
    const answer = await invoke("ai/doctor/run", {});
    own.set(answer.success ? { checks: answer.data.checks, error: "" } : { error: answer.message });
  }
  own.set({ isChecking: false });
}

export async function load() {
  loadEngineSetup();
  const [needs, autostart, about, mirrors] = await Promise.all([
    invoke("ai/modules/needs", {}), invoke("ai/system/autostart", {}), invoke("ai/app/about", {}),
    invoke("ai/config/get", { name: "app.mirrors" }),
  ]);
  own.set({
    needs: needs.success ? Object.fromEntries(needs.data.modules.map((one) => [one.name, one])) : {},
    autostart: autostart.success ? autostart.data : null,
    version: about.success ? about.data.version : "",
    mirrors: mirrors.success ? mirrors.data.entries[0]?.value ?? "" : "",
  });
}

/** @param {boolean} enabled */
export async function setAutostart(enabled) {
  const answer = await ask("autostart", "ai/system/autostart", { enabled });
  if (answer.success) own.set({ autostart: answer.data });
}

/** @param {string} text @returns {Promise<boolean>} whether it was taken */
export async function setMirrors(text) {
  const answer = await invoke("ai/config/set", { name: "app.mirrors", value: text || null });
  own.set(answer.success ? { mirrors: answer.data.entries[0]?.value ?? "", mirrorError: "" } : { mirrorError: answer.message });
  return answer.success;
}

/** The names of the chosen features. */
export const chosen = () => own.get().chosen ?? current().snapshot?.chosen ?? [];

/** @param {string} name */
export function toggle(name) {
  const names = chosen();
  own.set({ chosen: names.includes(name) ? names.filter((one) => one !== name) : [...names, name] });
}

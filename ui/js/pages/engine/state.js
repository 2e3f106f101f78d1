// @ts-check
/** Whether this machine needs a Docker engine, or leave to use it, and what is known about the ways to it. */
import { invoke, on } from "../../base/bridge.js";
import { t } from "../../base/i18n.js";
import { observe, slice } from "../../base/store.js";

/**
 * @import { EngineSetup } from "../../contract.d.ts"
 * @import { PageState } from "../../types.d.ts"
 */

const own = slice({ setup: /** @type {EngineSetup|null} */ (null) });

export const engineSetupState = () => own.get().setup;

export async function loadEngineSetup() {
  const answer = await invoke("ai/engine/setup", {});
  if (answer.success) own.set({ setup: answer.data });
}

/** @param {PageState["snapshot"]} snapshot */
const isEngineMissing = (snapshot) =>
  !snapshot?.engine.running && snapshot?.engine.error?.code === "E_ENGINE_NOT_INSTALLED";

/** Docker is there, and this user may not use it. @param {PageState["snapshot"]} snapshot */
export const isForbidden = (snapshot) => !snapshot?.engine.running && snapshot?.engine.error?.data.forbidden === true;

/** Whether setup.js can help. @param {PageState["snapshot"]} snapshot */
export const needsSetup = (snapshot) =>
  isEngineMissing(snapshot) || (isForbidden(snapshot) && own.get().setup?.packages?.possible === true);

/** @param {PageState["snapshot"]} snapshot */
export const setupTitle = (snapshot) => (isForbidden(snapshot) ? t("Let AI-Server Tray use Docker") : t("Install Docker to begin"));

observe((now, before) => {
  const isStuck = (/** @type {PageState} */ { snapshot }) => isEngineMissing(snapshot) || isForbidden(snapshot);
  const isNew = isStuck(now) && !isStuck(before);
  if (isNew || (own.get().setup && now.snapshot?.language !== before.snapshot?.language)) loadEngineSetup();
});
on("ai/engine/installEvent", (install) => {
  const { setup } = own.get();
  if (setup) own.set({ setup: { ...setup, install } });
  if (install.status !== "running") loadEngineSetup(); // with the error
});
on("ai/engine/ownEvent", (engine) => {
  const { setup } = own.get();
  if (setup) own.set({ setup: { ...setup, own: engine } });
});

// @ts-check
/** What is done with modules, wherever it is asked for: with a question where others are concerned. */
import * as actions from "../../base/actions.js";
import { isBrowser } from "../../base/bridge.js";
import { list } from "../../base/format.js";
import { t, tn } from "../../base/i18n.js";
import { needed } from "../../base/later.js";
import { showToast } from "../../components/toast.js";
import { pageOf } from "../access/list.js";

/**
 * @import { Module, Snapshot } from "../../contract.d.ts"
 */

/** @param {Module} module */
export const startModule = ({ name }) => actions.start(name);

/** @param {Module} module Modules that use it go on. */
export const restartModule = ({ name }) => actions.restart(name);

/** @param {Module} module */
export async function openModule(module) {
  const page = pageOf(module);
  if (isBrowser && page) window.open(page, "_blank", "noopener,noreferrer");
  else await actions.open(module.name);
}

/** @param {string} address of a web page, for the system's browser */
export async function openInBrowser(address) {
  if (isBrowser) window.open(address, "_blank", "noopener,noreferrer");
  else await actions.ask("browser", "ai/system/openExternal", { url: address });
}

/** @param {Module} module @param {Snapshot|null} snapshot Asks first where others stop with it. */
export function stopModule(module, snapshot) {
  const users = (snapshot?.modules ?? []).filter(
    ({ name, state }) => module.usedBy.includes(name) && state !== "stopped",
  );
  if (!users.length) {
    stopAlone(module);
    return;
  }
  actions.confirm({
    title: t("Stop {name}?", { name: module.title }),
    text: tn(
      "{users} uses it and will stop too. Your data is kept.",
      "{users} use it and will stop too. Your data is kept.",
      users.length,
      { users: list(users.map(({ title }) => title)) },
    ),
    action: tn("Stop {count} module", "Stop {count} modules", users.length + 1),
    run: () => actions.stopWithUsers(module.name),
  });
}

/** @param {Module} module */
async function stopAlone({ name, title }) {
  const answer = await actions.stop(name);
  if (!answer.success) return;
  showToast({ text: t("Stopping {name}", { name: title }), icon: "square", undo: () => actions.start(name) });
}

/** @param {Module} module Asks first. */
export const removeModule = async (module) => (await needed(() => import("./remove.js")))?.removeModule(module);

/** @param {Snapshot|null} snapshot Asks first: somebody may use what runs. */
export function restartEverything(snapshot) {
  const running = (snapshot?.modules ?? []).filter(({ abilities, state }) => state !== "stopped" && abilities.restart === null);
  actions.confirm({
    title: t("Restart everything?"),
    text: t("Anyone using {names} will be interrupted. Your data is kept.", {
      names: list(running.filter(({ kind }) => kind === "feature").map(({ title }) => title)),
    }),
    action: t("Restart all"),
    run: () => actions.restartAll(running.map(({ name }) => name)),
  });
}

/** @param {Snapshot} snapshot Asks first where a feature runs, which somebody may use. */
export function stopEverything({ modules }) {
  const running = modules.filter(({ kind, state }) => kind === "feature" && state !== "stopped");
  if (!running.length) {
    actions.stopAll();
    return;
  }
  actions.confirm({
    title: t("Stop everything?"),
    text: t("Anyone using {names} will be interrupted. Your data is kept.", { names: list(running.map(({ title }) => title)) }),
    action: t("Stop all"),
    run: actions.stopAll,
  });
}

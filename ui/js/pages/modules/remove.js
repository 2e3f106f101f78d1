// @ts-check
/** Asks before a module is removed: by a typed name where its data goes, too. */
import { html, nothing } from "../../../vendor/lit-html/lit-html.js";
import { ask, confirm, operate } from "../../base/actions.js";
import { invoke } from "../../base/bridge.js";
import { number } from "../../base/format.js";
import { t, tn } from "../../base/i18n.js";

/**
 * @import { Module } from "../../contract.d.ts"
 * @typedef {{volumes: string[], lines: number, isDataLost: boolean, areLogsLost: boolean}} Removal
 *   `volumes`: with its data; `lines`: of its kept logs
 */

/** @param {Module} module */
export async function removeModule(module) {
  const [details, logs] = await Promise.all([
    invoke("ai/module/details", { name: module.name }), invoke("ai/logs/kept", {}),
  ]);
  const kept = logs.success ? logs.data.modules.find((found) => found.module === module.name) : undefined;
  show(module, {
    volumes: details.success ? details.data.volumes : [], lines: kept?.lines ?? 0, isDataLost: false, areLogsLost: false,
  });
}

/** @param {Module} module @param {Removal} removal */
function show(module, removal) {
  const { volumes, lines, isDataLost } = removal;
  confirm({
    title: t("Remove {name}?", { name: module.title }),
    text: isDataLost ? t("Its containers, its networks and all of its data are removed. This can't be undone.")
      : module.orphan ? t("Its containers and networks are removed. Your data is kept.")
        : t("Its containers and networks are removed. Your data is kept, and the next start creates them again."),
    more: html`${volumes.length ? dataChoice(module, removal) : nothing}${lines ? logChoice(module, removal) : nothing}`,
    kind: isDataLost ? "danger" : "primary",
    ...(isDataLost && { typed: module.title }),
    action: isDataLost ? t("Remove with data") : t("Remove"),
    run: () => remove(module.name, removal),
  });
}

/** @param {string} name @param {Removal} removal */
async function remove(name, { volumes, isDataLost, areLogsLost }) {
  const begun = await operate(name, { kind: "down", modules: [name], volumes: isDataLost ? volumes : [] });
  if (!begun.success || !areLogsLost) return;
  const ended = await invoke("ai/operation/wait", { id: begun.data.operationId });
  // Its last lines come until then.
  if (ended.success && ended.data.operation.status === "succeeded") ask("logs", "ai/logs/delete", { module: name });
}

/** @param {Module} module @param {Removal} removal */
const dataChoice = (module, removal) => html`
  ${choice(
    tn("Also delete its data ({count} volume)", "Also delete its data ({count} volumes)", removal.volumes.length),
    removal.isDataLost, (isDataLost) => show(module, { ...removal, isDataLost }),
  )}
  ${removal.isDataLost
    ? html`<ul class="small muted mono removal-list">${removal.volumes.map((name) => html`<li>${name}</li>`)}</ul>` : nothing}`;

/** @param {Module} module @param {Removal} removal */
const logChoice = (module, removal) => choice(
  tn("Also delete its kept logs ({count} line)", "Also delete its kept logs ({count} lines)", removal.lines, {
    count: number(removal.lines),
  }),
  removal.areLogsLost, (areLogsLost) => show(module, { ...removal, areLogsLost }),
);

/** @param {string} text @param {boolean} isChosen @param {(isChosen: boolean) => void} choose */
const choice = (text, isChosen, choose) => html`
  <label class="row-flex removal">
    <input type="checkbox" class="check" .checked=${isChosen}
      @change=${(/** @type {Event} */ { target }) => choose(/** @type {HTMLInputElement} */ (target).checked)}>
    <span>${text}</span>
  </label>`;

// @ts-check
/** Asks before a module is removed: by a typed name where its data goes, too. */
import { html, nothing } from "../vendor/lit-html/lit-html.js";
import { ask, confirm } from "./actions.js";
import { invoke } from "./bridge.js";
import { t, tn } from "./i18n.js";

/** @import { Module } from "./contract.d.ts" */

/** @param {Module} module */
export async function removeModule(module) {
  const answer = await invoke("ai/module/details", { name: module.name });
  show(module, answer.success ? answer.data.volumes : [], "kept");
}

/** @param {Module} module @param {string[]} volumes with its data @param {"kept"|"lost"} data */
function show(module, volumes, data) {
  const isLost = data === "lost";
  confirm({
    title: t("Remove {name}?", { name: module.title }),
    text: isLost ? t("Its containers, its networks and all of its data are removed. This can't be undone.")
      : module.orphan ? t("Its containers and networks are removed. Your data is kept.")
        : t("Its containers and networks are removed. Your data is kept, and the next start creates them again."),
    more: volumes.length ? choice(module, volumes, isLost) : nothing,
    kind: isLost ? "danger" : "primary",
    ...(isLost && { typed: module.title }),
    action: isLost ? t("Remove with data") : t("Remove"),
    run: () => ask(module.name, "ai/operation/start", {
      kind: "down", modules: [module.name], volumes: isLost ? volumes : [],
    }),
  });
}

/** @param {Module} module @param {string[]} volumes @param {boolean} isLost */
const choice = (module, volumes, isLost) => html`
  <label class="row-flex removal">
    <input type="checkbox" class="check" .checked=${isLost}
      @change=${(/** @type {Event} */ { target }) =>
        show(module, volumes, /** @type {HTMLInputElement} */ (target).checked ? "lost" : "kept")}>
    <span>${tn("Also delete its data ({count} volume)", "Also delete its data ({count} volumes)", volumes.length)}</span>
  </label>
  ${isLost ? html`<ul class="small muted mono removal-list">${volumes.map((name) => html`<li>${name}</li>`)}</ul>` : nothing}`;

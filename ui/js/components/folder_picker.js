// @ts-check
/**
 * A field for a folder of this computer, and *Choose…* beside it: the desktop's own dialog in a window, a list to
 * walk through in a browser, which has no dialog that tells a folder's path.
 */
import { html, nothing } from "../../vendor/lit-html/lit-html.js";
import { invoke, isBrowser } from "../base/bridge.js";
import { labelled } from "../base/format.js";
import { t } from "../base/i18n.js";
import { observe, slice } from "../base/store.js";
import { button } from "./button.js";
import { input } from "./field.js";
import { icon } from "./icon.js";

/**
 * @import { InnerFolders } from "../contract.d.ts"
 * @import { Answer } from "../types.d.ts"
 * @typedef {{id: string, label: string, value: string, change: (folder: string) => void, picked?: () => void,
 *   next?: () => HTMLElement|null, placeholder: string, invalid: boolean, enabled?: boolean}} Options
 *   `label`: also where a `field` names it; `picked`: after a choice in the desktop's dialog, which is the last step there;
 *   `next`: what has the focus in a folder with a Compose file, instead of the first folder in it
 */

/** What is asked or listed, and for which field. */
const own = slice({ id: "", isBusy: false, listed: /** @type {InnerFolders|null} */ (null), error: "" });

/** Ends with another address, and with the next question: an earlier answer is none any more. */
let visit = 0;

export function closeFolders() {
  visit += 1;
  if (own.get().id) own.set({ id: "", isBusy: false, listed: null, error: "" });
}

observe(({ address }, before) => {
  if (address !== before.address) closeFolders();
});

/** @param {string} id of a field @returns {string} why its folder can't be chosen or listed */
export const folderError = (id) => (own.get().id === id ? own.get().error : "");

/** @param {Options} options */
export function folderPicker({ placeholder, invalid, enabled = true, ...field }) {
  const { id, label, value, change } = field;
  const { isBusy, listed } = own.get().id === id ? own.get() : { isBusy: false, listed: null };
  return html`
    <div class="pick-folder">
      ${input({ id, label, value, placeholder, invalid, change: (text) => {
        closeFolders(); // they are of another folder
        change(text);
      } })}
      ${button({
        text: t("Choose…"), name: labelled(t("Choose…"), label), icon: "folder-open", enabled: enabled && !isBusy,
        run: !isBrowser ? () => pick(field) : listed?.folder === value.trim() ? closeFolders : () => goTo(field, value.trim()),
      })}
    </div>
    ${listed ? folderList(listed, (folder) => goTo(field, folder)) : nothing}`;
}

/** @typedef {Pick<Options, "id"|"change"|"picked"|"next">} Field */

/** @param {Field} field */
async function pick({ id, change, picked }) {
  const answer = await asked(id, invoke("ai/ui/pickFolder", {}));
  if (!answer?.folder) return;
  change(answer.folder);
  picked?.();
}

/** @param {Field} field @param {string} folder the home folder, if empty */
async function goTo({ id, change, next }, folder) {
  const listed = await asked(id, invoke("ai/catalog/folders", folder ? { folder } : {}));
  if (!listed) return;
  own.set({ listed });
  change(listed.folder);
  requestAnimationFrame(() => {
    const list = document.querySelector(".folder-list");
    list?.scrollTo(0, 0);
    const rows = list?.querySelectorAll("button") ?? [];
    ((listed.hasFile && next?.()) || rows[listed.parent ? 1 : 0] || rows[0])?.focus();
  });
}

/**
 * The answer, if it is still wanted when it comes.
 * @template T
 * @param {string} id @param {Promise<Answer<T>>} question @returns {Promise<T|null>}
 */
async function asked(id, question) {
  visit += 1;
  const mine = visit;
  own.set({ id, isBusy: true, error: "", listed: own.get().id === id ? own.get().listed : null });
  const answer = await question;
  if (visit !== mine) return null;
  own.set({ isBusy: false, error: answer.success ? "" : answer.message });
  return answer.success ? answer.data : null;
}

/** @param {InnerFolders} listed @param {(folder: string) => void} goTo */
const folderList = ({ folder, parent, hasFile, folders }, goTo) => html`
  <nav class="folder-list" aria-label=${t("Folders in {folder}", { folder })} @keydown=${move}>
    <ul>
      ${parent ? row({ name: t("Parent folder"), drawing: "arrow-up", to: parent }, goTo) : nothing}
      ${folders.map(({ name, hasFile: isModule }) => row({
        name, drawing: isModule ? "package" : "folder-open", to: `${folder.replace(/[\\/]$/, "")}/${name}`,
        tag: isModule ? t("Compose file") : "",
      }, goTo))}
      ${folders.length ? nothing : html`<li class="muted small">${t("No folders in it")}</li>`}
    </ul>
  </nav>
  ${hasFile ? html`<p class="small row-flex" role="status">${icon("package", "s14")}${t("This folder has a Compose file.")}</p>` : nothing}`;

/** @param {{name: string, drawing: string, to: string, tag?: string}} folder @param {(folder: string) => void} goTo */
const row = ({ name, drawing, to, tag }, goTo) => html`
  <li><button type="button" class="mi" @click=${() => goTo(to)}>${icon(drawing, tag ? "s14" : "s14 muted")}<span class="grow cut">${name}</span>
    ${tag ? html`<span class="tag">${tag}</span>` : nothing}</button></li>`;

/** @param {KeyboardEvent} event */
function move(event) {
  const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  if (!step) return;
  event.preventDefault();
  const all = [.../** @type {HTMLElement} */ (event.currentTarget).querySelectorAll("button")];
  const at = all.findIndex((each) => each === document.activeElement);
  all[at + step]?.focus();
}

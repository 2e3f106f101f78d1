// @ts-check
/** The folders of this computer as a list to walk through, for browsers. They have no dialog that tells a folder's path. */
import { html, nothing } from "../../vendor/lit-html/lit-html.js";
import { t } from "../base/i18n.js";
import { icon } from "./icon.js";

/** @import { InnerFolders } from "../contract.d.ts" */

/** @param {InnerFolders} listed @param {(folder: string) => void} goTo */
export const folderList = ({ folder, parent, hasFile, folders }, goTo) => html`
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

// @ts-check
/** Moves everything to another computer: asks what the file has, and says what comes next. */
import { html, nothing } from "../../../vendor/lit-html/lit-html.js";
import { ask, confirm } from "../../base/actions.js";
import { setQuery } from "../../base/address.js";
import { inOrder, invoke, isBrowser } from "../../base/bridge.js";
import { bytes } from "../../base/format.js";
import { t, tn } from "../../base/i18n.js";
import { slice } from "../../base/store.js";
import { button } from "../../components/button.js";
import { copy } from "../../components/copy.js";
import { input, toggle } from "../../components/field.js";
import { icon } from "../../components/icon.js";
import { notice } from "../../components/notice.js";
import { emblem } from "../../components/state.js";
import { askForKey } from "./key.js";
import { backupList, canBackUp, loadBackups, within } from "./list.js";

/** @import { BackupList, MoveOffer } from "../../contract.d.ts" */

const own = slice({
  file: "", images: true, folders: false, stop: false, error: "",
  offer: /** @type {MoveOffer|null} */ (null),
});

const look = inOrder("ai/backup/move/offer", (answer) => {
  if (!answer.success) own.set({ error: answer.message });
  else own.set({ offer: answer.data, file: own.get().file || answer.data.file, error: "" });
});

/** @param {Partial<ReturnType<typeof own.get>>} patch */
function change(patch) {
  own.set(patch);
  const { file, images, folders } = own.get();
  look({ images, folders, ...(file && { file }) });
}

export function askToMove() {
  change({ file: "", offer: null, error: "" });
  loadBackups();
  confirm({
    title: t("Move to another computer"),
    text: t("One encrypted file with the settings, passwords and data of everything. There, you restore it with the recovery key."),
    more: choices, action: t("Make the file"), ready: canMove, run: move,
  });
  setQuery({ move: "" });
}

const isKeySaved = () => Boolean(backupList()?.key.savedAt);

function canMove() {
  const { offer, error } = own.get();
  return offer !== null && !error && !offer.blockers.length && isKeySaved() && canBackUp();
}

async function move() {
  const { file, images, folders, stop } = own.get();
  await ask("move", "ai/backup/move", { file, images, folders, stop });
}

async function pick() {
  const answer = await invoke("ai/ui/pickFile", { name: own.get().file.split(/[\\/]/).at(-1) ?? "" });
  if (answer.success && answer.data.file) change({ file: answer.data.file });
}

function choices() {
  const { file, offer, error } = own.get();
  const why = error ? [error] : offer?.blockers ?? [];
  return html`<div class="move-choices">
    <div class="key-form">
      <label for="move-file">${t("File")}</label>
      <div class="pick-folder">${input({ id: "move-file", value: file, invalid: why.length > 0, change: (text) => change({ file: text.trim() }) })}
        ${isBrowser ? nothing : button({ text: t("Choose…"), icon: "folder-open", run: pick })}</div>
      <p class="small muted">${offer ? t("Needs up to {size}. A stick, an external drive or a share is best.", { size: bytes(offer.fileBytes) }) : t("Looking what there is…")}</p>
    </div>
    <div class="rows framed">
      ${row("images", "package", t("Include the images"), offer ? tn(
        "{count} image, up to {size}. Nothing has to be downloaded there.", "{count} images, up to {size}. Nothing has to be downloaded there.",
        offer.images, { size: bytes(offer.imageBytes) }) : "")}
      ${offer?.folders.length ? row("folders", "folder-open", t("Include folders of this computer"), offer.folders.join("\n")) : nothing}
      ${row("stop", "square", t("Stop everything here"), t("It stops first and stays stopped, so nothing is missing in the file. Otherwise, each module stops only while it is copied."))}
      ${isKeySaved() ? nothing : html`<div class="item amber">${icon("key-round", "busy")}
        <div class="grow"><h3>${t("Save your recovery key")}</h3><p>${t("Without this key, nobody can open the file on another computer, not even you.")}</p></div>
        ${button({ text: t("Save recovery key…"), kind: "tonal", run: () => void askForKey() })}</div>`}
    </div>
    ${why.length ? notice({ tone: "bad", title: t("The file can't be made now"), text: why.map((line) => html`<span class="note-line">${line}</span>`) }) : nothing}
  </div>`;
}

/** @param {"images"|"folders"|"stop"} name @param {string} drawing @param {string} title @param {string} text */
const row = (name, drawing, title, text) => html`
  <div class="item">${icon(drawing, "muted")}<div class="grow"><h3>${title}</h3><p>${text}</p></div>
    ${toggle({ id: `move-${name}`, label: title, on: own.get()[name], change: (on) => change({ [name]: on }) })}</div>`;

// -- afterwards -----------------------------------------------------------------------------------

/** What to do next with the last file, while it is there. @param {BackupList} list */
export function movedCard({ moved }) {
  if (!moved) return nothing;
  const { file, madeAt, bytes: size, hasImages, stopped } = moved;
  const said = [
    t("Take this file and the recovery file to the other computer. You need the passphrase, too."),
    t("Install AI-Server Tray there. At its first start, choose Restore from a file."),
    hasImages ? t("Choose both files. It asks about what differs there, and needs no network.") : t("Choose both files. It asks about what differs there, and downloads the images."),
    stopped ? t("Everything here stands still. Start it again only if you stay here.")
      : t("Changes that you make here from now on are not in the file. Stop everything here once it runs there."),
  ];
  return html`
    <section class="card moved" aria-labelledby="moved-title">
      <div class="hero-head">${emblem("running", "package")}
        <div class="grow"><h2 id="moved-title">${t("Ready to move")}</h2><p class="control muted">${[file, bytes(size), within(madeAt)].join(" · ")}</p></div>
        ${button({ text: t("Copy path"), icon: "copy", kind: "quiet", run: () => copy(file) })}</div>
      <ol class="plain-steps">${said.map((text, index) => html`<li><b aria-hidden="true">${index + 1}</b><span>${text}</span></li>`)}</ol>
    </section>`;
}

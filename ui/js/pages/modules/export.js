// @ts-check
/** Writes a module as a plain Compose project: asks where and how, and says what can't go along. */
import { html, nothing } from "../../../vendor/lit-html/lit-html.js";
import { ask, confirm } from "../../base/actions.js";
import { inOrder } from "../../base/bridge.js";
import { list } from "../../base/format.js";
import { t } from "../../base/i18n.js";
import { slice } from "../../base/store.js";
import { button } from "../../components/button.js";
import { copy } from "../../components/copy.js";
import { choiceCards, toggle } from "../../components/field.js";
import { folderError, folderPicker } from "../../components/folder_picker.js";

/**
 * @import { ExportOffer, ExportRequest, Module } from "../../contract.d.ts"
 * @typedef {NonNullable<ExportRequest["volumes"]>} Volumes
 */

const own = slice({
  name: "", folder: "", volumes: /** @type {Volumes} */ ("named"), placeholders: false, replace: false, error: "",
  offer: /** @type {ExportOffer|null} */ (null),
});

const look = inOrder("ai/export/offer", (answer) => own.set(answer.success ? { offer: answer.data, error: "" } : { offer: null, error: answer.message }));

/** @param {Partial<ReturnType<typeof own.get>>} patch */
function change(patch) {
  own.set({ ...patch, ...("folder" in patch && { replace: false }) });
  const { name, folder, volumes } = own.get();
  look({ modules: [name], folder: folder.trim(), volumes });
}

/** @param {Module} module */
export function askToExport({ name, title }) {
  change({ name, folder: "", volumes: "named", placeholders: false, offer: null, error: "" });
  confirm({
    title: t("Export {name}", { name: title }),
    text: t("A folder with a plain Compose project. “docker compose up” runs it as it runs here, also without AI-Server Tray."),
    more: () => choices(name), action: t("Export"), run: write,
    ready: () => {
      const { folder, offer, replace } = own.get();
      return Boolean(folder.trim() && offer && (replace || !offer.isTaken));
    },
  });
}

async function write() {
  const { name, folder, volumes, placeholders, replace } = own.get();
  const secrets = placeholders ? "placeholders" : "file";
  const answer = await ask("export", "ai/export/write", { modules: [name], folder: folder.trim(), volumes, secrets, replace });
  if (!answer.success) return;
  const { data } = answer;
  confirm({
    title: t("Exported"), text: t("README.md in this folder says how to start it."),
    more: html`<p class="row-flex"><code class="grow">${data.folder}</code>${button({ text: t("Copy path"), icon: "copy", size: "small", run: () => copy(data.folder) })}</p>
      ${behind(data.left)}`,
  });
}

/** @param {string} name */
function choices(name) {
  const { folder, volumes, placeholders, replace, offer, error } = own.get();
  const others = (offer?.modules ?? []).filter((one) => one !== name);
  const isTaken = Boolean(folder.trim() && offer?.isTaken);
  const why = error || folderError("export-folder");
  return html`<div class="stack export-choices">
    <div>
      <label for="export-folder">${t("Folder")}</label>
      ${folderPicker({ id: "export-folder", label: t("Folder"), value: folder, placeholder: "/srv/n8n", invalid: Boolean(why), change: (text) => change({ folder: text }) })}
      ${why ? html`<p class="msg bad" role="alert">${why}</p>` : nothing}
      ${isTaken ? html`<p class="msg busy" role="status">${t("This folder is not empty.")}
        ${button({ text: t("New folder in it"), kind: "link", run: () => {
          change({ folder: `${folder.trim().replace(/[\\/]$/, "")}/aiserver-${name}` });
          document.getElementById("export-folder")?.focus(); // this button goes
        } })}</p>` : nothing}
    </div>
    ${choiceCards({
      id: "export-volumes", value: volumes, label: t("Data"), change: (value) => change({ volumes: /** @type {Volumes} */ (value) }),
      choices: [
        { value: "named", title: t("Go on with the data here"), text: t("It uses the volumes of this engine. Remove the containers here first; the data stays.") },
        { value: "new", title: t("Begin with empty volumes"), text: t("For another computer.") },
      ],
    })}
    <div class="rows framed">
      ${row("placeholders", t("Leave the passwords out"), t("Otherwise, secrets.env has them. Only you can read that file."), placeholders)}
      ${isTaken ? row("replace", t("Write into this folder"), t("Files of an earlier export are overwritten, others stay."), replace) : nothing}
    </div>
    ${others.length ? html`<p class="small muted">${t("Also in it, because {name} needs them: {names}", { name, names: list(others) })}</p>` : nothing}
    ${behind(offer?.left ?? [])}
  </div>`;
}

/** @param {"placeholders"|"replace"} name @param {string} title @param {string} text @param {boolean} on */
const row = (name, title, text, on) => html`<div class="item"><div class="grow"><h3>${title}</h3><p>${text}</p></div>
  ${toggle({ id: `export-${name}`, label: title, on, change: (value) => own.set({ [name]: value }) })}</div>`;

/** @param {string[]} left */
const behind = (left) => (left.length ? html`<div class="small"><h3>${t("Stays behind")}</h3><ul class="plain-list">${left.map((text) => html`<li>${text}</li>`)}</ul></div>` : nothing);

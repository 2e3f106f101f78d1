// @ts-check
/** Where backups are written. */
import { html, nothing } from "../../../vendor/lit-html/lit-html.js";
import { ask, confirm } from "../../base/actions.js";
import { invoke, isBrowser } from "../../base/bridge.js";
import { t } from "../../base/i18n.js";
import { slice } from "../../base/store.js";
import { folderError, folderPicker } from "../../components/folder_picker.js";
import { showToast } from "../../components/toast.js";
import { backupList, loadBackups, loadOffer } from "./list.js";

const FIELD = "backup-folder";

const own = slice({ folder: "" });

const FOLDER = "app.backup_folder";

/** Lets the user choose another folder. */
export const chooseFolder = () => pick(use);

/** Lets the user choose the first folder, to which a backup is written each night from then on. */
export const begin = () => pick(async (folder) => {
  if (await use(folder)) await ask("backup-every", "ai/config/set", { name: "app.backup_every", value: "day" });
  await loadBackups();
});

/** In the desktop's own dialog, or in a browser from a list. @param {(folder: string) => void} then */
async function pick(then) {
  if (!isBrowser) {
    const answer = await invoke("ai/ui/pickFolder", {});
    if (answer.success && answer.data.folder) then(answer.data.folder);
    return;
  }
  own.set({ folder: backupList()?.folder ?? "" });
  confirm({
    title: t("Folder for backups"), text: t("An external drive or a share is best: it stays when this computer breaks."),
    more: picker, action: t("Use this folder"), run: () => then(own.get().folder.trim()),
  });
}

const picker = () => html`
  ${folderPicker({
    id: FIELD, label: t("Folder"), value: own.get().folder, placeholder: "/mnt/backups", invalid: Boolean(folderError(FIELD)),
    change: (folder) => own.set({ folder }),
  })}
  ${folderError(FIELD) ? html`<p class="msg bad" role="alert">${folderError(FIELD)}</p>` : nothing}`;

/** @param {string} folder */
async function use(folder) {
  const { success } = await ask(FIELD, "ai/config/set", { name: FOLDER, value: folder });
  if (success) showToast({ text: t("Backups are written to {folder}", { folder }), icon: "folder-open", about: FIELD });
  await Promise.all([loadBackups(), loadOffer()]);
  return success;
}

// @ts-check
/** What Windows' own engine takes of this computer, and its removal: rows of the settings. */
import { html, nothing } from "../../../vendor/lit-html/lit-html.js";
import { ask, confirm } from "../../base/actions.js";
import { invoke } from "../../base/bridge.js";
import { bytes, labelled, list } from "../../base/format.js";
import { t } from "../../base/i18n.js";
import { slice } from "../../base/store.js";
import { button } from "../../components/button.js";
import { input, toggle } from "../../components/field.js";
import { folderPicker } from "../../components/folder_picker.js";
import { lookForEngines } from "./found.js";
import { ownEngine } from "./own.js";
import { engineSetupState, loadEngineSetup } from "./state.js";

/**
 * @import { OwnRoom } from "../../contract.d.ts"
 * @import { PageState, SettingRow } from "../../types.d.ts"
 */

const GIB = 1024 ** 3;
const KEY = "own room";

const own = slice({ room: /** @type {OwnRoom|null} */ (null), memory: "", processors: "", disk: "", folder: "" });

/** @param {OwnRoom} room */
const take = (room) => own.set({
  room, memory: gib(room.memory), processors: String(room.processors), disk: room.limit === null ? "" : gib(room.limit), folder: room.folder,
});

/** @param {number} size */
const gib = (size) => String(Math.round(size / GIB));

export async function loadOwnRoom() {
  await loadEngineSetup();
  const answer = engineSetupState()?.own?.status === "ready" ? await invoke("ai/engine/own/room", {}) : null;
  if (answer?.success) take(answer.data);
  else own.set({ room: null });
}

/** @param {{memory?: number, processors?: number, disk?: number, folder?: string, keep?: boolean}} wanted */
async function change(wanted) {
  const answer = await ask(KEY, "ai/engine/own/change", wanted);
  if (answer.success) take(answer.data);
}

/** @param {PageState} page @returns {SettingRow[]} */
export function ownRoomRows(page) {
  const engine = engineSetupState()?.own;
  const { room } = own.get();
  if (!engine) return [];
  if (engine.status !== "ready" || !room) return [{ id: "own-engine", title: t("Windows' own containers (WSL)"), below: ownEngine(engine, page) }];
  const enabled = page.connection === "up" && !page.asked.has(KEY);
  return [
    {
      id: "own-limits", title: t("Memory and processors"),
      help: t("{memory} of {total}, {count} of {all} processors, for all distributions of WSL together.", {
        memory: bytes(room.memory), total: bytes(room.total), count: room.processors, all: room.allProcessors,
      }),
      control: html`<span class="buttons own-limits">
        ${input({ id: "own-memory", type: "number", unit: "GB", label: t("Memory"), value: own.get().memory, change: (memory) => own.set({ memory }) })}
        ${input({ id: "own-processors", type: "number", label: t("Processors"), value: own.get().processors, change: (processors) => own.set({ processors }) })}
        ${button({ text: t("Apply…"), name: labelled(t("Apply…"), t("Memory and processors")), size: "small", enabled, run: () => askToLimit(room) })}</span>`,
    },
    {
      id: "own-disk", title: t("Disk"), help: disk(room),
      control: room.limit === null ? nothing : html`<span class="buttons own-limits">
        ${input({ id: "own-size", type: "number", unit: "GB", label: t("Largest size of the disk"), value: own.get().disk, change: (size) => own.set({ disk: size }) })}
        ${button({ text: t("Apply…"), name: labelled(t("Apply…"), t("Disk")), size: "small", enabled, run: askToResize })}</span>`,
      below: html`<details class="small"><summary>${t("Make it smaller")}</summary>
        <p>${t("The file grows with your data, and keeps its size when you delete some. Back up, stop all modules, then type this in a terminal of an administrator. WSL can do it by itself (sparse), but warns that data may be lost.")}</p>
        <pre class="console" tabindex="0">${["wsl --shutdown", "diskpart", `select vdisk file="${room.folder}\\ext4.vhdx"`, "attach vdisk readonly", "compact vdisk", "detach vdisk"].join("\n")}</pre></details>`,
    },
    {
      id: "own-place", title: t("Where its files are"), help: room.folder,
      control: button({ text: t("Move…"), icon: "folder-open", size: "small", enabled, run: askToMove }),
    },
    {
      id: "own-keep", title: t("Start the engine at login"), help: t("Modules that were running run again, also without AI-Server Tray."),
      control: toggle({ id: "own-keep", on: room.kept, label: t("Start the engine at login"), change: (keep) => change({ keep }) }),
    },
    {
      id: "own-again", title: t("Proxy and certificates"), help: t("Takes over those that Windows and these settings have now. Docker restarts in the engine."),
      control: button({ text: t("Take over"), size: "small", enabled, run: () => ask(KEY, "ai/engine/own/setUp", {}) }),
    },
    {
      id: "own-remove", title: t("Remove the engine"), help: t("With all data in it. Backups are kept."),
      control: button({ text: t("Remove…"), icon: "trash-2", size: "small", enabled, run: () => askToRemove(room) }),
    },
  ];
}

/** @param {OwnRoom} room */
const disk = ({ used, disk: size, free }) => [
  used === null ? t("The engine does not answer, so its data is not known.") : t("{size} of data, which can grow up to this size.", { size: bytes(used) }),
  size === null ? "" : t("Its file takes {size}.", { size: bytes(size) }),
  free === null ? "" : t("{size} free on this drive.", { size: bytes(free) }),
].filter(Boolean).join(" ");

/** @param {OwnRoom} room */
const askToLimit = ({ file, others }) => confirm({
  title: t("Change the limits of WSL?"),
  text: t("All distributions of WSL stop now, and your modules start again afterwards. The limits are in {file}; a copy of the old file stays beside it.", { file }),
  more: others.length ? html`<p>${t("This concerns {names}, too. Save your work there first.", { names: list(others) })}</p>` : nothing,
  action: t("Apply and restart WSL"),
  run: () => change({ memory: Number(own.get().memory), processors: Number(own.get().processors) }),
});

const askToResize = () => confirm({
  title: t("Change the largest size of the disk?"),
  text: t("The engine stops for that, which takes minutes for a large disk. Back up first."),
  more: html`<p>${t("This sets how far its data can grow. Space that its file takes already doesn't go back to Windows.")}</p>`,
  action: t("Change and restart the engine"), run: () => change({ disk: Number(own.get().disk) }),
});

const askToMove = () => confirm({
  title: t("Move the disk of the engine?"), text: t("The engine stops for that, which takes minutes for a large disk. Back up first."),
  more: () => folderPicker({ id: "own-folder", label: t("Folder"), value: own.get().folder, placeholder: "D:\\AI-Server", invalid: false, change: (folder) => own.set({ folder }) }),
  action: t("Move"), run: () => change({ folder: own.get().folder.trim() }),
});

/** @param {Event} event */
const closeDialog = ({ currentTarget }) => /** @type {Element} */ (currentTarget).closest("dialog")?.close();

/** @param {OwnRoom} room */
const askToRemove = ({ volumes, disk: size }) => confirm({
  title: t("Remove Windows' own engine?"), kind: "danger", typed: "aiserver", action: t("Remove with data"),
  text: t("Its distribution aiserver goes, with all containers, images and data of all modules in it ({size}). This can't be undone.", { size: size === null ? "?" : bytes(size) }),
  more: html`
    ${volumes?.length ? html`<p class="small">${t("These volumes are deleted:")}</p><ul class="small muted mono removal-list">${volumes.map((name) => html`<li>${name}</li>`)}</ul>` : nothing}
    ${volumes === null ? html`<p class="small">${t("The engine does not answer, so its volumes are not known.")}</p>` : nothing}
    <p><a class="button small" href="#backups" @click=${closeDialog}>${t("Back up first")}</a></p>`,
  run: async () => {
    if ((await ask(KEY, "ai/engine/own/remove", {})).success) await Promise.all([loadOwnRoom(), lookForEngines()]);
  },
});

// @ts-check
/** Backups: whether everything can be brought back, and the way there. */
import { html } from "../../vendor/lit-html/lit-html.js";
import { t } from "../base/i18n.js";
import { observe } from "../base/store.js";
import { button } from "../components/button.js";
import { backupHero, blockers, keyNotice, whenRead } from "./backups/hero.js";
import { backupsOf, follow, runningBackup } from "./backups/list.js";
import { askForFile, askToRestore } from "./backups/restore.js";
import { askForKey } from "./backups/key.js";
import { askToMove, movedCard } from "./backups/move.js";
import { backupTable } from "./backups/table.js";
import { progressOf } from "./home/progress.js";

/**
 * @import { BackupList, Snapshot } from "../contract.d.ts"
 * @import { Address } from "../base/address.js"
 * @import { PageState } from "../types.d.ts"
 */

/** @type {Record<string, (value: string) => void>} The dialogs, by what names them in the address. */
const DIALOGS = { file: askForFile, key: askForKey, move: askToMove, restore: (id) => askToRestore({ id }) };

/** @param {Address} address */
function openDialog({ query }) {
  for (const [name, open] of Object.entries(DIALOGS)) if (query[name]) open(query[name]);
}

/** @param {Address} address */
export function enter(address) {
  const leave = follow();
  openDialog(address);
  const end = observe((now, before) => {
    if (now.address !== before.address) openDialog(now.address);
  });
  return () => {
    leave();
    end();
  };
}

/** @param {PageState} page */
export const view = (page) => html`
  <header class="top"><h1>${t("Backups")}</h1><span class="grow"></span>
    ${button({ text: t("Move to another computer…"), icon: "package", enabled: page.connection === "up", run: askToMove })}
    ${button({ text: t("Restore from a file…"), icon: "folder-open", enabled: page.connection === "up", run: askForFile })}
  </header>
  <div class="scroll"><div class="content backups-page">${whenRead(page, (list, snapshot) => all(list, page, snapshot))}</div></div>`;

/** @param {BackupList} list @param {PageState} page @param {Snapshot} snapshot */
function all(list, page, snapshot) {
  const running = runningBackup(snapshot);
  if (running) return progressOf(running, page, snapshot);
  return html`${movedCard(list)}${backupHero(list)}${blockers()}${keyNotice()}${backupsOf().length ? backupTable() : ""}`;
}

// @ts-check
/** Backups: whether everything can be brought back, and the way there. */
import { html } from "../../vendor/lit-html/lit-html.js";
import { t } from "../base/i18n.js";
import { bind } from "../base/keys.js";
import { observe } from "../base/store.js";
import { button } from "../components/button.js";
import { notice } from "../components/notice.js";
import { backupHero, blockers, keyNotice } from "./backups/hero.js";
import { backUp, backupList, backupsOf, canBackUp, listError, loadBackups, loadOffer, offerOf, runningBackup } from "./backups/list.js";
import { askForFile, askToRestore } from "./backups/restore.js";
import { askForKey } from "./backups/key.js";
import { backupTable } from "./backups/table.js";
import { progressOf } from "./home/progress.js";

/**
 * @import { BackupList } from "../contract.d.ts"
 * @import { Address } from "../base/address.js"
 * @import { PageState } from "../types.d.ts"
 */

/** @type {Record<string, (value: string) => void>} The dialogs, by what names them in the address. */
const DIALOGS = { file: askForFile, key: askForKey, restore: (id) => askToRestore({ id }) };

/** @param {Address} address */
function openDialog({ query }) {
  for (const [name, open] of Object.entries(DIALOGS)) if (query[name]) open(query[name]);
}

/** @param {Address} address */
export function enter(address) {
  loadOffer();
  openDialog(address);
  const unbind = bind({ b: () => canBackUp() && !offerOf()?.blockers.length && backUp(null) });
  const end = observe((now, before) => {
    if (now.address !== before.address) openDialog(now.address);
    // A backup has ended: the next one may need less or more.
    if (runningBackup(before.snapshot) && !runningBackup(now.snapshot)) loadOffer();
  });
  return () => {
    unbind();
    end();
  };
}

/** @param {PageState} page */
export const view = (page) => html`
  <header class="top"><h1>${t("Backups")}</h1><span class="grow"></span>
    ${button({ text: t("Restore from a file…"), icon: "folder-open", enabled: page.connection === "up", run: askForFile })}
  </header>
  <div class="scroll"><div class="content backups-page">${content(page)}</div></div>`;

/** @param {PageState} page */
function content(page) {
  const list = backupList();
  if (list && page.snapshot) return html`${trouble(list)}${all(list, page)}`;
  return listError() ? unread() : html`<div class="skeleton for-hero"></div>`;
}

const unread = () => notice({
  tone: "bad", title: t("The backups can't be read"), text: listError(), actions: button({ text: t("Try again"), run: loadBackups }),
});

/** @param {BackupList} list @param {PageState} page */
function all(list, page) {
  const running = runningBackup(page.snapshot);
  if (running && page.snapshot) return progressOf(running, page, page.snapshot);
  return html`${backupHero(list)}${blockers()}${keyNotice()}${backupsOf().length ? backupTable() : ""}`;
}

/** What an interrupted restore left. @param {BackupList} list */
export const trouble = ({ problem }) => (problem ? notice({ tone: "bad", title: t("A restore was interrupted"), text: problem }) : "");

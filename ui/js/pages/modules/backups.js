// @ts-check
/** The backups with one module: what of it is in them, and its ways back. */
import { html, nothing } from "../../../vendor/lit-html/lit-html.js";
import { bytes, capitalised, labelled, list } from "../../base/format.js";
import { t } from "../../base/i18n.js";
import { backUpButton, blockers, checkText, fact, heroCard, keyNotice, room, standstill, whenRead } from "../backups/hero.js";
import { backupList, backupsOf, follow, lastGood, offerOf, runningBackup } from "../backups/list.js";
import { backupTable } from "../backups/table.js";
import { progressOf } from "../home/progress.js";
import { undoNotice } from "../upgrade/notices.js";

/**
 * @import { Address } from "../../base/address.js"
 * @import { Module, PlannedModule } from "../../contract.d.ts"
 * @import { PageState } from "../../types.d.ts"
 */

/** @param {Address} address */
export const enter = ({ rest: [name = ""] }) => follow(name);

/** @param {PageState} page @param {Module} module */
export function view(page, module) {
  const running = runningBackup(page.snapshot);
  return html`<div class="scroll"><div class="content backups-page">
    ${whenRead(page, (_, snapshot) => (running?.modules.includes(module.name) ? progressOf(running, page, snapshot)
      : html`${hero(module)}${blockers(module.name)}${keyNotice()}${undoNotice(module.name)}${backupsOf(module.name).length ? backupTable(module) : nothing}`))}
  </div></div>`;
}

/** @param {Module} module */
function hero(module) {
  const last = lastGood(module.name);
  const planned = offerOf(module.name)?.modules.find(({ name }) => name === module.name);
  const text = last ? [
    bytes(last.modules.find(({ name }) => name === module.name)?.bytes ?? 0), checkText(last), t("in {folder}", { folder: backupList()?.folder }),
  ].join(" · ") : t("{name} is also in each backup of everything.", { name: module.title });
  const note = html`${backUpButton({ module })}<p>${planned ? standstill([planned]) : nothing}</p>${room(module.name)}`;
  return heroCard(last, text, note, planned ? html`<div class="hero-stats three">${facts(planned)}</div>` : nothing);
}

/** @param {PlannedModule} planned */
function facts({ databases, volumes, omitted, hasSecrets, bytes: size }) {
  const parts = [databases.length ? t("databases") : "", volumes.length ? t("files") : "", t("settings")].filter(Boolean);
  const names = [...databases, ...volumes].join(", ");
  const without = omitted.map(({ name, why }) => labelled(name, why));
  return html`
    ${fact(t("In it"), capitalised(list(parts)), [names, size === null ? "" : bytes(size)].filter(Boolean).join(" · "), names)}
    ${fact(t("Secrets"), hasSecrets ? t("Keys and passwords") : t("None"), hasSecrets ? t("encrypted, like the rest") : "")}
    ${fact(t("Not in it"), omitted.length ? list(omitted.map(({ name }) => name)) : t("Nothing"), without.join("\n"), without.join("\n"))}`;
}

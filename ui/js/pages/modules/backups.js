// @ts-check
/** The backups with one module: what of it is in them, and its ways back. */
import { html, nothing } from "../../../vendor/lit-html/lit-html.js";
import { bytes, capitalised, labelled, list } from "../../base/format.js";
import { t } from "../../base/i18n.js";
import { bind } from "../../base/keys.js";
import { emblem } from "../../components/state.js";
import { backUpButton, blockers, checkText, fact, keyNotice, room, standstill, stateOf, titleOf, whenRead } from "../backups/hero.js";
import { backUp, backupList, backupsOf, canBackUp, follow, lastGood, offerOf, runningBackup } from "../backups/list.js";
import { backupTable } from "../backups/table.js";
import { progressOf } from "../home/progress.js";

/**
 * @import { Address } from "../../base/address.js"
 * @import { Module, PlannedModule } from "../../contract.d.ts"
 * @import { PageState } from "../../types.d.ts"
 */

/** @param {Address} address */
export function enter({ rest: [name = ""] }) {
  const leave = follow(name);
  const unbind = bind({ b: () => canBackUp() && !offerOf(name)?.blockers.length && backUp([name]) });
  return () => {
    unbind();
    leave();
  };
}

/** @param {PageState} page @param {Module} module */
export function view(page, module) {
  const running = runningBackup(page.snapshot);
  return html`<div class="scroll"><div class="content backups-page">
    ${whenRead(page, (_, snapshot) => (running?.modules.includes(module.name) ? progressOf(running, page, snapshot)
      : html`${hero(module)}${blockers(module.name)}${keyNotice()}${backupsOf(module.name).length ? backupTable(module) : nothing}`))}
  </div></div>`;
}

/** @param {Module} module */
function hero(module) {
  const last = lastGood(module.name);
  const planned = offerOf(module.name)?.modules.find(({ name }) => name === module.name);
  return html`
    <section class="card hero" data-state=${last ? stateOf(last) : "stopped"} aria-labelledby="backup-title">
      <div class="hero-head">
        ${last ? emblem(stateOf(last), "shield-check") : emblem("stopped", "archive")}
        <div class="grow"><h2 id="backup-title">${last ? titleOf(last) : t("No backups yet")}</h2>
          <p class="control muted">${last ? [
            bytes(last.modules.find(({ name }) => name === module.name)?.bytes ?? 0), checkText(last),
            t("in {folder}", { folder: backupList()?.folder }),
          ].join(" · ") : t("{name} is also in each backup of everything.", { name: module.title })}</p></div>
        <div class="hero-note">${backUpButton({ module })}<p>${planned ? standstill([planned]) : nothing}</p>${room(module.name)}</div>
      </div>
      ${planned ? html`<div class="hero-stats three">${facts(planned)}</div>` : nothing}
    </section>`;
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

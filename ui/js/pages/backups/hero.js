// @ts-check
/** Whether everything can be brought back: the last good backup, the next one, and what is to be done. */
import { html, nothing } from "../../../vendor/lit-html/lit-html.js";
import { confirm } from "../../base/actions.js";
import { about, bytes, dayAndMonth, duration, list } from "../../base/format.js";
import { mark, t, tn } from "../../base/i18n.js";
import { current, slice } from "../../base/store.js";
import { button } from "../../components/button.js";
import { icon } from "../../components/icon.js";
import { menuButton } from "../../components/menu.js";
import { notice } from "../../components/notice.js";
import { emblem } from "../../components/state.js";
import { tile } from "../../components/tile.js";
import { begin, chooseFolder } from "./folder.js";
import { askForKey, putOffKey } from "./key.js";
import {
  backUp, backupList, backupsOf, canBackUp, daysSince, isOverdue, lastGood, listError, loadBackups, loadOffer, offerOf, runningBackup,
  verifiedAt, when, within,
} from "./list.js";

/**
 * @import { Backup, BackupList, Module, PlannedModule, Snapshot } from "../../contract.d.ts"
 * @import { PageState } from "../../types.d.ts"
 */

/** @type {Record<BackupList["schedule"]["every"], string>} */
const EVERY = { never: mark("Only by hand"), day: mark("Daily"), week: mark("Weekly") };

/** What is shown of the list, once it is there. @param {PageState} page @param {(list: BackupList, snapshot: Snapshot) => unknown} show */
export function whenRead({ snapshot }, show) {
  const list = backupList();
  if (list && snapshot) return html`${trouble(list)}${show(list, snapshot)}`;
  return listError() ? notice({
    tone: "bad", title: t("The backups can't be read"), text: listError(), actions: button({ text: t("Try again"), run: loadBackups }),
  }) : html`<div class="skeleton for-hero"></div>`;
}

/** What an interrupted restore left. @param {BackupList} list */
const trouble = ({ problem }) => (problem ? notice({ tone: "bad", title: t("Backups need your attention"), text: problem }) : "");

/** The last good one, or that one is overdue, or that there is none. @param {BackupList} list */
export function backupHero(list) {
  if (isOverdue()) return overdueCard(list);
  const last = lastGood();
  return last ? good(list, last) : backupsOf().length ? overdueCard(list) : none(list);
}

/** @param {BackupList} list @param {Backup} last */
const good = (list, last) => heroCard(last, [contentsOf(last), bytes(last.bytes ?? 0), checkText(last)].join(" · "), html`
  <span class="split">${backUpButton()}${menuButton({
    text: t("More"), name: t("Choose what to back up"), icon: "chevron-down", kind: "primary",
    items: () => [{ text: t("Choose modules…"), icon: "list", enabled: Boolean(offerOf()), run: askForModules }],
  })}</span><p>${standstill(offerOf()?.modules ?? [])}</p>${room()}`, html`<div class="hero-stats four">${facts(list)}</div>`);

/** The last good backup, or that there is none. @param {Backup|undefined} last @param {string} text @param {unknown} note @param {unknown} stats */
export function heroCard(last, text, note, stats) {
  const state = !last ? "stopped" : last.check === "verified" ? "running" : "degraded";
  return html`
    <section class="card hero" data-state=${state} aria-labelledby="backup-title">
      <div class="hero-head">
        ${emblem(state, last ? "shield-check" : "archive")}
        <div class="grow"><h2 id="backup-title">${last ? titleOf(last) : t("No backups yet")}</h2><p class="control muted">${text}</p></div>
        <div class="hero-note">${note}</div>
      </div>
      ${stats}
    </section>`;
}

/** @param {Backup} last */
const titleOf = ({ check, madeAt }) => (check === "verified"
  ? t("Last good backup: {when}", { when: within(madeAt) }) : t("Last backup, not checked yet: {when}", { when: within(madeAt) }));

/** @param {Backup} last */
export const checkText = ({ check, checkedAt, madeAt }) =>
  (check === "verified" && checkedAt ? verifiedAt(checkedAt, madeAt) : check === "checking" ? t("being checked") : t("not checked"));

/** @param {Backup} backup */
const contentsOf = ({ modules, whole }) => (whole
  ? tn("The only module", "All {count} modules", modules.length) : list(modules.map(({ title }) => title)));

/** How long modules stand still for a backup. @param {PlannedModule[]} modules */
export function standstill(modules) {
  const times = modules.flatMap(({ seconds }) => seconds ?? []).sort((one, other) => one - other);
  const [least, most] = [times[0], times.at(-1)];
  if (least === undefined || most === undefined) return modules.length ? t("Nothing stops: no module runs") : "";
  if (modules.length === 1) return t("{name} stops for {time}", { name: modules[0]?.title, time: about(most) });
  return duration(least) === duration(most) ? t("Each module stops for {time}", { time: about(most) })
    : t("Each module stops for {least} to {most}", { least: duration(least), most: duration(most) });
}

/** What space a backup needs. @param {string} [module] */
export function room(module) {
  const { fileBytes = 0, engineBytes = 0 } = offerOf(module) ?? {};
  const [file, engine] = [bytes(fileBytes), bytes(engineBytes)];
  if (!fileBytes) return nothing;
  return html`<p>${engineBytes ? t("Needs {file} in the folder, and {engine} in Docker for a while", { file, engine })
    : t("Needs {file} in the folder", { file })}</p>`;
}

/** @param {{module?: Module, text?: string, kind?: "plain"}} [options] `module`: everything without it */
export function backUpButton({ module, ...look } = {}) {
  const why = offerOf(module?.name)?.blockers[0] ?? null;
  return button({
    text: t("Back up now"), icon: "archive", kind: "primary", keys: "B", why, enabled: canBackUp() && !why,
    run: () => backUp(module ? [module.name] : null), ...look,
  });
}

/** Why none can be made. @param {string} [module] */
export function blockers(module) {
  const why = offerOf(module)?.blockers ?? [];
  return why.length ? notice({
    tone: "busy", title: t("A backup can't be made now"), text: why.map((line) => html`<span class="note-line">${line}</span>`),
    actions: button({ text: t("Try again"), icon: "rotate-cw", size: "small", run: () => loadOffer(module) }),
  }) : nothing;
}

// -- facts ----------------------------------------------------------------------------------------

/** @param {string} name @param {unknown} value @param {unknown} text @param {string} [tip] */
export const fact = (name, value, text, tip) => html`
  <div><div class="stat-line">${name}</div><p class="value num" title=${tip ?? nothing}>${value}</p><p class="small muted">${text}</p></div>`;

/** @param {BackupList} list */
function facts({ schedule, folder, folderProblem, freeBytes, key }) {
  const { every, nextAt, keepDaily, keepWeekly, keepMonthly } = schedule;
  const kept = keepDaily + keepWeekly + keepMonthly;
  const rules = t("{daily} daily, {weekly} weekly, {monthly} monthly", { daily: keepDaily, weekly: keepWeekly, monthly: keepMonthly });
  return html`
    ${fact(t("Next"), nextAt ? when(nextAt) : t("None planned"), html`${t(EVERY[every])} · <a href="#settings/backups">${t("Change…")}</a>`)}
    ${fact(t("Kept"), tn("{count} backup", "{count} backups", kept), rules)}
    ${fact(t("Folder"), folder, folderProblem ? html`<span class="bad">${t("can't be used now")}</span>`
      : freeBytes === null ? nothing : t("{size} free", { size: bytes(freeBytes) }), folderProblem ?? folder)}
    ${fact(t("Recovery key"), key.savedAt ? t("Saved") : html`<span class="busy">${t("Not saved yet")}</span>`,
      key.savedAt ? html`${dayAndMonth(key.savedAt)} · <button type="button" class="button link" @click=${askForKey}>${t("Save again…")}</button>`
        : key.remind ? t("needed on another computer") : html`<button type="button" class="button link" @click=${askForKey}>${t("Save…")}</button>`)}`;
}

// -- what is to be done ---------------------------------------------------------------------------

/** @param {BackupList} list @param {"page"|"home"} [place] */
export function overdueCard({ folderProblem }, place = "page") {
  const last = lastGood();
  const failed = backupsOf().find(({ check }) => check === "failed");
  const days = last ? daysSince(last.madeAt) : 0;
  const why = folderProblem ?? (failed && (!last || failed.madeAt > last.madeAt) ? failed.problem : "");
  return html`
    <section class="card problem amber" aria-labelledby="overdue-title">
      <span class="tile">${icon("alarm-clock")}</span>
      <div>
        <div class="row-flex problem-head"><div class="grow"><h2 id="overdue-title">${!last ? t("There is no good backup")
          : days ? tn("No good backup for {count} day", "No good backup for {count} days", days) : t("A backup is overdue")}</h2></div></div>
        <p class="why">${[why, last ? t("The last good one is from {when}.", { when: within(last.madeAt) }) : ""].filter(Boolean).join("\n")}</p>
        <div class="buttons">
          ${folderProblem ? button({ text: t("Choose another folder…"), kind: "primary", run: chooseFolder }) : nothing}
          ${folderProblem ? button({ text: t("Try again"), icon: "rotate-cw", enabled: canBackUp(), run: () => backUp(null) }) : backUpButton()}
          ${place === "home" ? html`<a class="button quiet" href="#backups">${t("Show backups")}</a>` : html`<a class="button quiet" href="#settings/backups">${t("Change the schedule…")}</a>`}
        </div>
      </div>
    </section>`;
}

/** @param {BackupList} list */
const none = ({ folder, folderProblem }) => html`
  <section class="card"><div class="big" data-state="stopped">
    ${emblem("stopped", "archive")}
    <h2>${t("No backups yet")}</h2>
    <p>${t("Choose where they go. From then on there is one each night, and it is checked by opening the databases on a copy.")}</p>
    <div class="buttons">
      ${button({ text: t("Choose a folder…"), icon: "folder-open", kind: "primary", run: begin })}
      ${folder && !folderProblem ? backUpButton({ text: t("Back up once"), kind: "plain" }) : nothing}
    </div>
    <p class="small muted">${folderProblem ?? t("An external drive or a share is best: it stays when this computer breaks.")}</p>
  </div></section>`;

/** Until the key is saved, once a week. */
export function keyNotice() {
  if (!backupList()?.key.remind) return nothing;
  return html`<div class="key-notice wide-notice">${notice({
    tone: "busy", icon: "key-round", title: t("Save your recovery key"),
    text: t("Backups are encrypted. Without this key, nobody can restore them on another computer, not even you."),
    close: html`<span class="buttons">${button({ text: t("Later"), kind: "quiet", run: putOffKey })}
      ${button({ text: t("Save recovery key…"), kind: "tonal", run: askForKey })}</span>`,
  })}</div>`;
}

/** On Home: what is to be done, unless a backup is under way. @param {PageState} page */
export function backupNotices({ snapshot }) {
  const list = backupList();
  if (!list || runningBackup(snapshot)) return nothing;
  if (!snapshot?.engine.running) return trouble(list);
  return html`${trouble(list)}${isOverdue() ? overdueCard(list, "home") : nothing}${keyNotice()}`;
}

// -- modules to choose ----------------------------------------------------------------------------

/** The names of modules, and the paths of the folders of this computer. */
const chosen = slice({ names: /** @type {ReadonlySet<string>} */ (new Set()), folders: /** @type {ReadonlySet<string>} */ (new Set()) });

export function askForModules() {
  const all = offerOf()?.modules ?? [];
  chosen.set({ names: new Set(all.map(({ name }) => name)), folders: new Set() });
  confirm({
    title: t("Back up modules"), text: t("Modules that share their data are backed up together."),
    more: () => html`<div class="rows framed">${(offerOf()?.modules ?? []).map(choice)}</div>`,
    action: t("Back up"), ready: () => chosen.get().names.size > 0, run: () => {
      const { names, folders } = chosen.get();
      const used = all.filter(({ name }) => names.has(name)).flatMap((module) => module.folders);
      backUp(names.size === all.length ? null : [...names], [...folders].filter((folder) => used.includes(folder)));
    },
  });
}

/** @param {ReadonlySet<string>} names @param {string} name */
const toggled = (names, name) => new Set(names.has(name) ? [...names].filter((one) => one !== name) : [...names, name]);

/** @param {PlannedModule} module */
function choice({ name, title, seconds, bytes: size, folders }) {
  const { names } = chosen.get();
  const set = () => chosen.set({ names: toggled(names, name) });
  return html`
    <div class="item">
      <input type="checkbox" class="check" id="backup-${name}" .checked=${names.has(name)} @change=${set}>
      ${tile(current().snapshot?.modules.find((module) => module.name === name) ?? { name }, "tiny")}
      <label class="grow" for="backup-${name}"><b>${title}</b><span>${seconds === null ? t("doesn't run") : t("stops for {time}", { time: about(seconds) })}</span></label>
      <span class="num small muted amount">${size === null ? "" : bytes(size)}</span>
    </div>
    ${names.has(name) ? folders.map(folderChoice) : nothing}`;
}

/** @param {string} folder */
const folderChoice = (folder) => html`
  <div class="item kid">
    <input type="checkbox" class="check" id="backup-${folder}" .checked=${chosen.get().folders.has(folder)}
      @change=${() => chosen.set({ folders: toggled(chosen.get().folders, folder) })}>
    <label class="grow" for="backup-${folder}"><b>${folder}</b><span>${t("A folder of this computer. Without this, it is not in the backup.")}</span></label>
  </div>`;

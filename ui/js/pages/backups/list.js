// @ts-check
/** The backups, kept up to date for all parts of the page, and what is done with them. */
import { ask, confirm } from "../../base/actions.js";
import { CONNECTION, inOrder, invoke, on } from "../../base/bridge.js";
import { dayAndMonth, timeOfDay } from "../../base/format.js";
import { mark, t, tn } from "../../base/i18n.js";
import { bind } from "../../base/keys.js";
import { current, observe, slice } from "../../base/store.js";
import { active } from "../../components/operations.js";
import { showToast } from "../../components/toast.js";

/**
 * @import { Backup, BackupList, BackupOffer, OperationSummary, Snapshot } from "../../contract.d.ts"
 */

const own = slice({
  list: /** @type {BackupList|null} */ (null),
  /** Why it can't be read. */
  error: "",
  /** How much of the backup that is checked now is done, from 0 to 1. */
  share: 0,
  /** @type {Record<string, BackupOffer>} What a backup of a module, or of everything, would do. */
  offers: {},
});

/** `null`: not known yet. */
export const backupList = () => own.get().list;

export const listError = () => own.get().error;

export const shareChecked = () => own.get().share;

const load = inOrder("ai/backup/list", (answer) =>
  own.set(answer.success ? { list: answer.data, error: "" } : { error: answer.message }));

export const loadBackups = () => load({});

on(CONNECTION, ({ state }) => state === "up" && loadBackups());

on("ai/backup/event", ({ checking, share }) => {
  own.set({ share });
  if (!share || checking !== backupList()?.checking) loadBackups();
});

// The owner's texts are in the language of the moment when they were asked for.
let spoken = "";
observe(({ snapshot }) => {
  if (!snapshot || snapshot.language === spoken) return;
  if (spoken) loadBackups();
  spoken = snapshot.language;
});

// What a backup would do changes with each one.
observe(({ snapshot }, before) => {
  if (snapshot !== before.snapshot && runningBackup(before.snapshot) && !runningBackup(snapshot)) loadBackups();
});

/** The backup or restore under way. @param {Snapshot|null} snapshot @returns {OperationSummary|undefined} */
export const runningBackup = (snapshot) =>
  (snapshot ? active(snapshot) : []).find(({ kind }) => kind === "backup" || kind === "move" || kind === "restore");

/** What a backup would do, as far as it is known. @param {string} [module] everything without it */
export const offerOf = (module = "") => own.get().offers[module];

/** @param {string} [module] everything without it */
export async function loadOffer(module = "") {
  const answer = await invoke("ai/backup/offer", module ? { modules: [module] } : {});
  if (answer.success) own.set({ offers: { ...own.get().offers, [module]: answer.data } });
}

/** Keeps the list and the offer up to date for a page that shows them, whose key `b` backs up, until what is returned is called. @param {string} [module] */
export function follow(module) {
  if (current().connection === "up") {
    loadBackups();
    loadOffer(module);
  }
  const ends = [
    bind({ b: () => canBackUp() && !offerOf(module)?.blockers.length && backUp(module ? [module] : null) }),
    on(CONNECTION, ({ state }) => state === "up" && loadOffer(module)),
    // A backup has ended: the next one may need less or more.
    observe((now, before) => runningBackup(before.snapshot) && !runningBackup(now.snapshot) && loadOffer(module)),
  ];
  return () => ends.forEach((end) => end());
}

/** Those with a module; all without one. The newest first. @param {string} [module] */
export const backupsOf = (module) =>
  (backupList()?.backups ?? []).filter(({ modules }) => !module || modules.some(({ name }) => name === module));

/** What may be restored, if need be with a recovery file: it is there, and not known to be damaged. @param {Backup} backup */
export const isThere = ({ bytes, check }) => bytes !== null && check !== "damaged" && check !== "failed";

/** What can be restored, as far as is known. @param {Backup} backup */
export const isUsable = (backup) => isThere(backup) && backup.problem === null;

/** The newest that was verified, or else the newest that may be good. @param {string} [module] without it: of everything */
export function lastGood(module) {
  const usable = backupsOf(module).filter((one) => isUsable(one) && (module || one.whole || one.reason === "schedule"));
  return usable.find(({ check }) => check === "verified") ?? usable[0];
}

export const isOverdue = () => backupList()?.schedule.overdue ?? false;

/** @param {string[]|null} modules everything without them @param {string[]} [folders] of this computer, that these use */
export const backUp = (modules, folders = []) => ask("backup", "ai/backup/create", { ...(modules && { modules }), ...(folders.length && { folders }) });

/** Whether a backup can begin now. */
export function canBackUp() {
  const { connection, asked, snapshot } = current();
  return connection === "up" && !asked.has("backup") && !runningBackup(snapshot) && Boolean(snapshot?.engine.running);
}

/** @param {Backup[]} backups */
export async function checkAgain(backups) {
  const ids = backups.filter(({ bytes }) => bytes !== null).map(({ id }) => id);
  if (ids.length) await ask("check", "ai/backup/check", { ids });
  await loadBackups();
}

/** @param {Backup} backup */
export function askToDelete(backup) {
  const { id, madeAt, bytes } = backup;
  const remove = async () => {
    const answer = await ask(`delete ${id}`, "ai/backup/delete", { ids: [id] });
    if (answer.success) showToast({ text: t("Backup deleted"), icon: "trash-2" });
    await loadBackups();
  };
  if (bytes === null) remove(); // it has no file
  else {
    const others = backupsOf().filter((one) => one !== backup && isUsable(one)).length;
    confirm({
      title: t("Delete the backup from {when}?", { when: within(madeAt) }),
      text: others
        ? tn("Its file is deleted. {count} other backup stays.", "Its file is deleted. {count} other backups stay.", others)
        : t("Its file is deleted. It is the last one: nothing can be restored after that."),
      action: t("Delete"), kind: "danger", run: remove,
    });
  }
}

// -- words ----------------------------------------------------------------------------------------

/** @type {Record<Backup["check"], {word: string, tone: string, icon: string}>} */
export const CHECKS = {
  verified: { word: mark("Verified"), tone: "ok", icon: "shield-check" },
  checking: { word: mark("Checking…"), tone: "busy", icon: "loader-circle" },
  unchecked: { word: mark("Not checked"), tone: "", icon: "circle-dashed" },
  damaged: { word: mark("Damaged"), tone: "bad", icon: "shield-x" },
  failed: { word: mark("Failed"), tone: "bad", icon: "circle-x" },
};

/** @type {Record<Backup["reason"], {word: string, icon: string}>} */
export const REASONS = {
  schedule: { word: mark("Scheduled"), icon: "clock" },
  hand: { word: mark("By hand"), icon: "mouse-pointer-click" },
  upgrade: { word: mark("Before an upgrade"), icon: "circle-arrow-up" },
  adopt: { word: mark("Before a copy"), icon: "copy" },
  move: { word: mark("For another computer"), icon: "package" },
  restore: { word: mark("Before a restore"), icon: "archive-restore" },
};

/** Days from today, by the calendar. @param {string} moment */
function daysFromToday(moment) {
  const midnight = (/** @type {Date} */ date) => new Date(date.getFullYear(), date.getMonth(), date.getDate()).getTime();
  return Math.round((midnight(new Date(moment)) - midnight(new Date())) / 86_400_000);
}

/** @param {string} moment @param {Record<number, string>} days What its day is called, by its distance from today; others as in `Fri 27 Nov 03:00`. */
function dated(moment, days) {
  const [text, time] = [days[daysFromToday(moment)], timeOfDay(moment)];
  if (text) return t(text, { time });
  const weekday = new Date(moment).toLocaleDateString(document.documentElement.lang, { weekday: "short" });
  return t("{weekday} {date} {time}", { weekday, date: dayAndMonth(moment), time });
}

/** A day and a time by itself. @param {string} moment */
export const when = (moment) => dated(moment, { 0: mark("Today {time}"), 1: mark("Tomorrow {time}"), [-1]: mark("Yesterday {time}") });

/** A day and a time within a sentence. @param {string} moment */
export const within = (moment) => dated(moment, { 0: mark("today {time}"), 1: mark("tomorrow {time}"), [-1]: mark("yesterday {time}") });

/** @param {string} moment Whole days since then. */
export const daysSince = (moment) => -daysFromToday(moment);

/** When something was verified: its time, and its day if that is another one than that of `made`. @param {string} moment @param {string} made */
export const verifiedAt = (moment, made) =>
  (new Date(moment).toDateString() === new Date(made).toDateString()
    ? t("verified at {time}", { time: timeOfDay(moment) }) : t("verified {when}", { when: within(moment) }));

// @ts-check
/** What is being done, in words, and how to cancel it. */
import { nothing } from "../../vendor/lit-html/lit-html.js";
import * as actions from "../base/actions.js";
import { aboutLeft, labelled, list } from "../base/format.js";
import { mark, t, tn } from "../base/i18n.js";
import { drawAgainIn } from "../base/store.js";
import { button } from "./button.js";

/**
 * @import { Module, OperationSummary, OperationKind, Snapshot, Step } from "../contract.d.ts"
 * @import { PageState } from "../types.d.ts"
 */

/** @type {Record<OperationKind, [some: string, all: string, count: string]>} */
const WORDS = {
  up: [mark("Starting {names}"), mark("Starting everything"), mark("{done} of {total} ready")],
  stop: [mark("Stopping {names}"), mark("Stopping everything"), mark("{done} of {total} stopped")],
  down: [mark("Removing {names}"), mark("Removing everything"), mark("{done} of {total} removed")],
  restart: [mark("Restarting {names}"), mark("Restarting everything"), mark("{done} of {total} ready")],
  pull: [mark("Downloading {names}"), mark("Downloading all images"), mark("{done} of {total} downloaded")],
  build: [mark("Building images for {names}"), mark("Building all images"), mark("{done} of {total} built")],
  backup: [mark("Backing up {names}"), mark("Backing up everything"), mark("{done} of {total} done")],
  move: [mark("Packing {names}"), mark("Packing everything"), mark("{done} of {total} done")],
  restore: [mark("Restoring {names}"), mark("Restoring everything"), mark("{done} of {total} done")],
  rehearse: [mark("Rehearsing an upgrade of {names}"), mark("Rehearsing upgrades"), mark("{done} of {total} done")],
  upgrade: [mark("Upgrading {names}"), mark("Upgrading everything"), mark("{done} of {total} done")],
  adopt: [mark("Copying your {names}"), mark("Copying yours"), mark("{done} of {total} done")],
};

/** Backups are often of everything: so many are only counted. */
const MANY = 4;

/** @param {Snapshot} snapshot */
export const active = ({ operations }) =>
  operations.filter(({ status }) => status === "waiting" || status === "running");

/** @param {OperationSummary[]} running The one that takes long stands in the hero: any but a stop, a rehearsal beside what runs, and the restart of one module. */
export const shownInHero = (running) => running.find(({ kind, status, modules }) =>
  status === "running" && kind !== "stop" && kind !== "down" && kind !== "rehearse" && !(kind === "restart" && modules.length === 1));

/** @param {OperationSummary} operation @param {Module[]} modules */
export function titleOf({ kind, modules: names, services }, modules) {
  const [some, all] = WORDS[kind];
  if (!names.length || kind === "move") return t(all);
  if (kind === "backup" && names.length >= MANY) return tn("Backing up {count} module", "Backing up {count} modules", names.length);
  if (kind === "restore" && names.length >= MANY) return tn("Restoring {count} module", "Restoring {count} modules", names.length);
  const titles = new Map(modules.map(({ name, title }) => [name, title]));
  const shown = names.map((name) => titles.get(name) ?? name);
  return t(some, { names: list(services.length ? services.map((name) => `${shown[0]}/${name}`) : shown) });
}

/** @param {OperationSummary} operation */
export const countText = ({ kind, done, total }) => (total ? t(WORDS[kind][2], { done, total }) : "");

/** @param {OperationSummary} operation */
export const doing = ({ status, text }) => text ?? (status === "waiting" ? t("Waiting for another task") : "");

const SECOND_MS = 1000;

/** @type {Map<string, {seconds: number, at: number}>} Operation or its downloads → the last estimate, and when it came. */
const estimates = new Map();

/**
 * Seconds: the owner reports an estimate when it differs from the last one, and time passes meanwhile.
 * @param {string} what @param {number} seconds
 */
function countedDown(what, seconds) {
  const known = estimates.get(what);
  const estimate = known?.seconds === seconds ? known : { seconds, at: performance.now() };
  estimates.set(what, estimate);
  drawAgainIn(SECOND_MS);
  return Math.max(1, estimate.seconds - (performance.now() - estimate.at) / SECOND_MS);
}

/** @param {OperationSummary} operation How long it still takes, in words; empty: it has not begun, or only its own process knows. */
export function leftOf({ id, secondsLeft, status, foreign }) {
  if (secondsLeft !== null) return aboutLeft(countedDown(id, secondsLeft));
  return status === "running" && !foreign ? t("Estimating…") : "";
}

/** @param {OperationSummary} operation How long its downloads still take, in words; empty: not known. */
export const downloadsLeftOf = ({ id, download }) => (download === null || download.secondsLeft === null ? ""
  : aboutLeft(countedDown(`${id} downloads`, download.secondsLeft)));

/** @param {OperationSummary} operation How far it is, from 0 to 1, in whole percent. */
export const shareDone = ({ share }) => Math.round(share * 100) / 100;

/** @param {OperationSummary} operation @param {string} what @param {PageState} page */
export const cancelButton = ({ id, foreign }, what, { asked, connection }) =>
  foreign ? nothing : button({
    text: t("Cancel"), name: labelled(t("Cancel"), what), enabled: connection === "up" && !asked.has(`cancel ${id}`),
    run: () => actions.cancel(id),
  });

// -- steps ----------------------------------------------------------------------------------------

/** @param {Step} step */
export const isOver = ({ status }) => status === "done" || status === "skipped" || status === "failed";

/** @param {Step} step from 0 to 1 */
export function shareOf(step) {
  if (isOver(step)) return 1;
  return step.total ? step.current / step.total : 0;
}

/** @param {Step[]} steps */
export const share = (steps) => (steps.length ? steps.reduce((sum, step) => sum + shareOf(step), 0) / steps.length : 1);

/** @param {Step[]} steps Seconds from the first one's beginning to the last one's end. */
export function span(steps) {
  const ends = steps.map(({ began, seconds }) => (began ?? 0) + (seconds ?? 0));
  const begins = steps.map(({ began }) => began).filter((began) => began !== null);
  return begins.length ? Math.max(...ends) - Math.min(...begins) : 0;
}

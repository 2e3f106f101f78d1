// @ts-check
/** The steps of an operation that takes long, in the phases that people know. Pure. */

import { isOver } from "../../components/operations.js";

/** @import { OperationKind, Step, StepKind } from "../../contract.d.ts" */

/**
 * @typedef {"copy"|"write"|"check"|"save"|"unpack"|"swap"|"keep"|"try"|"renew"} BackupPhase
 * @typedef {"get"|"start"|"wait"|BackupPhase} Phase
 */

/** @type {Record<Phase, StepKind[]>} */
const KINDS = {
  get: ["pull", "build"], start: ["start"], wait: ["wait"],
  copy: ["clone", "dump"], write: ["pack"], check: ["proof"],
  unpack: ["unpack"], swap: ["clone", "swap"], save: ["dump", "pack", "proof"],
  keep: ["clone", "dump"], try: ["trial", "discard"], renew: ["stop", "swap", "create", "start", "wait", "probe"],
};

/** @type {Partial<Record<OperationKind, BackupPhase[]>>} */
const OF_BACKUPS = { backup: ["copy", "write", "check"], move: ["copy", "write", "check"], restore: ["unpack", "swap", "save"], upgrade: ["keep", "try", "renew"] };

/** @param {OperationKind} kind Those of a backup, restore or upgrade, in their order. @returns {BackupPhase[]|null} */
export const backupPhases = (kind) => OF_BACKUPS[kind] ?? null;

/** @param {OperationKind} kind @returns {Phase[]} */
export const phasesOf = (kind) => backupPhases(kind) ?? ["get", "start", "wait"];

/** @param {Step[]} steps @param {Phase} phase */
export const ofPhase = (steps, phase) => steps.filter(({ kind }) => KINDS[phase].includes(kind));

/** @param {Step[]} steps @param {Phase[]} phases The modules in their order; a step of the whole backup is of none. */
export const modulesOf = (steps, phases) =>
  [...new Set(steps.filter(({ kind, module }) => module && phases.some((phase) => KINDS[phase].includes(kind))).map(({ module }) => module))];

/**
 * How far each phase of one module is: done, under way, or not begun.
 * @param {Step[]} steps of one module, and of none @param {Phase[]} order
 * @returns {("done"|"now"|"later")[]}
 */
export function track(steps, order) {
  const phases = order.map((phase) => ofPhase(steps, phase));
  const isDone = phases.map((phase) => phase.every(isOver));
  const first = isDone.indexOf(false);
  return phases.map((phase, i) => {
    if (isDone[i] && (first === -1 || i < first)) return "done";
    return i === first && phase.some(({ status }) => status !== "pending") ? "now" : "later";
  });
}

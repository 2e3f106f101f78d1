// @ts-check
/** The steps of an operation that begins something, in the phases that people know. Pure. */

/** @import { Step, StepKind } from "../../contract.d.ts" */

/** @typedef {"get"|"start"|"wait"} Phase */

/** @type {Partial<Record<StepKind, Phase>>} */
const PHASES = { pull: "get", build: "get", start: "start", wait: "wait" };

/** @type {Phase[]} */
export const ORDER = ["get", "start", "wait"];

/** @param {Step[]} steps @param {Phase} phase */
export const ofPhase = (steps, phase) => steps.filter(({ kind }) => PHASES[kind] === phase);

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

/** @param {Step[]} steps The modules in their order. */
export const modulesOf = (steps) => [...new Set(steps.filter(({ kind }) => PHASES[kind]).map(({ module }) => module))];

/**
 * How far each phase of one module is: done, under way, or not begun.
 * @param {Step[]} steps of one module
 * @returns {("done"|"now"|"later")[]}
 */
export function track(steps) {
  const phases = ORDER.map((phase) => ofPhase(steps, phase));
  const isDone = phases.map((phase) => phase.every(isOver));
  const first = isDone.indexOf(false);
  return phases.map((phase, i) => {
    if (isDone[i] && (first === -1 || i < first)) return "done";
    return i === first && phase.some(({ status }) => status !== "pending") ? "now" : "later";
  });
}

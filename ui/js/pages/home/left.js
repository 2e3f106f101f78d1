// @ts-check
/** The time left of an operation: the owner reports an estimate with each step, and it passes meanwhile. */
import { drawAgainIn } from "../../store.js";

/** @import { OperationSummary } from "../../contract.d.ts" */

const SECOND_MS = 1000;

/** @type {Map<string, {seconds: number, at: number}>} Operation → the last estimate, and when it came. */
const estimates = new Map();

/** @param {OperationSummary} operation @returns {number|null} `null`: not known, or it takes longer than estimated */
export function timeLeftOf({ id, secondsLeft }) {
  if (secondsLeft === null) {
    estimates.delete(id);
    return null;
  }
  const known = estimates.get(id);
  const estimate = known?.seconds === secondsLeft ? known : { seconds: secondsLeft, at: performance.now() };
  estimates.set(id, estimate);
  const left = estimate.seconds - (performance.now() - estimate.at) / SECOND_MS;
  if (left <= 0) return null;
  drawAgainIn(SECOND_MS);
  return left;
}

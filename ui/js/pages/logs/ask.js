// @ts-check
/** Asks for kept lines. An answer takes a limited time, so it is asked on while more is wanted. */
import { invoke } from "../../base/bridge.js";

/**
 * @import { LogFilterForm, LogLines, LogLinesRequest } from "../../contract.d.ts"
 * @typedef {{before: string}|{after: string}|{at: number}|{}} Place
 * @typedef {Pick<LogLines, "lines"|"gaps"|"isEnd">} Found
 */

/** As many the owner gives at once. */
const MOST = 1000;

/**
 * Asks for lines until there are `count`, or `isWanted` says no.
 * @param {LogFilterForm} filter @param {Place} place @param {number} count @param {() => boolean} isWanted
 * @param {(found: Found) => void} came gets each part, which may have no line yet
 * @returns {Promise<string>} why it failed; empty if it did not
 */
export async function ask(filter, place, count, isWanted, came) {
  const direction = "after" in place ? "after" : "before";
  /** @type {LogLinesRequest} */
  let request = { filter, ...place };
  for (let missing = count; missing > 0;) {
    const answer = await invoke("ai/logs/lines", { ...request, limit: Math.min(MOST, missing) });
    if (!isWanted()) return "";
    if (!answer.success) return answer.message;
    const { reached, lines, gaps } = answer.data;
    const isEnd = answer.data.isEnd || reached === null;
    came({ lines, gaps, isEnd });
    if (isEnd) return "";
    missing -= lines.length;
    request = { filter, [direction]: reached };
  }
  return "";
}

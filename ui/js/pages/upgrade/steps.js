// @ts-check
/** The steps of a rehearsal or an upgrade, in the rows that people know. Pure. */

/** @import { Step, StepKind } from "../../contract.d.ts" */

/** @typedef {"get"|"copy"|"trial"|"discard"|"rehearsal"|"stop"|"keep"|"change"|"ask"} Row */

/** @type {Partial<Record<Row, StepKind[]>>} */
const OF_REHEARSAL = { get: ["pull", "build"], copy: ["clone", "dump", "unpack"], trial: ["trial", "start", "wait"], ask: ["probe", "proof"], discard: ["discard"] };

/** @type {Partial<Record<Row, StepKind[]>>} */
const OF_UPGRADE = {
  get: ["pull", "build"], stop: ["stop"], keep: ["clone", "dump"], ask: ["probe", "proof"],
  change: ["trial", "unpack", "swap", "remove", "network", "volume", "create", "start", "wait", "remove_network", "remove_volume", "kernel_setting"],
};

/** @type {Row[]} */
const ORDER = ["get", "rehearsal", "copy", "trial", "stop", "keep", "change", "ask", "discard"];

/**
 * The rows of an operation with their steps. That an upgrade is rehearsed first is one row of it.
 * @param {Step[]} steps of one operation @param {boolean} isRehearsal @returns {{row: Row, steps: Step[]}[]}
 */
export function rowsOf(steps, isRehearsal) {
  const begins = isRehearsal ? steps.length : steps.findLastIndex(({ kind }) => kind === "discard") + 1;
  /** @type {Map<Row, Step[]>} */
  const rows = new Map();
  for (const [index, step] of steps.entries()) {
    const row = rowOf(step, index < begins ? OF_REHEARSAL : OF_UPGRADE);
    const shown = row && row !== "get" && index < begins && !isRehearsal ? "rehearsal" : row;
    if (shown) rows.set(shown, [...rows.get(shown) ?? [], step]);
  }
  return ORDER.flatMap((row) => (rows.has(row) ? [{ row, steps: rows.get(row) ?? [] }] : []));
}

/** @param {Step} step @param {Partial<Record<Row, StepKind[]>>} kinds */
const rowOf = ({ kind }, kinds) => /** @type {Row[]} */ (Object.keys(kinds)).find((row) => kinds[row]?.includes(kind));

/** Whether the new version is only tried yet: what an upgrade begins with, too. @param {Step[]} steps @param {boolean} isRehearsal */
export const isTried = (steps, isRehearsal) => isRehearsal || steps.some(({ kind, status }) => kind === "discard" && (status === "pending" || status === "running"));

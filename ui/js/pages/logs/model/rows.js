// @ts-check
/**
 * The rows of the list, made from lines: an entry with the lines that belong to it, folded; equal
 * neighbours and health checks counted; gaps and days between them. Pure.
 */
import { frameCount, parts } from "./frames.js";

/**
 * @import { LogGap } from "../../../contract.d.ts"
 * @import { Line } from "./chunk.js"
 */

/**
 * @typedef {{kind: "line", key: string, line: Line, inner: Line[], isOpen: boolean}} LineRow
 *   `inner`: of this and of what folds, the lines that are seen only while it is open
 * @typedef {{kind: "part", key: string, line: Line}} PartRow a line of an entry, under its first
 * @typedef {{kind: "fold", key: string, line: Line, inner: Line[], count: number, isOfFrames: boolean, isOpen: boolean}} FoldRow
 * @typedef {{kind: "same", key: string, line: Line, inner: Line[], seconds: number, isOpen: boolean}} SameRow
 * @typedef {{kind: "checks", key: string, line: Line, count: number}} ChecksRow health checks
 * @typedef {{kind: "gap", key: string, gap: LogGap}} GapRow
 * @typedef {{kind: "day", key: string, time: number}} DayRow
 * @typedef {LineRow|PartRow|FoldRow|SameRow|ChecksRow|GapRow|DayRow} Row
 * @typedef {{line: Line, rest: Line[], checks?: number}} Entry `checks`: of health checks that are folded, how many
 */

/** Seconds between lines of one entry: of those that match a search, the first ones may be missing. */
const WITHIN = 1;

/** As many equal neighbours become one. */
const SAME = 3;

/** Health checks of so many seconds become one row, whatever comes between them: they would part everything else. */
const CHECKS_SECONDS = 600;

/**
 * @param {Line[]} lines @param {Iterable<LogGap>} gaps
 * @param {ReadonlySet<string>} toggled keys of rows that are not as they are at first: entries are open, folds closed
 * @param {(line: Line) => boolean} isFolded whether a line is only counted
 * @returns {Row[]}
 */
export function rowsOf(lines, gaps, toggled, isFolded) {
  /** @type {Row[]} */
  const rows = [];
  const waiting = [...gaps].sort((one, other) => one.end - other.end);
  const until = (/** @type {number} */ time) => {
    for (let gap = waiting[0]; gap && gap.end <= time; gap = waiting[0]) {
      rows.push({ kind: "gap", key: `gap ${gap.module}/${gap.service} ${gap.begin}`, gap });
      waiting.shift();
    }
  };
  let day = "";
  for (const run of runs(entries(lines, isFolded))) {
    const [{ line }] = run;
    until(line.time);
    const own = dayOf(line.time);
    if (day && own !== day) rows.push({ kind: "day", key: `day ${own}`, time: line.time });
    day = own;
    rows.push(...ofRun(run, toggled));
  }
  until(Infinity);
  return rows;
}

/** @type {{from: number, until: number, name: string}} Lines come by the thousand, days don't. */
let lastDay = { from: 0, until: 0, name: "" };

/** @param {number} time */
function dayOf(time) {
  if (time >= lastDay.from && time < lastDay.until) return lastDay.name;
  const begin = new Date(time * 1000);
  begin.setHours(0, 0, 0, 0);
  const end = new Date(begin);
  end.setDate(end.getDate() + 1);
  lastDay = { from: begin.getTime() / 1000, until: end.getTime() / 1000, name: begin.toDateString() };
  return lastDay.name;
}

/** @param {Line} line */
const sourceOf = ({ module, service, stream }) => `${module}/${service}/${stream}`;

/**
 * What continues an entry stands under it, whatever came between. An entry of empty lines is none.
 * @param {Line[]} lines @param {(line: Line) => boolean} isFolded @returns {Entry[]}
 */
function entries(lines, isFolded) {
  /** @type {Map<string, Entry>} */
  const last = new Map();
  /** @type {Entry[]} */
  const found = [];
  /** @type {Entry|null} */
  let checks = null;
  for (const line of lines) {
    if (isFolded(line)) {
      if (!checks || partOf(checks.line) !== partOf(line)) found.push(checks = { line, rest: [], checks: 0 });
      checks.checks = (checks.checks ?? 0) + 1;
      continue;
    }
    const source = sourceOf(line);
    const above = line.continues ? last.get(source) : undefined;
    const before = above?.rest.at(-1) ?? above?.line;
    if (above && before && line.time - before.time <= WITHIN) above.rest.push(line);
    else {
      const entry = { line, rest: [] };
      last.set(source, entry);
      found.push(entry);
    }
  }
  return found.filter(({ line, rest }) => !isEmpty(line) || !rest.every(isEmpty));
}

/** @param {Line} line */
const partOf = ({ time }) => Math.floor(time / CHECKS_SECONDS);

/** @param {Line} line */
const isEmpty = ({ text }) => !text.trim();

/** @param {Entry[]} all @returns {[Entry, ...Entry[]][]} neighbours that say the same */
function runs(all) {
  /** @type {[Entry, ...Entry[]][]} */
  const found = [];
  for (const entry of all) {
    const run = found.at(-1);
    if (run && isSame(run[0], entry)) run.push(entry);
    else found.push([entry]);
  }
  return found;
}

/** @param {Entry} one @param {Entry} other */
const isSame = (one, other) =>
  one.checks === undefined && other.checks === undefined && one.line.same === other.line.same && !one.rest.length && !other.rest.length && one.line.level === other.line.level &&
  one.line.service === other.line.service && one.line.module === other.line.module;

/** @param {[Entry, ...Entry[]]} run @param {ReadonlySet<string>} toggled @returns {Row[]} */
function ofRun(run, toggled) {
  const [first] = run;
  const last = run.at(-1) ?? first;
  if (run.length < SAME) return run.flatMap((entry) => ofEntry(entry, toggled));
  const key = `same ${first.line.cursor}`;
  const isOpen = toggled.has(key);
  const row = {
    kind: /** @type {const} */ ("same"), key, line: first.line, inner: run.map(({ line }) => line), seconds: last.line.time - first.line.time, isOpen,
  };
  return [...(isOpen ? run : [first]).flatMap((entry) => ofEntry(entry, toggled)), row];
}

/** @param {Entry} entry @param {ReadonlySet<string>} toggled @returns {Row[]} */
function ofEntry({ line, rest, checks }, toggled) {
  if (checks !== undefined) return [{ kind: "checks", key: `checks ${partOf(line)}`, line, count: checks }];
  const isOpen = !toggled.has(line.cursor);
  const inner = rest.slice(0, rest.findLastIndex((one) => !isEmpty(one)) + 1);
  /** @type {Row} */
  const head = { kind: "line", key: line.cursor, line, inner, isOpen };
  return inner.length && isOpen ? [head, ...parts(inner).flatMap((part) => ofPart(part, toggled))] : [head];
}

/** @param {ReturnType<typeof parts<Line>>[number]} part @param {ReadonlySet<string>} toggled @returns {Row[]} */
function ofPart({ isFolded, isOfFrames, lines }, toggled) {
  const shown = lines.map((line) => ({ kind: /** @type {const} */ ("part"), key: line.cursor, line }));
  const [first] = lines;
  const count = isOfFrames ? frameCount(lines) : lines.filter((line) => !isEmpty(line)).length;
  if (!isFolded || !first || !count) return shown;
  const key = `fold ${first.cursor}`;
  const isOpen = toggled.has(key);
  /** @type {Row} */
  const row = { kind: "fold", key, line: first, inner: lines, count, isOfFrames, isOpen };
  return isOpen ? [row, ...shown] : [row];
}

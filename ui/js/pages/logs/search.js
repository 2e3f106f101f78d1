// @ts-check
/** Goes to the newest line that matches what is typed, and from one such line to the next. */
import { t } from "../../base/i18n.js";
import { showToast } from "../../components/toast.js";
import { ask } from "./ask.js";
import { countAll, nothingYet, total } from "./counts.js";
import { activate, activeRow, timeAtTop } from "./list.js";
import { LEVELS, formOf } from "./model/query.js";
import { TYPING_MS, follow, setHit, source, view } from "./state.js";

/**
 * @import { LogLine } from "../../contract.d.ts"
 * @import { Place } from "./ask.js"
 * @import { Direction } from "./source.js"
 */

/** Two lines are further apart, though a time in seconds is not exact. */
const EXACT = 1e-6;

let round = 0;
/** What was searched last. */
let searched = "";
/** The range in which there was no match. */
let missedIn = "";
/** The search paused the list, so that the list follows again without it. */
let hasPaused = false;
/** @type {ReturnType<typeof setTimeout>|undefined} */
let typing;

/** The page of logs is gone to. An address that leads to a line or a time is not left for another one. */
export function beginSearch() {
  const { at, line, search } = view().wanted;
  searched = at !== null || line ? JSON.stringify(search) : "";
  hasPaused = false;
}

/** What is searched may be something else. */
export function followSearch() {
  const { range, wanted: { search, isOnlyMatching, isOfErrors } } = view();
  const now = search.text && JSON.stringify(search);
  const isSame = now === searched && (!missedIn || missedIn === range);
  if (isSame || !range || source.status !== "ready") return;
  searched = now;
  missedIn = "";
  round += 1;
  clearTimeout(typing);
  const isHere = activeRow()?.key === view().hit?.cursor;
  setHit(null);
  if (now && !isOnlyMatching && !isOfErrors) typing = setTimeout(goToNewest, TYPING_MS);
  else if (!now && hasPaused) {
    hasPaused = false;
    const { at, from, until, line } = view().wanted;
    if (isHere && [at, from, until].every((time) => time === null) && !line) follow();
  }
}

async function goToNewest() {
  const { isFollowing } = source;
  const { range } = view();
  const line = await found({});
  if (line === null) missedIn = range;
  if (!line) return;
  hasPaused ||= isFollowing;
  await show(line, 0);
}

/** @param {Direction} direction */
export async function goToHit(direction) {
  if (!view().wanted.search.text) return;
  clearTimeout(typing);
  round += 1;
  const row = activeRow();
  const cursor = row && "line" in row ? row.line.cursor : null;
  const { hit } = view();
  const from = hit?.cursor === cursor ? hit?.newer ?? null : null;
  const line = await found(placeOf(direction, cursor));
  if (line) await show(line, from === null ? null : from + (direction === "older" ? 1 : -1));
  else if (line === null) showToast({ text: direction === "older" ? t("No earlier match") : t("No later match"), icon: "search" });
}

/**
 * The next line that matches, also of those that are not loaded.
 * @param {Place} place @returns {Promise<LogLine|null|undefined>} `null`: there is none; `undefined`: it is no longer wanted
 */
async function found(place) {
  const own = round;
  const { wanted, bounds } = view();
  /** @type {LogLine[]} */
  const lines = [];
  await ask(formOf(wanted, bounds), place, 1, () => own === round, (answer) => lines.push(...answer.lines));
  return own === round ? lines[0] ?? null : undefined;
}

/** @param {LogLine} line @param {number|null} newer how many matches are newer; `null`: to be counted */
async function show(line, newer) {
  const own = round;
  if (source.isFollowing) source.pause();
  setHit({ cursor: line.cursor, newer });
  if (!source.chunk.has(line.cursor)) await source.jump(line.time);
  requestAnimationFrame(() => own === round && activate(line.cursor, true));
  if (newer === null) count(line);
}

/** @param {LogLine} line Counts the matches that are newer. */
async function count({ cursor, time }) {
  const { wanted, bounds } = view();
  const isWanted = () => view().hit?.cursor === cursor;
  const counted = nothingYet(time, Math.max(bounds.until ?? 0, Date.now() / 1000 + 1), 1);
  await countAll(formOf(wanted, { ...bounds, since: time + EXACT }), counted, isWanted, () => undefined);
  const [bucket] = counted.buckets;
  if (bucket && counted.isComplete && isWanted()) setHit({ cursor, newer: total(bucket, LEVELS) });
}

/** @param {Direction} direction @param {string|null} cursor of the line to go on from; `null`: from what is seen */
function placeOf(direction, cursor) {
  if (cursor !== null) return direction === "older" ? { before: cursor } : { after: cursor };
  return source.chunk.hasNewer || direction === "newer" ? { at: timeAtTop() } : {};
}

// @ts-check
/** What the page of logs shows now: it follows the address, and asks the owner for what that needs. */
import { setQuery } from "../../base/address.js";
import { CONNECTION, invoke, on } from "../../base/bridge.js";
import { current, update } from "../../base/store.js";
import { ask } from "./ask.js";
import { addLines, byLevel, countAll, nothingYet, total } from "./counts.js";
import { marker, placesOf } from "./model/pattern.js";
import { RANGES, countKey, fittingRange, formOf, listKey, wantedOf } from "./model/query.js";
import { Source } from "./source.js";

/**
 * @import { LogBounds, LogLine } from "../../contract.d.ts"
 * @import { Counted } from "./counts.js"
 * @import { Bounds, Wanted } from "./model/query.js"
 */

const BUCKETS = 90;
const REFRESH_MS = 5000;
/** Who types is not asked for with each letter. */
export const TYPING_MS = 150;
/** What counting costs at most, as a part of the time. */
const COST = 20;

export const source = new Source(() => update({}), came);

/** @type {Wanted} */
let wanted = wantedOf(current().address);
let range = "";
let now = Date.now() / 1000;
/** @type {LogBounds|null} */
let kept = null;
/** @type {Counted|null} */
let counted = null;
/** @type {Counted|null} */
let hits = null;
/** @type {RegExp|null} */
let pattern = null;
/** The line that the search went to, and how many matches are newer, if that is known. @type {{cursor: string, newer: number|null}|null} */
let hit = null;

/** @type {ReturnType<typeof setTimeout>|undefined} */
let typing;
let round = 0;
let lastCount = -Infinity;
let isCounting = false;
/** Where in the time the address was: other filters don't lead there again. */
let place = "";
/** What was counted. */
let countedFor = "";

export const view = () => ({ wanted, range, kept, counted, hits, hit, pattern, span: span(), bounds: bounds() });

/** @param {typeof hit} found */
export function setHit(found) {
  hit = found;
  update({});
}

/** Goes to what the address says; what is returned ends it. */
export function begin() {
  range = "";
  counted = hit = null;
  place = "";
  source.isFollowing = true;
  wanted = wantedOf(current().address);
  let hasBegun = false;
  let isLeft = false;
  const look = async () => {
    if (hasBegun || current().connection !== "up") return;
    hasBegun = true;
    const answer = await invoke("ai/logs/bounds", {});
    if (answer.success) kept = answer.data;
    if (!isLeft) reload();
  };
  const ends = [source.begin(), on(CONNECTION, look)];
  look();
  return () => {
    for (const end of ends) end();
    isLeft = true;
    round += 1;
  };
}

/** The address may be another one. */
export function followAddress() {
  const before = wanted;
  wanted = wantedOf(current().address);
  const isOfOthers = String([before.modules, before.services]) !== String([wanted.modules, wanted.services]);
  if (isOfOthers || (before.range && !wanted.range)) range = "";
  const isOther = listKey(before) !== listKey(wanted);
  if (!isOther && countKey(before) === countKey(wanted)) return;
  clearTimeout(typing);
  pattern = marker(wanted.search);
  const isTyped = JSON.stringify({ ...before, search: null }) === JSON.stringify({ ...wanted, search: null });
  if (isTyped) typing = setTimeout(isOther ? reload : recount, TYPING_MS);
  else if (isOther) reload();
  else recount();
}

/** Shows the newest lines, and those that come. */
export function follow() {
  if (isOfPart() || wanted.at !== null) {
    source.isFollowing = true;
    setQuery({ from: "", until: "", at: "" });
  } else source.follow();
}

async function reload() {
  round += 1;
  const own = round;
  pattern = marker(wanted.search);
  const before = range;
  range = wanted.range || range || await foundRange();
  if (own !== round) return;
  if (!isOfPart() || range !== before) now = Date.now() / 1000; // a part that was chosen is one of whole bars
  const next = wanted.at ?? wanted.from ?? wanted.until;
  const lastPlace = place;
  place = String([wanted.at, wanted.from, wanted.until]);
  const stays = place === lastPlace || next === null;
  const at = stays ? (source.isFollowing ? null : source.at) : next;
  source.show(formOf(wanted, bounds(), { search: !wanted.isOnlyMatching }), at === Infinity ? null : at);
  recount();
}

/** The range that has some of the lines, of one module as well as of all. */
async function foundRange() {
  const time = wanted.at ?? wanted.from ?? wanted.until;
  /** @type {LogLine[]} */
  const newest = [];
  const own = round;
  const filter = formOf({ ...wanted, fields: [] }, { since: null, until: null }, { levels: true, search: true });
  if (time === null) await ask(filter, {}, 50, () => own === round, ({ lines }) => newest.push(...lines));
  return fittingRange(Date.now() / 1000, newest.reverse(), time);
}

/** Whether a part of the range was chosen. */
const isOfPart = () => wanted.from !== null || wanted.until !== null;

/** What the histogram covers, in seconds. */
function span() {
  const seconds = RANGES[range] ?? Infinity;
  const begin = Number.isFinite(seconds) ? now - seconds : Math.min(kept?.first ?? now - 900, now - 1);
  return { begin, end: now };
}

/** What the list covers. @returns {Bounds} */
function bounds() {
  const { from, until } = wanted;
  if (isOfPart()) return { since: from, until };
  const seconds = RANGES[range] ?? Infinity;
  return { since: Number.isFinite(seconds) ? now - seconds : null, until: null };
}

/** Counts anew. What was counted stays until that is done, if it is still about the same. */
async function recount() {
  pattern = marker(wanted.search);
  isCounting = true;
  lastCount = performance.now();
  const own = { round, key: `${range} ${countKey(wanted)}` };
  const isWanted = () => own.round === round && own.key === `${range} ${countKey(wanted)}`;
  const { begin, end } = span();
  const next = nothingYet(begin, end, BUCKETS);
  const nextHits = wanted.search.text ? nothingYet(begin, end, BUCKETS) : null;
  const isFirst = !counted || countedFor !== own.key;
  const show = () => {
    if (isFirst || next.isComplete) counted = next;
    countedFor = own.key;
    hits = nextHits;
    update({});
  };
  await countAll(formOf(wanted, { since: begin, until: null }, { levels: true, search: true }), next, isWanted, show);
  if (nextHits && isWanted()) await countAll(formOf(wanted, { since: begin, until: null }), nextHits, isWanted, show);
  if (!isWanted()) return;
  isCounting = false;
  lastCount = performance.now() + COST * (performance.now() - lastCount);
  show();
}

/** @param {LogLine[]} lines */
function came(lines) {
  if (counted) addLines(counted, lines);
  const marks = pattern;
  const matching = hits && marks ? lines.filter(({ text }) => placesOf(text, marks).length) : [];
  if (hits) addLines(hits, matching);
  if (hit?.newer != null) hit = { ...hit, newer: hit.newer + matching.length };
  if (isCounting || isOfPart() || performance.now() - lastCount < REFRESH_MS) return;
  now = Date.now() / 1000;
  recount();
}

/**
 * The numbers in what is shown: entries by level, lines that have the chosen levels, those of them that match, which
 * of these (from the oldest) the search went to, and errors as the list of errors has them.
 */
export function numbers() {
  const part = { since: wanted.from, until: wanted.until };
  /** @param {Counted} of */
  const lines = (of) => total(byLevel(of, part, (bucket) => bucket), wanted.levels);
  /** @param {Counted|null} of */
  const entries = (of) => of && byLevel(of, part, (bucket) => bucket.entries);
  return {
    levels: entries(counted),
    lines: counted && lines(counted),
    hits: hits && !hits.error ? lines(hits) : null,
    place: hits?.isComplete && hit?.newer != null ? Math.max(1, lines(hits) - hit.newer) : null,
    errors: entries(hits && !hits.error ? hits : counted)?.error ?? 0,
    isComplete: counted?.isComplete && (!hits || hits.isComplete),
  };
}

// @ts-check
/** Counts lines over time and by level: for the histogram, the levels and the search. */
import { invoke } from "../../base/bridge.js";
import { LEVELS } from "./model/query.js";

/**
 * @import { Level, LogCounts, LogFilterForm, LogHistogram, LogLine } from "../../contract.d.ts"
 * @import { Answer } from "../../types.d.ts"
 * @import { LogBucket } from "../../contract.d.ts"
 * @typedef {LogBucket} Bucket
 * @typedef {{begin: number, end: number, buckets: Bucket[], isComplete: boolean, error: string}} Counted
 */

/** @returns {LogCounts} */
export const zeros = () => ({ debug: 0, info: 0, warn: 0, error: 0, unknown: 0 });

/** @param {number} begin @param {number} end @param {number} count @returns {Counted} */
export function nothingYet(begin, end, count) {
  const each = (end - begin) / count;
  const buckets = Array.from({ length: count }, (_, i) => ({
    begin: begin + i * each, end: begin + (i + 1) * each, ...zeros(), entries: zeros(),
  }));
  return { begin, end, buckets, isComplete: false, error: "" };
}

/** @param {Counted} counted @param {number} time */
function bucketAt({ begin, end, buckets }, time) {
  const place = Math.floor(((time - begin) / (end - begin)) * buckets.length);
  return buckets[place === buckets.length ? place - 1 : place]; // of those that come, the last one is a bit longer
}

/** @param {Counted} counted @param {LogLine[]} lines What came since is at its end. */
export function addLines(counted, lines) {
  for (const { time, level, continues } of lines) {
    const bucket = bucketAt(counted, time);
    if (!bucket) continue;
    bucket[level] += 1;
    if (!continues) bucket.entries[level] += 1;
  }
}

/**
 * @param {Counted} counted @param {{since: number|null, until: number|null}} bounds
 * @param {(bucket: Bucket) => LogCounts} counts what of it is added up @returns {LogCounts}
 */
export function byLevel({ buckets }, { since, until }, counts) {
  const sum = zeros();
  for (const bucket of buckets) {
    const middle = (bucket.begin + bucket.end) / 2;
    if (middle < (since ?? 0) || middle > (until ?? Infinity)) continue;
    for (const level of LEVELS) sum[level] += counts(bucket)[level];
  }
  return sum;
}

/** @param {LogCounts} counts @param {Iterable<Level>} levels */
export const total = (counts, levels) => [...levels].reduce((sum, level) => sum + counts[level], 0);

/**
 * Counts until everything is counted or `isWanted` says no; `came` is called after each part.
 * @param {LogFilterForm} filter @param {Counted} counted is filled
 * @param {() => boolean} isWanted @param {() => void} came
 */
export async function countAll(filter, counted, isWanted, came) {
  const { begin, end, buckets } = counted;
  /** @type {string|null} */
  let from = null;
  do {
    /** @type {Answer<LogHistogram>} */
    const answer = await invoke("ai/logs/histogram", { filter, begin, end, buckets: buckets.length, from });
    if (!isWanted()) return;
    if (!answer.success) {
      counted.error = answer.message;
      return;
    }
    for (const bucket of answer.data.buckets) {
      const own = bucketAt(counted, (bucket.begin + bucket.end) / 2);
      if (!own) continue;
      for (const level of LEVELS) {
        own[level] += bucket[level];
        own.entries[level] += bucket.entries[level];
      }
    }
    from = answer.data.reached;
    counted.isComplete = from === null;
    came();
  } while (from !== null);
}

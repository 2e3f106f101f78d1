// @ts-check
/** Words of lines: their level, their source, their time. */
import { dayAndMonth, exactTime } from "../../base/format.js";
import { mark, t } from "../../base/i18n.js";

/** @import { Level } from "../../contract.d.ts" */

/** @type {Record<Level, {short: string, chip: string, word: string}>} */
export const LEVEL_WORDS = {
  error: { short: "ERR", chip: mark("Error"), word: mark("Error") },
  warn: { short: "WARN", chip: mark("Warn"), word: mark("Warning") },
  info: { short: "INFO", chip: mark("Info"), word: mark("Info") },
  debug: { short: "DBG", chip: mark("Debug"), word: mark("Debug") },
  unknown: { short: "", chip: mark("Other"), word: mark("No level") },
};

/** @type {Record<string, {word: string, short: string, of: string, more: string}>} */
export const RANGE_WORDS = {
  "15m": { word: mark("Last 15 min"), short: mark("15 min"), of: mark("Beginning of the last 15 minutes"), more: mark("Show the last hour") },
  "1h": { word: mark("Last hour"), short: mark("1 h"), of: mark("Beginning of the last hour"), more: mark("Show the last 6 hours") },
  "6h": { word: mark("Last 6 hours"), short: mark("6 h"), of: mark("Beginning of the last 6 hours"), more: mark("Show the last 24 hours") },
  "24h": { word: mark("Last 24 hours"), short: mark("24 h"), of: mark("Beginning of the last 24 hours"), more: mark("Show the last 7 days") },
  "7d": { word: mark("Last 7 days"), short: mark("7 d"), of: mark("Beginning of the last 7 days"), more: mark("Show everything") },
  all: { word: mark("Everything"), short: mark("All"), of: mark("Beginning of the kept logs"), more: "" },
};

/** @param {{module: string, service: string}} line */
export const sourceOf = ({ module, service }) => (module === service || !service ? module : `${module}/${service}`);

/** @param {number} seconds since 1970 */
export const moment = (seconds) => new Date(seconds * 1000).toISOString();

/** @param {number} begin @param {number} end in seconds; with their days unless both are today */
export function timesOf(begin, end) {
  const times = [begin, end].map(moment);
  const isToday = times.every((time) => new Date(time).toDateString() === new Date().toDateString());
  const [from = "", until = ""] = times.map((time) => (isToday ? exactTime(time) : `${dayAndMonth(time)}, ${exactTime(time)}`));
  return t("{begin} – {end}", { begin: from, end: until });
}

/** @param {Level} level */
export const levelWord = (level) => t(LEVEL_WORDS[level].word);

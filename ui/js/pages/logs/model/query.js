// @ts-check
/** What is shown of the logs, as the address has it and as the owner is asked for it. Pure. */
import { asked } from "./pattern.js";

/**
 * @import { Address } from "../../../base/address.js"
 * @import { Level, LogFilterForm } from "../../../contract.d.ts"
 * @import { Search } from "./pattern.js"
 */

/**
 * @typedef {{modules: string[], services: string[], levels: Level[], search: Search, isOnlyMatching: boolean,
 *   fields: string[], range: string, from: number|null, until: number|null, at: number|null, line: string,
 *   isOfErrors: boolean, hasChecks: boolean}} Wanted
 *   `services`: `module/service`; `range`: a name in `RANGES`, empty to be found; `from`, `until`: a part of it, in
 *   seconds; `at`: a time to begin at; `line`: the cursor of the one whose details are shown; `hasChecks`: health
 *   checks are not folded
 */

/** @type {Level[]} From the most severe to the least. */
export const LEVELS = ["error", "warn", "info", "debug", "unknown"];

/** @type {Record<string, number>} Name → seconds, the shortest first. */
export const RANGES = { "15m": 900, "1h": 3600, "6h": 21_600, "24h": 86_400, "7d": 604_800, all: Infinity };

/** @param {Address} address @returns {Wanted} */
export function wantedOf({ rest: [name], query }) {
  const of = name === undefined || name === "" ? words(query["of"]) : [name];
  const services = name === undefined ? [] : words(query["service"]).map((service) => `${name}/${service}`);
  const levels = LEVELS.filter((level) => words(query["level"]).includes(level));
  return {
    modules: services.length ? [] : of.filter((one) => !one.includes("/")),
    services: [...services, ...of.filter((one) => one.includes("/"))],
    levels: levels.length ? levels : LEVELS,
    search: { text: query["text"] ?? "", isRegex: query["regex"] === "1", isCaseSensitive: query["case"] === "1" },
    isOnlyMatching: query["only"] === "1",
    fields: (query["fields"] ?? "").split("\n").filter(Boolean),
    range: query["range"] && query["range"] in RANGES ? query["range"] : "",
    from: timeOf(query["from"]), until: timeOf(query["until"]), at: timeOf(query["at"]),
    line: query["line"] ?? "",
    isOfErrors: query["view"] === "errors",
    hasChecks: query["checks"] === "1",
  };
}

/** @param {string} [text] */
const words = (text = "") => text.split(",").filter(Boolean);

/** @param {string} [text] seconds since 1970, or a moment such as `2026-01-31T14:31:05Z` */
function timeOf(text = "") {
  const time = /^\d+(\.\d+)?$/.test(text) ? Number(text) : Date.parse(text) / 1000;
  return Number.isFinite(time) ? time : null;
}

/** @typedef {{since: number|null, until: number|null}} Bounds in seconds */

/**
 * @param {Wanted} wanted @param {Bounds} bounds @param {{levels?: boolean, search?: boolean}} [without] what is left out
 * @returns {LogFilterForm}
 */
export function formOf({ modules, services, levels, search, fields }, { since, until }, without = {}) {
  return {
    ...(modules.length && { modules }),
    ...(services.length && { services }),
    ...(!without.levels && levels.length < LEVELS.length && { levels }),
    ...(since !== null && { since }),
    ...(until !== null && { until }),
    ...(!without.search && asked(search)),
    ...(fields.length && { fields }),
  };
}

/** @param {Wanted} wanted What the list has to be made anew for. */
export const listKey = ({ modules, services, levels, search, isOnlyMatching, fields, range, from, until, at }) =>
  JSON.stringify([modules, services, levels, isOnlyMatching && search.text ? search : "", fields, range, from, until, at]);

/** @param {Wanted} wanted What the counts have to be made anew for. */
export const countKey = ({ modules, services, levels, search, fields }) =>
  JSON.stringify([modules, services, search.text && [search, levels], fields]);

/**
 * The shortest range that has some of the newest lines, or a time.
 * @param {number} now @param {{time: number}[]} lines @param {number|null} at
 */
export function fittingRange(now, lines, at) {
  const SOME = 50;
  const [first, ...others] = [...lines].reverse().slice(0, SOME).reverse();
  const oldest = at ?? (others.length ? first?.time : lines.at(-1)?.time) ?? now;
  const found = Object.entries(RANGES).find(([, seconds]) => now - oldest < seconds);
  return found?.[0] ?? "all";
}

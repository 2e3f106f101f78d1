// @ts-check
/** The resources that were used in a range of time, of everything or of a module with its services. */
import { CONNECTION, invoke, on } from "../../base/bridge.js";
import { recall, remember } from "../../base/preferences.js";
import { current, observe, slice } from "../../base/store.js";
import { detailed } from "./seconds.js";

/**
 * @import { Sample, Series, StatsHistory } from "../../contract.d.ts"
 * @typedef {Record<string, string>} Query of the address: `range`, or `from` and `to` after a zoom
 */

/** Seconds of each range, by its name in the address. */
export const RANGES = { "15m": 900, "1h": 3600, "6h": 21_600, "24h": 86_400, "7d": 604_800, "30d": 2_592_000 };
/** @typedef {keyof typeof RANGES} Range */
/** @type {Range} */
const USUAL = "1h";
/** @type {Range} Of what has just begun to run, an hour would show next to nothing. */
const SHORTEST = "15m";
const KEY = "usage-range";
/** Longer ranges have no place for single seconds. */
const MOST_WATCHED = RANGES["1h"];

/** @type {Series} */
const EMPTY = { cpu: [], memory: [], rx: [], tx: [], read: [], write: [], pids: [] };
/** @type {StatsHistory} */
const NOTHING = { interval: 15, times: [], total: EMPTY, modules: [], services: [], peaks: EMPTY, marks: [] };

const own = slice({
  history: NOTHING,
  isLoaded: false,
  /** Whether another range than that which is shown was asked for. */
  isLoading: false,
  /** @type {Range|null} that fits what there is, until somebody chooses one */
  fitting: null,
  /** @type {Sample[]} of every second, while a module is watched */
  seconds: [],
});

/** @param {string|null|undefined} name @returns {name is Range} */
const isRange = (name) => Boolean(name && Object.hasOwn(RANGES, name));

/** @param {Query} query Of the range, else of the one that was chosen last; `null`: it is to be found. */
export const knownRange = ({ range }) => [range, recall(KEY)].find(isRange) ?? own.get().fitting;

/** @param {Query} query The name of the range; after a zoom, of the one before it. */
export const rangeIn = (query) => knownRange(query) ?? USUAL;

/** @param {Range} range */
export const rememberRange = (range) => remember(KEY, range);

/** @param {StatsHistory} history of the usual range @param {string|null} module @returns {Range|null} `null`: nothing has run */
function fittingRange({ times, total, modules }, module) {
  const { memory } = modules.find(({ module: name }) => name === module) ?? total;
  const first = times[memory.findIndex((value) => value !== null)];
  if (first === undefined) return null;
  return Date.now() / 1000 - first < RANGES[SHORTEST] ? SHORTEST : USUAL;
}

/** @param {Query} query The times that were zoomed to, if they were. */
export function zoomIn({ from, to }) {
  const [begin, end] = [Number(from), Number(to)];
  return begin > 0 && end > begin ? { begin, end } : null;
}

/** @type {{of: [StatsHistory, Sample[], boolean], made: StatsHistory}} */
let shown = { of: [NOTHING, [], true], made: NOTHING };

/** The history with what came since. Made once for each change: charts compare it with what they show. */
export function usage() {
  const { history, seconds } = own.get();
  const isLive = isUsageLive();
  if (shown.of[0] !== history || shown.of[1] !== seconds || shown.of[2] !== isLive) {
    shown = { of: [history, seconds, isLive], made: isLive ? detailed(history, seconds, followed ?? null) : known(history) };
  }
  return shown.made;
}

/** Whether the newest values are those of now. */
export const isUsageLive = () =>
  current().snapshot?.engine.running === true && current().connection === "up" && !zoomIn(current().address.query);

/** @param {StatsHistory} history Without the end in which nothing could be measured. @returns {StatsHistory} */
function known(history) {
  const end = history.total.memory.findLastIndex((value) => value !== null) + 1;
  /** @template {Series} T @param {T} series @returns {T} */
  const cut = (series) => /** @type {T} */ (Object.fromEntries(
    Object.entries(series).map(([name, values]) => [name, Array.isArray(values) ? values.slice(0, end) : values])));
  return {
    ...history, times: history.times.slice(0, end), total: cut(history.total), peaks: cut(history.peaks),
    modules: history.modules.map(cut), services: history.services.map(cut),
  };
}

export const isUsageLoaded = () => own.get().isLoaded;

export const isUsageLoading = () => own.get().isLoading;

/** @type {string|null|undefined} The module; `null`: everything; `undefined`: nobody looks. */
let followed;
/** Whether every second of it is to be shown, and whether the owner was asked for that. */
let [isWatched, isWatching] = [false, false];

/** @param {string} name of a module, whose charts show every second. What is returned ends it. */
export function watchUsage(name) {
  isWatched = true;
  const end = followUsage(name);
  return () => {
    isWatched = false;
    end();
  };
}

/** @param {string|null} name of a module; `null`: everything. What is returned ends it. */
export function followUsage(name) {
  if (name !== followed) own.set({ history: NOTHING, isLoaded: false, isLoading: false, fitting: null, seconds: [] });
  followed = name;
  begin();
  const ends = [
    on(CONNECTION, begin),
    on("ai/stats/sample", () => void (zoomIn(current().address.query) || loadIfDue())),
    on("ai/activity/added", () => own.get().isLoaded && load()),
    on("ai/stats/watched", (sample) => isWatching && own.set({ seconds: [...own.get().seconds, sample].slice(-MOST_WATCHED) })),
    observe((now, before) => {
      if (now.address.query === before.address.query || queryKey(now.address.query) === queryKey(before.address.query)) return;
      own.set({ isLoading: true });
      begin();
    }),
  ];
  document.addEventListener("visibilitychange", watch);
  return () => {
    ends.forEach((end) => end());
    document.removeEventListener("visibilitychange", watch);
    followed = undefined;
    watch();
  };
}

/** @param {Query} query */
const queryKey = (query) => JSON.stringify([rangeIn(query), zoomIn(query)]);

function begin() {
  isWatching &&= current().connection === "up"; // an owner that was lost has forgotten it
  if (current().connection !== "up") return;
  load();
  watch();
}

/** Every second is only read while somebody sees it. */
function watch() {
  const { query } = current().address;
  const should = isWatched && !document.hidden && !zoomIn(query) && RANGES[rangeIn(query)] <= MOST_WATCHED;
  if (should) invoke("ai/stats/watch", { module: followed });
  else if (isWatching) invoke("ai/stats/unwatch", {});
  if (!should && isWatching) own.set({ seconds: [] });
  isWatching = should;
}

/** A range of days has a new point only every hour. */
function loadIfDue() {
  const { times, interval } = own.get().history;
  if (Date.now() / 1000 - (times.at(-1) ?? 0) >= interval) load();
}

/** What is shown, for the owner. @param {string|null} module @param {Query} query */
export function asked(module, query) {
  const zoom = zoomIn(query);
  const from = zoom?.begin ?? Math.floor(Date.now() / 1000) - RANGES[rangeIn(query)];
  return { module, from, to: zoom?.end ?? null, points: 400 };
}

async function load() {
  const [name, { query }] = [followed, current().address];
  if (name === undefined) return;
  const answer = await invoke("ai/stats/history", asked(name, query));
  const isWanted = name === followed && queryKey(query) === queryKey(current().address.query);
  if (isWanted) own.set({ isLoading: false });
  if (!answer.success || !isWanted) return;
  const range = rangeIn(query);
  if (!own.get().fitting && !zoomIn(query)) own.set({ fitting: fittingRange(answer.data, name) });
  if (range === rangeIn(query)) own.set({ history: answer.data, isLoaded: true });
  else load();
}

/** @param {string} name What a service uses now. */
export function serviceLoad(name) {
  const series = usage().services.find(({ service }) => service === name);
  return { cpu: lastOf(series?.cpu), memory: lastOf(series?.memory) };
}

/** @param {(number|null)[]} [values] */
const lastOf = (values) => values?.at(-1) ?? null;

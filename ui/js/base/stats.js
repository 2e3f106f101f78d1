// @ts-check
/** How much processor and memory was used in the last 30 minutes. */
import { CONNECTION, invoke, on } from "./bridge.js";
import { slice } from "./store.js";

/**
 * @import { Load, Sample, StatsHistory } from "../contract.d.ts"
 * @typedef {Pick<import("../contract.d.ts").Series, "cpu"|"memory">} Series
 */

/** Samples in 30 minutes. */
const MOST = 120;

/** @type {(number|null)[]} */
const UNKNOWN = new Array(MOST).fill(null);

/** @type {Series} */
const NONE = { cpu: UNKNOWN, memory: UNKNOWN };

/** `total`: of everything; `modules`: of each by name. All have a value for each of the 30 minutes' samples. */
const own = slice({
  total: NONE,
  modules: /** @type {ReadonlyMap<string, Series>} */ (new Map()),
});

/** Of everything. */
export const totalStats = () => own.get().total;

/** @param {string} name of a module */
export const moduleStats = (name) => own.get().modules.get(name) ?? NONE;

/**
 * The newest value, if it is known.
 * @param {(number|null)[]} values
 */
export const newest = (values) => values.at(-1) ?? null;

on("ai/stats/sample", add);
on(CONNECTION, ({ state }) => state === "up" && load());

async function load() {
  const answer = await invoke("ai/stats/history", {});
  if (answer.success) show(answer.data);
}

/** @param {StatsHistory} history */
function show({ total, modules }) {
  own.set({
    total: whole(total),
    modules: new Map(modules.map((series) => [series.module, whole(series)])),
  });
}

/** @param {Series} series What was before the first sample is not known. @returns {Series} */
const whole = ({ cpu, memory }) => ({
  cpu: [...UNKNOWN, ...cpu].slice(-MOST),
  memory: [...UNKNOWN, ...memory].slice(-MOST),
});

/** @param {Sample} sample */
function add(sample) {
  const { total, modules } = own.get();
  const loads = new Map(sample.modules.map((load) => [load.module, load]));
  const names = new Set([...modules.keys(), ...loads.keys()]);
  own.set({
    total: longer(total, sample.total),
    modules: new Map([...names].map((name) => [name, longer(moduleStats(name), loads.get(name))])),
  });
}

/** @param {Series} series @param {Load} [load] */
const longer = ({ cpu, memory }, load) =>
  whole({ cpu: [...cpu, load?.cpu ?? null], memory: [...memory, load?.memory ?? null] });

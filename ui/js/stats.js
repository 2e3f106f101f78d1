// @ts-check
/** How much processor and memory was used in the last 30 minutes. */
import { invoke, on } from "./bridge.js";
import { observe, slice } from "./store.js";

/** @import { Load, Sample, Series, StatsHistory } from "./contract.d.ts" */

/** Samples in 30 minutes. */
const MOST = 120;

/** @type {Series} */
const NONE = { cpu: [], memory: [] };

/** `total`: of everything; `modules`: of each by name; all have the same number of values. */
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
observe(({ connection }, before) => {
  if (connection === "up" && before.connection !== "up") load();
});

async function load() {
  const answer = await invoke("ai/stats/history", {});
  if (answer.success) show(answer.data);
}

/** @param {StatsHistory} history */
function show({ total, modules }) {
  own.set({ total, modules: new Map(modules.map(({ module, ...series }) => [module, series])) });
}

/** @param {Sample} sample */
function add(sample) {
  const { total, modules } = own.get();
  const loads = new Map(sample.modules.map((load) => [load.module, load]));
  const blank = total.cpu.map(() => null);
  const known = new Map(sample.modules.map(({ module }) => [module, { cpu: blank, memory: blank }]));
  const all = [...new Map([...known, ...modules])];
  own.set({
    total: longer(total, sample.total),
    modules: new Map(all.map(([name, series]) => [name, longer(series, loads.get(name))])),
  });
}

/** @param {Series} series @param {Load} [load] @returns {Series} */
const longer = ({ cpu, memory }, load) => ({
  cpu: [...cpu, load?.cpu ?? null].slice(-MOST),
  memory: [...memory, load?.memory ?? null].slice(-MOST),
});

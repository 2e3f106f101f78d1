// @ts-check
/** What was used in the last 30 minutes, of everything or of a module with its services. */
import { CONNECTION, invoke, on } from "../../bridge.js";
import { current, slice } from "../../store.js";

/** @import { Load, Sample, Series, StatsHistory } from "../../contract.d.ts" */

/** @type {StatsHistory} */
const NOTHING = { interval: 15, times: [], total: { cpu: [], memory: [] }, modules: [], services: [] };
const SECONDS = 30 * 60;

const own = slice({ history: NOTHING, isLoaded: false });

export const usage = () => own.get().history;
export const isUsageLoaded = () => own.get().isLoaded;

/** @type {string|null|undefined} The module; `null`: everything; `undefined`: nobody looks. */
let followed;

/** @param {string|null} name of a module; `null`: everything. What is returned ends it. */
export function followUsage(name) {
  if (name !== followed) own.set({ history: NOTHING, isLoaded: false });
  followed = name;
  if (current().connection === "up") load();
  const ends = [
    on(CONNECTION, ({ state }) => state === "up" && load()),
    on("ai/stats/sample", (sample) => own.get().isLoaded && own.set({ history: extended(own.get().history, sample, name) })),
  ];
  return () => ends.forEach((end) => end());
}

async function load() {
  const name = followed;
  if (name === undefined) return;
  const answer = await invoke("ai/stats/history", { module: name });
  if (answer.success && name === followed) own.set({ history: answer.data, isLoaded: true });
}

/** @param {StatsHistory} history @param {Sample} sample @param {string|null} name @returns {StatsHistory} */
export function extended(history, sample, name) {
  const times = [...history.times, sample.time];
  const drop = times.findIndex((time) => time > sample.time - SECONDS);
  /** @param {Series} series @param {Load} [load] */
  const longer = ({ cpu, memory }, load) => ({
    cpu: [...cpu, load?.cpu ?? null].slice(drop),
    memory: [...memory, load?.memory ?? null].slice(drop),
  });
  const blank = history.times.map(() => null);
  const unknown = { cpu: blank, memory: blank };
  const wanted = sample.modules.filter(({ module }) => name === null || module === name);
  const newModules = wanted.filter(({ module }) => !history.modules.some((one) => one.module === module));
  const services = sample.services.filter(({ module }) => module === name);
  const newServices = services.filter(({ service }) => !history.services.some((one) => one.service === service));
  return {
    interval: history.interval,
    times: times.slice(drop),
    total: longer(history.total, sample.total),
    modules: [...history.modules, ...newModules.map(({ module }) => ({ module, ...unknown }))].map((one) => ({
      ...one, ...longer(one, wanted.find(({ module }) => module === one.module)),
    })),
    services: [...history.services, ...newServices.map(({ module, service }) => ({ module, service, ...unknown }))].map((one) => ({
      ...one, ...longer(one, services.find(({ service }) => service === one.service)),
    })),
  };
}

/** @param {string} name What a service uses now. */
export function serviceLoad(name) {
  const series = usage().services.find(({ service }) => service === name);
  return { cpu: series?.cpu.at(-1) ?? null, memory: series?.memory.at(-1) ?? null };
}

// @ts-check
/** Samples of every second as the newest part of a history. */

/**
 * @import { Load, Sample, Series, StatsHistory } from "../../contract.d.ts"
 */

/** @type {(keyof Series)[]} */
export const FIELDS = ["cpu", "memory", "rx", "tx", "read", "write", "pids"];

/**
 * `history`, whose last part is replaced by `samples` of its module.
 * @param {StatsHistory} history @param {Sample[]} all @param {string|null} name of the module
 * @returns {StatsHistory}
 */
export function detailed(history, all, name) {
  const samples = all.filter(({ time }) => time >= (history.times[0] ?? 0));
  const first = samples[0]?.time ?? Infinity;
  const kept = history.times.filter((time) => time < first).length;
  if (!samples.length || !history.times.length) return history;
  /** @param {Series} series @param {(sample: Sample) => Load|undefined} pick */
  const longer = (series, pick) => joined(series, kept, samples.map(pick));
  const own = (/** @type {Sample} */ sample) => sample.modules.find(({ module }) => module === name);
  return {
    ...history,
    times: [...history.times.slice(0, kept), ...samples.map(({ time }) => time)],
    total: longer(history.total, () => undefined),
    modules: history.modules.map((one) => ({ ...one, ...longer(one, own) })),
    services: history.services.map((one) => ({
      ...one, ...longer(one, ({ services }) => services.find(({ service }) => service === one.service)),
    })),
    peaks: longer(history.peaks, own),
  };
}

/** @param {Series} series @param {number} kept @param {(Load|undefined)[]} loads @returns {Series} */
function joined(series, kept, loads) {
  const entries = FIELDS.map((field) => [field, [...series[field].slice(0, kept), ...loads.map((load) => load?.[field] ?? null)]]);
  return Object.fromEntries(entries);
}

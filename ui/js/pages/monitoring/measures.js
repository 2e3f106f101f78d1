// @ts-check
/** What is measured: its values in a series, and how they are shown. */
import { bytes, percent, rate } from "../../base/format.js";
import { mark } from "../../base/i18n.js";

/**
 * @import { Series } from "../../contract.d.ts"
 * @typedef {"cpu"|"memory"|"network"|"disk"} Measure
 * @typedef {(number|null)[]} Values
 */

/** @type {Record<Measure, string>} */
export const MEASURES = { cpu: mark("CPU"), memory: mark("Memory"), network: mark("Network"), disk: mark("Disk") };

/** Sums are made once: charts compare their values by identity. @type {WeakMap<Values, Values>} */
const sums = new WeakMap();

/** @param {Series} series @param {Measure} measure @returns {Values} */
export function valuesOf(series, measure) {
  if (measure === "network") return sum(series.rx, series.tx);
  if (measure === "disk") return sum(series.read, series.write);
  return series[measure];
}

/** @param {Values} one @param {Values} other */
function sum(one, other) {
  const found = sums.get(one) ?? one.map((value, i) => (value === null && other[i] === null ? null : (value ?? 0) + (other[i] ?? 0)));
  sums.set(one, found);
  return found;
}

/** @param {Measure} measure @param {number} value @param {number} cpus of the engine */
export function told(measure, value, cpus) {
  if (measure === "cpu") return percent(value / 100 / cpus);
  return measure === "memory" ? bytes(value) : rate(value);
}

/**
 * The axis of a chart of values up to `most`.
 * @param {Measure} measure @param {number} most @param {number} cpus
 * @returns {{max: number, unit: number, format: (value: number) => string, told: (value: number) => string}}
 */
export function axis(measure, most, cpus) {
  if (measure === "cpu") {
    const max = Math.max(4 * cpus, most * 1.1);
    const format = (/** @type {number} */ value) => told(measure, value, cpus);
    return { max, unit: cpus, format, told: format };
  }
  const least = measure === "memory" ? 1024 ** 2 : 1024;
  const max = Math.max(4 * least, most * 1.1);
  const unit = 1024 ** Math.floor(Math.log(max) / Math.log(1024));
  const format = measure === "memory" ? bytes : rate;
  return { max, unit, format: (value) => format(value, max), told: (value) => told(measure, value, cpus) };
}

/** @param {Values} values */
export const greatest = (values) => values.reduce((/** @type {number} */ most, value) => Math.max(most, value ?? 0), 0);

// @ts-check
/** A chart of values over time: lines, or areas on top of each other. All charts have one cursor. */
import { html } from "../../vendor/lit-html/lit-html.js";
import { exactTime, labelled, timeOfDay } from "../base/format.js";
import { t } from "../base/i18n.js";
import { slice } from "../base/store.js";
import { plotted } from "./plot.js";
import { edges } from "./time_keys.js";

/**
 * @import { Part } from "./time_keys.js"
 * @typedef {(number|null)[]} Values `null`: not known, a gap
 * @typedef {{name: string, values: Values, colour: string, look?: "line"|"peak"}} Line
 *   `look`: without it, the area below is filled; `peak`: a faint line
 * @typedef {{time: number, isBad: boolean}} ChartMark what happened at a time
 * @typedef {{label: string, times: number[], begin: number, end: number, series: Line[], max: number, unit: number,
 *   format: (value: number) => string, told: (value: number) => string, height: number, isStacked?: boolean, limit?: {value: number, text: string}|null,
 *   marks?: ChartMark[], zoom?: (begin: number, end: number) => void, unzoom?: () => void}} Chart
 *   `times`, `begin`, `end`: seconds since 1970; `label`: what it shows, in words; `unit`: what values
 *   of the axis are multiples of; `format`, `told`: a value of the axis, and in words
 */

const own = slice({
  /** @type {number|null} the place of a time */
  cursor: null,
  /** @type {number|null} the place where a part began that ends at the cursor, if it is chosen with keys */
  from: null,
});

/** @param {number[]} times The place of the time at the cursor; else of the newest. */
export const chosenTime = (times) => Math.min(own.get().cursor ?? times.length - 1, times.length - 1);

/** @param {number[]} times Whether a time was chosen. */
export const isChosen = (times) => own.get().cursor !== null && times.length > 1;

/** @param {number|null} place of a time */
function choose(place) {
  if (place !== own.get().cursor) own.set({ cursor: place });
}

/** @param {number|null} from */
function widen(from) {
  if (from !== own.get().from) own.set({ from });
}

/** What is chosen with the pointer or with keys. @returns {Part|null} */
function part() {
  const { cursor: at, from } = own.get();
  return at === null ? null : { at, from: from ?? at };
}

/** @param {Chart} options */
export function chart(options) {
  const at = chosenTime(options.times);
  return html`
    <div class="chart" tabindex="0" role="slider" aria-orientation="horizontal" aria-label=${options.label}
      aria-description=${t("Arrow keys choose a time, with Shift a part of it. Enter zooms, Esc shows all. You can also drag.")}
      aria-valuemin="0" aria-valuemax=${Math.max(0, options.times.length - 1)} aria-valuenow=${at}
      aria-valuetext=${spoken(options, part() ?? { at, from: at })} .style=${`--height: ${options.height}px`}
      ${plotted({ ...options, choose, widen, part })}></div>`;
}

/** @param {Chart} options @param {Part} chosen */
function spoken({ times, series, told }, { from }) {
  const at = chosenTime(times);
  const values = series.flatMap(({ name, values: { [at]: value } }) => (typeof value === "number" ? labelled(name, told(value)) : []));
  const step = (times.at(-1) ?? 0) - (times.at(-2) ?? 0);
  const [begin, end] = edges({ at, from }).map((place) => timeAt(times[place] ?? 0, step));
  return labelled(begin === end ? `${end}` : t("{begin} – {end}", { begin, end }), values.join(", ") || "–");
}

/** @param {number} seconds since 1970 @param {number} [step] between two times that have to differ */
export function timeAt(seconds, step = 60) {
  const moment = new Date(seconds * 1000).toISOString();
  return step < 60 ? exactTime(moment) : timeOfDay(moment);
}

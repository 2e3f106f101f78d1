// @ts-check
/** A chart of values over time: lines, or areas on top of each other. All charts have one cursor. */
import { html } from "../../vendor/lit-html/lit-html.js";
import { timeOfDay } from "../format.js";
import { slice } from "../store.js";
import { plotted } from "./plot.js";

/**
 * @typedef {(number|null)[]} Values `null`: not known, a gap
 * @typedef {{name: string, values: Values, colour: string, look?: "line"|"peak"}} Line
 *   `look`: without it, the area below is filled; `peak`: a faint line
 * @typedef {{time: number, isBad: boolean}} ChartMark what happened at a time
 * @typedef {{label: string, times: number[], begin: number, end: number, series: Line[], max: number, unit: number,
 *   format: (value: number) => string, height: number, isStacked?: boolean, limit?: {value: number, text: string}|null,
 *   marks?: ChartMark[], zoom?: (begin: number, end: number) => void, unzoom?: () => void}} Chart
 *   `times`, `begin`, `end`: seconds since 1970; `label`: what it shows, in words; `unit`: what values
 *   of the axis are multiples of
 */

const own = slice({
  /** @type {number|null} the place of a time */
  cursor: null,
});

/** @param {number[]} times The place of the time at the cursor; else of the newest. */
export const chosenTime = (times) => Math.min(own.get().cursor ?? times.length - 1, times.length - 1);

/** @param {number[]} times Whether a time was chosen. */
export const isChosen = (times) => own.get().cursor !== null && times.length > 1;

/** @param {number|null} place of a time */
function choose(place) {
  if (place !== own.get().cursor) own.set({ cursor: place });
}

/** @param {Chart} options */
export const chart = (options) => html`
  <div class="chart" role="img" aria-label=${options.label} .style=${`--height: ${options.height}px`} ${plotted({ ...options, choose })}></div>`;

/** @param {number} seconds since 1970 */
export const timeAt = (seconds) => timeOfDay(new Date(seconds * 1000).toISOString());

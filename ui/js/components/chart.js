// @ts-check
/** A chart of values over time: lines, or areas on top of each other. All charts have one cursor. */
import { html, nothing, svg } from "../../vendor/lit-html/lit-html.js";
import { timeOfDay } from "../format.js";
import { slice } from "../store.js";
import { runsOf } from "./spark.js";

/**
 * @typedef {{name: string, values: (number|null)[], colour: string}} Series
 * @typedef {{label: string, times: number[], series: Series[], max: number, format: (value: number) => string,
 *   height: number, isStacked?: boolean}} Chart
 *   `times`: seconds since 1970; `label`: what it shows, in words
 */

const WIDTH = 1000;
const ROWS = 4;
const TICKS = 4;

const own = slice({
  /** @type {number|null} the place of a time */
  cursor: null,
});

/** @param {number[]} times The place of the time at the cursor; else of the newest. */
export const chosenTime = (times) => Math.min(own.get().cursor ?? times.length - 1, times.length - 1);

/** @param {number[]} times Whether a time was chosen. */
export const isChosen = (times) => own.get().cursor !== null && times.length > 1;

/** @param {Chart} options */
export function chart({ label, times, series, max, format, height, isStacked = false }) {
  const top = niceTop(max);
  const drawn = isStacked ? stacked(series) : series.map(({ values, colour }) => ({ colour, values, below: null }));
  const { cursor } = own.get();
  return html`
    <div class="chart" role="img" aria-label=${label} .style=${`--height: ${height}px`}>
      <div class="chart-values" aria-hidden="true">${rows().map((row) => html`<span>${format(top * (1 - row / ROWS))}</span>`)}</div>
      <div class="chart-plot" @pointermove=${(/** @type {PointerEvent} */ event) => move(event, times.length)}
        @pointerleave=${() => own.set({ cursor: null })}>
        <svg viewBox="0 0 ${WIDTH} 100" preserveAspectRatio="none" aria-hidden="true">
          ${rows().map((row) => svg`<path class="grid" d="M0 ${(row * 100) / ROWS}H${WIDTH}" vector-effect="non-scaling-stroke"></path>`)}
          ${drawn.map((each) => area(each, times.length, top, isStacked))}
        </svg>
        ${cursor !== null && cursor < times.length
          ? html`<i class="chart-cursor" .style=${`left: ${((cursor / Math.max(1, times.length - 1)) * 100).toFixed(2)}%`}></i>` : nothing}
      </div>
      <div class="chart-times" aria-hidden="true">${ticks(times).map((tick) => html`<span>${tick}</span>`)}</div>
    </div>`;
}

const rows = () => Array.from({ length: ROWS + 1 }, (_, i) => i);

/** @param {number} value The next number that is easy to read. */
export function niceTop(value) {
  if (!(value > 0)) return 1;
  const unit = 10 ** Math.floor(Math.log10(value));
  return ([1, 1.2, 1.6, 2, 2.4, 3.2, 4, 6, 8].find((step) => step * unit >= value) ?? 10) * unit;
}

/** @param {Series[]} series */
function stacked(series) {
  const isKnown = (/** @type {number} */ i) => series.some(({ values }) => typeof values[i] === "number");
  /** @type {number[]} */
  let base = [];
  return series.map(({ values, colour }) => {
    const below = base;
    base = values.map((value, i) => (below[i] ?? 0) + (value ?? 0));
    return { colour, below, values: base.map((value, i) => (isKnown(i) ? value : null)) };
  });
}

/** @param {{values: (number|null)[], colour: string, below: number[]|null}} each @param {number} count @param {number} top @param {boolean} isStacked */
function area({ values, colour, below }, count, top, isStacked) {
  const x = (/** @type {number} */ i) => ((i / Math.max(1, count - 1)) * WIDTH).toFixed(1);
  const y = (/** @type {number} */ value) => (100 - (Math.min(value, top) / top) * 100).toFixed(2);
  return runsOf(values).map((run) => {
    const line = run.map(([i, value]) => `${x(i)} ${y(value)}`).join("L");
    const back = below
      ? [...run].reverse().map(([i]) => `${x(i)} ${y(below[i] ?? 0)}`).join("L")
      : `${x(run.at(-1)?.[0] ?? 0)} 100L${x(run[0]?.[0] ?? 0)} 100`;
    return svg`
      <path class=${isStacked ? "stack" : "fill"} d="M${line}L${back}Z" .style=${`--colour: ${colour}`}></path>
      <path class="line" d="M${line}" .style=${`--colour: ${colour}`} vector-effect="non-scaling-stroke"></path>`;
  });
}

/** @param {number[]} times */
function ticks(times) {
  const [first, last] = [times[0], times.at(-1)];
  if (first === undefined || last === undefined) return [];
  // Times have no seconds: those less than a minute apart would be the same.
  const count = Math.max(1, Math.min(TICKS, Math.floor((last - first) / 60)));
  return Array.from({ length: count + 1 }, (_, i) => timeAt(first + ((last - first) * i) / count));
}

/** @param {number} seconds since 1970 */
export const timeAt = (seconds) => timeOfDay(new Date(seconds * 1000).toISOString());

/** @param {PointerEvent} event @param {number} count */
function move({ currentTarget, clientX }, count) {
  const { left, width } = /** @type {Element} */ (currentTarget).getBoundingClientRect();
  const cursor = Math.round(((clientX - left) / width) * (count - 1));
  own.set({ cursor: Math.max(0, Math.min(count - 1, cursor)) });
}

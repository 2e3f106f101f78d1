// @ts-check
/** A small line of values over time, which fills its box. */
import { html, nothing, svg } from "../../vendor/lit-html/lit-html.js";

const WIDTH = 120;

/** @typedef {{colour: string, height?: number, max?: number, limit?: number}} Look */

/**
 * What was drawn last of some values: the page is drawn far more often than they change.
 * @type {WeakMap<(number|null)[], {look: string, drawing: unknown}>}
 */
const drawn = new WeakMap();

/**
 * @param {(number|null)[]} values `null`: not known, a gap
 * @param {Look} look `colour`: in CSS; `max`: the value at the upper edge; `limit`: a value with a line
 *   of its own
 */
export function spark(values, look) {
  const text = JSON.stringify(look);
  const known = drawn.get(values);
  if (known?.look === text) return known.drawing;
  const drawing = draw(values, look);
  drawn.set(values, { look: text, drawing });
  return drawing;
}

/** @param {(number|null)[]} values @param {Look} look */
function draw(values, { colour, height = 28, max, limit }) {
  const top = max ?? (Math.max(0, ...values.map((value) => value ?? 0)) * 1.12 || 1);
  const y = (/** @type {number} */ value) => height - 1.5 - (Math.min(value, top) / top) * (height - 4);
  const runs = runsOf(values).map((run) => run.map(([i, value]) =>
    `${((i / Math.max(1, values.length - 1)) * WIDTH).toFixed(1)} ${y(value).toFixed(1)}`));
  return html`
    <svg class="spark" viewBox="0 0 ${WIDTH} ${height}" preserveAspectRatio="none" aria-hidden="true"
      .style=${`height: ${height}px; --line-colour: ${colour}`}>
      ${runs.map((points) => svg`
        <path class="spark-fill" d="M${points.join("L")}L${xOf(points.at(-1))} ${height}L${xOf(points[0])} ${height}Z"></path>
        <path class="spark-line" d="M${points.join("L")}" vector-effect="non-scaling-stroke"></path>`)}
      ${limit === undefined ? nothing : svg`
        <path class="spark-limit" d="M0 ${y(limit).toFixed(1)}H${WIDTH}" vector-effect="non-scaling-stroke"></path>`}
    </svg>`;
}

/** @param {string|undefined} point */
const xOf = (point) => point?.split(" ")[0] ?? "0";

/** @param {(number|null)[]} values The known values that follow each other, with their places. */
export function runsOf(values) {
  /** @type {[number, number][][]} */
  const runs = [];
  values.forEach((value, i) => {
    if (value === null) return;
    const last = runs.at(-1);
    if (last && last.at(-1)?.[0] === i - 1) last.push([i, value]);
    else runs.push([[i, value]]);
  });
  return runs;
}

// @ts-check
/** The number of lines over time, by level. A part of it can be chosen by dragging. */
import { html, nothing, svg } from "../../../vendor/lit-html/lit-html.js";
import { goQuery } from "../../address.js";
import { dateTime, dayAndMonth, exactTime, number, timeOfDay } from "../../format.js";
import { t } from "../../i18n.js";
import { drawAgainIn, slice } from "../../store.js";
import { total } from "./counts.js";
import { LEVELS } from "./model/query.js";
import { view } from "./state.js";
import { LEVEL_WORDS, moment } from "./words.js";

/**
 * @import { Level } from "../../contract.d.ts"
 * @import { Bucket, Counted } from "./counts.js"
 */

const TICKS = 6;
const DAY = 86_400;

const own = slice({
  /** The part that is being dragged, as shares of the whole. @type {[number, number]|null} */
  dragged: null,
});

/** While lines come, it is drawn so often. */
const DRAWN_MS = 500;

/** @type {{of: Counted|null, total: number, levels: string, drawing: unknown, time: number}} Drawn again only when something was counted. */
let last = { of: null, total: -1, levels: "", drawing: nothing, time: 0 };

export function histogram() {
  const { counted, hits, wanted, span } = view();
  const chosen = own.get().dragged ?? chosenShares();
  return html`
    <div class="histo">
      <div class="histo-plot" role="group" aria-label=${t("Lines over time: drag to choose a time, click for all")}
        @pointerdown=${pressed} @pointermove=${moved} @pointerup=${released}>
        ${counted ? bars(counted, hits, wanted.levels) : nothing}
        ${chosen ? brush(chosen) : nothing}
      </div>
      <div class="histo-times" aria-hidden="true">${ticks(span).map((tick) => html`<span>${tick}</span>`)}</div>
    </div>`;
}

/** @param {Counted} counted @param {Counted|null} hits @param {Level[]} levels */
function bars(counted, hits, levels) {
  const sum = counted.buckets.reduce((all, bucket) => all + total(bucket, LEVELS), 0)
    + (hits?.buckets.reduce((all, bucket) => all + total(bucket, LEVELS), 0) ?? 0);
  if (last.of === counted && last.levels === levels.join()) {
    const rest = last.time + DRAWN_MS - performance.now();
    if (last.total === sum) return last.drawing;
    if (rest > 0) {
      drawAgainIn(rest);
      return last.drawing;
    }
  }
  const most = Math.max(1, ...counted.buckets.map((bucket) => total(bucket, levels)));
  const drawing = html`
    <svg viewBox="0 0 ${counted.buckets.length * 10} 100" preserveAspectRatio="none" role="img" aria-label=${spoken(counted, levels)}>
      ${counted.buckets.map((bucket, i) => bar(bucket, i, levels, most))}
      ${hits?.buckets.map((bucket, i) => total(bucket, levels) ? svg`<rect class="hits" x=${i * 10 + 1} y="0" width="8" height="5"></rect>` : nothing)}
    </svg>`;
  last = { of: counted, total: sum, levels: levels.join(), drawing, time: performance.now() };
  return drawing;
}

/** @param {Bucket} bucket @param {number} i @param {Level[]} levels @param {number} most */
function bar(bucket, i, levels, most) {
  let base = 100;
  return [...LEVELS].reverse().map((level) => {
    const count = levels.includes(level) ? bucket[level] : 0;
    if (!count) return nothing;
    // Errors among thousands of other lines are still seen.
    const height = Math.max(level === "error" ? 6 : 1, (count / most) * 88);
    base -= height;
    return svg`<rect class=${level} x=${i * 10 + 0.7} y=${base.toFixed(1)} width="8.6" height=${height.toFixed(1)}></rect>`;
  });
}

/** @param {Counted} counted @param {Level[]} levels */
function spoken({ buckets }, levels) {
  const counts = levels.map((level) => `${t(LEVEL_WORDS[level].word)} ${number(buckets.reduce((sum, bucket) => sum + bucket[level], 0))}`);
  return `${t("Lines over time")}: ${counts.join(", ")}`;
}

/** @returns {[number, number]|null} */
function chosenShares() {
  const { wanted: { from, until }, span } = view();
  if (from === null && until === null) return null;
  const share = (/** @type {number} */ time) => Math.min(1, Math.max(0, (time - span.begin) / (span.end - span.begin)));
  return [share(from ?? span.begin), share(until ?? span.end)];
}

/** @param {[number, number]} shares */
const brush = ([from, until]) => html`
  <i class="histo-dim" .style=${`left: 0; width: ${from * 100}%`}></i>
  <i class="histo-dim" .style=${`left: ${until * 100}%; right: 0`}></i>
  <i class="histo-brush" .style=${`left: ${from * 100}%; width: ${Math.max(0.3, (until - from) * 100)}%`}></i>`;

/** @param {{begin: number, end: number}} span */
function ticks({ begin, end }) {
  return Array.from({ length: TICKS }, (_, i) => {
    const time = moment(begin + ((end - begin) * i) / (TICKS - 1));
    if (end - begin > 2 * DAY) return dayAndMonth(time);
    return end - begin < 300 ? exactTime(time) : timeOfDay(time);
  });
}

/** @param {PointerEvent} event */
function share({ clientX, currentTarget }) {
  const { left, width } = /** @type {HTMLElement} */ (currentTarget).getBoundingClientRect();
  return Math.min(1, Math.max(0, (clientX - left) / width));
}

let start = 0;

/** @param {PointerEvent} event */
function pressed(event) {
  if (event.button) return;
  /** @type {HTMLElement} */ (event.currentTarget).setPointerCapture(event.pointerId);
  start = share(event);
}

/** @param {PointerEvent} event */
function moved(event) {
  const target = /** @type {HTMLElement} */ (event.currentTarget);
  target.title = timeIn(share(event));
  if (!target.hasPointerCapture(event.pointerId)) return;
  const now = share(event);
  if (own.get().dragged || Math.abs(now - start) * target.clientWidth > 4) own.set({ dragged: [Math.min(start, now), Math.max(start, now)] });
}

/** @param {number} share */
function timeIn(share) {
  const { span } = view();
  return dateTime(moment(span.begin + (span.end - span.begin) * share));
}

function released() {
  const { dragged } = own.get();
  own.set({ dragged: null });
  const { range, span, counted } = view();
  /** @type {Record<string, string>} */
  const part = { from: "", until: "", at: "" };
  if (dragged) {
    // To whole bars, so that what is counted is what is shown.
    const bars = counted?.buckets.length ?? 1;
    const at = (/** @type {number} */ place) => (span.begin + ((span.end - span.begin) * place) / bars).toFixed(3);
    Object.assign(part, { range, from: at(Math.floor(dragged[0] * bars)), until: at(Math.ceil(dragged[1] * bars)) });
  }
  if (dragged || chosenShares()) goQuery(part);
}

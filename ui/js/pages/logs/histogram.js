// @ts-check
/** The number of lines over time, by level. A part of it can be chosen by dragging and by keys. */
import { html, nothing, svg } from "../../../vendor/lit-html/lit-html.js";
import { goQuery } from "../../base/address.js";
import { dateTime, dayAndMonth, exactTime, labelled, number, timeOfDay } from "../../base/format.js";
import { t, tn } from "../../base/i18n.js";
import { drawAgainIn, slice } from "../../base/store.js";
import { edges, useTimeKey } from "../../components/time_keys.js";
import { total } from "./counts.js";
import { LEVELS } from "./model/query.js";
import { view } from "./state.js";
import { LEVEL_WORDS, RANGE_WORDS, moment, timesOf } from "./words.js";

/**
 * @import { Level } from "../../contract.d.ts"
 * @import { Part } from "../../components/time_keys.js"
 * @import { Bucket, Counted } from "./counts.js"
 */

const TICKS = 6;
const DAY = 86_400;

const own = slice({
  /** The part that is being dragged, as shares of the whole. @type {[number, number]|null} */
  dragged: null,
  /** The bars that are chosen with keys. @type {Part|null} */
  picked: null,
  /** The bar that is pointed at. @type {number|null} */
  pointed: null,
});

/** While lines come, it is drawn so often. */
const DRAWN_MS = 500;

/** @type {{of: Counted|null, total: number, levels: string, drawing: unknown, time: number}} Drawn again only when something was counted. */
let last = { of: null, total: -1, levels: "", drawing: nothing, time: 0 };

export function histogram() {
  const { counted, hits, wanted, span } = view();
  const { dragged, picked, pointed } = own.get();
  const count = counted?.buckets.length ?? 1;
  const told = dragged ? wholeBars(dragged, count) : picked ? edges(picked) : pointed === null ? null : [pointed, pointed];
  const chosen = dragged ?? (picked ? barShares(picked, count) : chosenShares());
  return html`
    <div class="histo">
      <div class="histo-plot" tabindex="0" role="slider" aria-orientation="horizontal" aria-label=${t("Lines over time")}
        aria-description=${t("Arrow keys choose a time, with Shift a part of it. Enter zooms, Esc shows all. You can also drag.")}
        aria-valuemin="0" aria-valuemax=${count - 1} aria-valuenow=${picked?.at ?? count - 1}
        aria-valuetext=${picked && counted ? spoken(counted, picked, wanted.levels) : chosenWords(chosen)}
        @pointerdown=${pressed} @pointermove=${moved} @pointerup=${released} @pointerleave=${left} @keydown=${typed} @blur=${() => own.set({ picked: null })}>
        ${counted ? bars(counted, hits, wanted.levels) : nothing}
        ${chosen ? brush(chosen) : nothing}
        ${counted && told ? tip(counted, told[0] ?? 0, told[1] ?? 0, wanted.levels) : nothing}
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
    <svg viewBox="0 0 ${counted.buckets.length * 10} 100" preserveAspectRatio="none" aria-hidden="true">
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

/**
 * What bars have: their time, and how many lines of which level.
 * @param {Counted} counted @param {number} first @param {number} last @param {Level[]} levels
 */
function content({ buckets }, first, last, levels) {
  const part = buckets.slice(first, last + 1);
  const count = (/** @type {Level} */ level) => part.reduce((sum, bucket) => sum + bucket[level], 0);
  const counts = levels.map((level) => ({ level, count: count(level) })).filter(({ count }) => count);
  return { begin: part[0]?.begin ?? 0, end: part.at(-1)?.end ?? 0, counts };
}

const noLines = () => tn("{number} line", "{number} lines", 0, { number: number(0) });

/** @param {Counted} counted @param {Part} picked @param {Level[]} levels */
function spoken(counted, picked, levels) {
  const { begin, end, counts } = content(counted, ...edges(picked), levels);
  const words = counts.map(({ level, count }) => labelled(t(LEVEL_WORDS[level].word), number(count)));
  return labelled(timesWords(begin, end), words.join(", ") || noLines());
}

/** Its words are those of the slider's value. @param {Counted} counted @param {number} first @param {number} last @param {Level[]} levels */
function tip(counted, first, last, levels) {
  const { begin, end, counts } = content(counted, first, last, levels);
  const middle = ((first + last + 1) / 2 / counted.buckets.length) * 100;
  return html`
    <div class="histo-tip" aria-hidden="true" .style=${`left: ${middle}%; translate: -${middle}% 0`}>
      <b class="num">${timesOf(begin, end)}</b>
      ${counts.map(({ level, count }) => html`
        <span class=${level}><i class="swatch"></i>${t(LEVEL_WORDS[level].word)} <b class="num">${number(count)}</b></span>`)}
      ${counts.length ? nothing : html`<span>${noLines()}</span>`}
    </div>`;
}

/** @param {[number, number]|null} shares */
function chosenWords(shares) {
  const { range, span: { begin, end } } = view();
  const at = (/** @type {number} */ share) => begin + (end - begin) * share;
  return shares ? timesWords(at(shares[0]), at(shares[1])) : t(RANGE_WORDS[range]?.word ?? "");
}

/** @param {number} begin @param {number} end */
const timesWords = (begin, end) => t("{begin} – {end}", { begin: dateTime(moment(begin)), end: dateTime(moment(end)) });

/** @param {Part} picked @param {number} count of all bars @returns {[number, number]} */
function barShares(picked, count) {
  const [first, last] = edges(picked);
  return [first / count, (last + 1) / count];
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
  const now = share(event);
  const count = view().counted?.buckets.length ?? 1;
  const pointed = Math.min(count - 1, Math.floor(now * count));
  if (pointed !== own.get().pointed) own.set({ pointed });
  if (!target.hasPointerCapture(event.pointerId)) return;
  if (own.get().dragged || Math.abs(now - start) * target.clientWidth > 4) own.set({ dragged: [Math.min(start, now), Math.max(start, now)] });
}

const left = () => own.set({ pointed: null });

/** @param {[number, number]} shares @param {number} count of all bars @returns {[number, number]} the first and the last one */
const wholeBars = ([from, until], count) => [Math.floor(from * count), Math.ceil(until * count) - 1];

function released() {
  const { dragged } = own.get();
  own.set({ dragged: null, picked: null });
  if (!dragged) return reset();
  const [first, last] = wholeBars(dragged, view().counted?.buckets.length ?? 1);
  return choose(first, last + 1);
}

/** Whole bars, so that what is counted is what is shown. @param {number} first @param {number} end behind the last one */
function choose(first, end) {
  const { range, span, counted } = view();
  const bars = counted?.buckets.length ?? 1;
  const at = (/** @type {number} */ place) => (span.begin + ((span.end - span.begin) * place) / bars).toFixed(3);
  goQuery({ at: "", range, from: at(first), until: at(end) });
}

function reset() {
  const isPicked = own.get().picked !== null;
  if (isPicked) own.set({ picked: null });
  if (!chosenShares()) return isPicked;
  goQuery({ from: "", until: "", at: "" });
  return true;
}

/** @param {KeyboardEvent} event */
function typed(event) {
  useTimeKey(event, {
    count: view().counted?.buckets.length ?? 0, part: own.get().picked, reset,
    move: (picked) => own.set({ picked }),
    zoom: (picked) => {
      const [first, last] = edges(picked);
      own.set({ picked: null });
      choose(first, last + 1);
    },
  });
}

// @ts-check
/** The scroll bar of the list, whose length is time: it goes to any of it, however much lies between. */
import { html, nothing } from "../../../vendor/lit-html/lit-html.js";
import { dayAndMonth, exactTime } from "../../base/format.js";
import { t } from "../../base/i18n.js";
import { follow, source, view } from "./state.js";
import { moment } from "./words.js";

/** Pixels. */
const THUMB = 36;
/** A step of the keyboard, as a part of the whole. */
const STEP = 0.02;

let isAsking = false;
/** @type {number|null} */
let next = null;
let place = 1;

/** What it covers, in seconds. */
function ends() {
  const { bounds: { since, until }, kept, span } = view();
  const end = until ?? Math.max(span.end, Date.now() / 1000);
  return { begin: since ?? kept?.first ?? span.begin, end };
}

/** @param {number} share from 0 to 1 */
function timeAt(share) {
  const { begin, end } = ends();
  return begin + (end - begin) * share;
}

/** @param {number|null} time of the first line that is seen; `null`: there is none */
export function placeThumb(time) {
  const bar = document.getElementById("log-bar");
  const thumb = bar?.firstElementChild;
  if (!bar || !(thumb instanceof HTMLElement)) return;
  const { begin, end } = ends();
  place = source.isFollowing || time === null ? 1 : Math.min(1, Math.max(0, (time - begin) / (end - begin)));
  thumb.hidden = time === null;
  thumb.style.transform = `translateY(${place * (bar.clientHeight - THUMB)}px)`;
  const at = timeAt(place);
  bar.setAttribute("aria-valuenow", String(Math.round(place * 100)));
  bar.setAttribute("aria-valuetext", `${dayAndMonth(moment(at))} ${exactTime(moment(at))}`);
}

/** @param {number} share Goes there: while one is asked for, only the last one after it counts. */
async function goTo(share) {
  next = Math.min(1, Math.max(0, share));
  if (isAsking) return;
  isAsking = true;
  while (next !== null) {
    const now = next;
    next = null;
    if (now >= 1 && view().bounds.until === null) await follow();
    else await source.jump(timeAt(now));
  }
  isAsking = false;
}

/** @param {PointerEvent} event */
function share({ clientY, currentTarget }) {
  const { top, height } = /** @type {HTMLElement} */ (currentTarget).getBoundingClientRect();
  return (clientY - top - THUMB / 2) / (height - THUMB);
}

/** @param {PointerEvent} event */
function pressed(event) {
  if (event.button) return;
  /** @type {HTMLElement} */ (event.currentTarget).setPointerCapture(event.pointerId);
  goTo(share(event));
}

/** @param {PointerEvent} event */
const moved = (event) => event.buttons & 1 && goTo(share(event));

/** @param {KeyboardEvent} event */
function typed(event) {
  /** @type {Record<string, number>} */
  const to = { ArrowUp: place - STEP, ArrowDown: place + STEP, PageUp: place - 5 * STEP, PageDown: place + 5 * STEP, Home: 0, End: 1 };
  const found = to[event.key];
  if (found === undefined) return;
  event.preventDefault();
  event.stopPropagation();
  goTo(found);
}

export function timeBar() {
  const { begin, end } = ends();
  return html`
    <div id="log-bar" class="log-bar" role="scrollbar" tabindex="0" aria-orientation="vertical" aria-controls="log-list"
      aria-label=${t("Time")} aria-valuemin="0" aria-valuemax="100" aria-valuenow="100"
      title=${end > begin ? t("Drag to go to another time") : nothing}
      @pointerdown=${pressed} @pointermove=${moved} @keydown=${typed}><i></i></div>`;
}

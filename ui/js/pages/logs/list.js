// @ts-check
/**
 * The list of lines. Only those that are seen are drawn, so that thousands a second cost no more
 * than a few. Its box is scrolled from its lower edge, so that it stays there while lines come.
 */
import { html, nothing } from "../../../vendor/lit-html/lit-html.js";
import { hueStyle } from "../../components/tile.js";
import { clock } from "../../format.js";
import { mark, t } from "../../i18n.js";
import { slice } from "../../store.js";
import { lines, redraw } from "./stream.js";
import { shownText } from "./text.js";

/**
 * @import { Level } from "../../contract.d.ts"
 * @import { Filter, Line } from "./lines.js"
 */

const ROW = 22;
/** Rows beyond the edges, which are there when they are scrolled to. */
const BEYOND = 12;
/** With line breaks, rows have no known height: all are drawn, so that there can't be as many. */
const MOST_WRAPPED = 500;

/** @type {Record<Level, {short: string, word: string}>} */
export const LEVEL_WORDS = {
  error: { short: "ERR", word: mark("Error") },
  warn: { short: "WARN", word: mark("Warning") },
  info: { short: "INFO", word: mark("Info") },
  debug: { short: "DBG", word: mark("Debug") },
  unknown: { short: "", word: mark("No level") },
};

const own = slice({
  /** Pixels from the lower edge. */
  distance: 0,
  /** @type {Line|null} */
  chosen: null,
});
/** It was paused by scrolling, so that scrolling back follows again. */
let isScrolledAway = false;

export const chosenLine = () => own.get().chosen;

/** @param {Line|null} line */
export const choose = (line) => own.set({ chosen: line });

export function pause() {
  isScrolledAway = false;
  lines.pause();
  redraw();
}

export function follow() {
  lines.follow();
  document.querySelector(".logbox")?.scrollTo(0, 0);
  own.set({ distance: 0 });
}

/** @param {Event} event */
function scrolled({ currentTarget }) {
  const distance = Math.max(0, -Math.round(/** @type {Element} */ (currentTarget).scrollTop));
  if (distance > 4 && !lines.isPaused) {
    isScrolledAway = true;
    lines.pause();
  } else if (distance <= 4 && isScrolledAway) {
    isScrolledAway = false;
    lines.follow();
  }
  own.set({ distance });
}

/** @param {Filter} filter @param {boolean} isWrapped @param {string|null} name of the module, which goes without saying */
export function logList(filter, isWrapped, name) {
  const { shown } = lines;
  /** @param {Line} line */
  const drawn = (line) => row(line, filter, name ? line.service : sourceOf(line));
  return html`
    <div class="logbox" tabindex="0" role="log" aria-live="off" aria-label=${t("Log lines")} @scroll=${scrolled}>
      ${isWrapped ? wrapped(shown.slice(-MOST_WRAPPED), drawn) : windowed(shown, drawn)}
    </div>`;
}

/** @param {Line[]} shown @param {(line: Line) => unknown} drawn */
const wrapped = (shown, drawn) => html`<div class="loglist wrapped">${shown.map(drawn)}</div>`;

/** @param {Line[]} shown @param {(line: Line) => unknown} drawn */
function windowed(shown, drawn) {
  const below = Math.max(0, Math.floor(own.get().distance / ROW) - BEYOND);
  const end = Math.max(0, shown.length - below);
  const begin = Math.max(0, end - Math.ceil(innerHeight / ROW) - 2 * BEYOND);
  return html`
    <div class="loglist" .style=${`height: ${shown.length * ROW}px; padding-top: ${begin * ROW}px`}>
      ${shown.slice(begin, end).map(drawn)}
    </div>`;
}

/** @param {Line} line @param {Filter} filter @param {string} source */
const row = (line, filter, source) => html`
  <div class="ll ${line.level} ${line.id === own.get().chosen?.id ? "sel" : ""}" .style=${hueStyle(line.module)}
    @click=${() => choose(line)}>
    <time>${line.time ? clock(line.time) : nothing}</time><span class="svc">${source}</span>
    ${levelTag(line)}<span class="said">${shownText(line.text, filter)}</span>
  </div>`;

/** @param {Line} line */
const levelTag = ({ level, continues }) => html`
  <span>${continues || level === "unknown" ? nothing : html`<span class="lv ${level}">${LEVEL_WORDS[level].short}</span>`}</span>`;

/** @param {{module: string, service: string}} line */
export const sourceOf = ({ module, service }) => (module === service ? module : `${module}/${service}`);

/** @param {number} step Chooses the next line, or the one before. */
export function chooseNext(step) {
  const at = lines.shown.findIndex(({ id }) => id === own.get().chosen?.id);
  const next = lines.shown[at < 0 ? lines.shown.length - 1 : at + step];
  if (!next) return;
  if (!lines.isPaused) pause();
  choose(next);
  reveal(lines.shown.indexOf(next));
}

/** @param {number} at */
function reveal(at) {
  const box = document.querySelector(".logbox");
  const chosen = box?.querySelector(".sel");
  if (chosen) chosen.scrollIntoView({ block: "nearest" });
  const distance = (lines.shown.length - 1 - at) * ROW;
  const { distance: bottom } = own.get();
  const height = box?.clientHeight ?? 0;
  if (distance < bottom) box?.scrollTo(0, -distance);
  else if (distance + ROW > bottom + height) box?.scrollTo(0, height - distance - ROW);
}

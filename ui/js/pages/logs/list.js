// @ts-check
/**
 * The list of lines. Only the rows that are seen are in the page, however many lines there are. It
 * is drawn by itself: a wheel that turns does not draw the rest of the page.
 */
import { repeat } from "../../../vendor/lit-html/directives/repeat.js";
import { render } from "../../../vendor/lit-html/lit-html.js";
import { t } from "../../base/i18n.js";
import { current, update } from "../../base/store.js";
import { placeThumb } from "./bar.js";
import { ROW, edges, rowAt, seen } from "./model/heights.js";
import { placesOf } from "./model/pattern.js";
import { rowsOf } from "./model/rows.js";
import { idOf, shownRow } from "./row.js";
import { source, view } from "./state.js";

/**
 * @import { Line } from "./model/chunk.js"
 * @import { AnyRow } from "./row.js"
 */

/** Rows beyond what is seen, and rows from an edge at which more are asked for. */
const BEYOND = 10;
const NEAR = 60;
/** Heights that are kept: of lines that are far away, they are no longer needed. */
const MOST_MEASURED = 20_000;

const box = document.createElement("div");
const holder = box.appendChild(document.createElement("div"));
const block = holder.appendChild(document.createElement("div"));
box.className = "logbox";
holder.className = "loglist";
block.className = "logrows";
box.id = "log-list";
box.tabIndex = 0;
box.setAttribute("role", "listbox");

/** @type {AnyRow[]} */
let rows = [];
let all = edges([], new Map());
let foldedChecks = 0;
/** @type {Map<string, number>} */
const measured = new Map();
/** @type {Set<string>} */
const toggled = new Set();
let active = "";
let isWrapped = false;
/** It was paused by scrolling, so that scrolling back follows again. */
let isScrolledAway = false;
/** What the rows were made of. */
let made = "";
let shown = source.chunk;
/** The first row that is seen, and where it is: what is looked at does not move. */
let anchor = { key: "", time: 0, offset: 0 };
/** Where the list is, and how high: asking the browser in between would have it lay out the page. */
let top = 0;
let height = 0;
/** The place of the first row that is drawn. */
let shownFrom = 0;
let isDue = false;

new ResizeObserver(([entry]) => {
  height = entry?.contentRect.height ?? 0;
  measured.clear();
  made = "";
  schedule();
}).observe(box);
box.addEventListener("scroll", scrolled);

/** The list, for a template: it is drawn when that is in the page. @param {boolean} wrapped */
export function logList(wrapped) {
  if (wrapped !== isWrapped) measured.clear();
  isWrapped = wrapped;
  box.classList.toggle("wrapped", wrapped);
  box.setAttribute("aria-label", t("Log lines"));
  queueMicrotask(draw);
  return box;
}

export const rowOf = (/** @type {string} */ key) => rows.find((row) => row.key === key);
export const activeRow = () => rowOf(active);
export const rowCount = () => rows.length;
/** How many health checks are folded in the rows. */
export const foldedCheckCount = () => foldedChecks;

/** The list was elsewhere, and is at its beginning then. */
export function forget() {
  made = active = "";
  rows = [];
  top = 0;
  toggled.clear();
}

function schedule() {
  if (isDue) return;
  isDue = true;
  requestAnimationFrame(() => {
    isDue = false;
    draw();
  });
}

function scrolled() {
  const now = box.scrollTop;
  // A box that grew was not scrolled: it is drawn anew, and follows on.
  if (Math.abs(now - top) < 1 || box.clientHeight !== height) return;
  top = now;
  const isAtEnd = top + height >= (all.at(-1) ?? 0) - 4;
  if (source.isFollowing && !isAtEnd) {
    isScrolledAway = true;
    source.pause();
  } else if (!source.isFollowing && isAtEnd && isScrolledAway && !source.chunk.hasNewer) source.follow();
  keepAnchor();
  source.at = timeAtTop();
  schedule();
}

/** The time of the first row that is seen. */
export function timeAtTop() {
  const first = rowAt(all, top);
  for (let i = first; i < rows.length; i += 1) {
    const row = rows[i];
    if (row && "line" in row) return row.line.time;
  }
  return source.at;
}

function keepAnchor() {
  const place = rowAt(all, top);
  anchor = { key: rows[place]?.key ?? "", time: timeAtTop(), offset: (all[place] ?? 0) - top };
}

function draw() {
  if (!box.isConnected) return;
  if (source.isFollowing) isScrolledAway = false;
  settle(remade());
  show();
  if (isWrapped && measure()) {
    settle(source.isFollowing ? Infinity : anchored());
    show();
  }
  if (Math.abs(box.scrollTop - top) >= 1) box.scrollTop = top; // At last, so that the browser lays out once.
  const { begin, end } = seen(all, top, height, BEYOND);
  const near = source.isFull ? Math.min(NEAR, (rows.length - (end - begin)) / 2) : NEAR;
  if (begin < near) source.more("older");
  if (end > rows.length - near) source.more("newer");
  placeThumb(rows.length ? timeAtTop() : null);
}

/** Draws the rows that are seen. */
function show() {
  const { begin, end } = seen(all, top, height, BEYOND);
  const { pattern, wanted, hit } = view();
  const look = { pattern, active, hit: hit?.cursor ?? "", chosen: wanted.line, isOfOneModule: current().address.page === "modules" };
  // While lines come, all of them are others each time: then rows are used again.
  const { isFollowing } = source;
  render(repeat(rows.slice(begin, end), (row, i) => (isFollowing ? i : row.key), (row) => shownRow(row, look)), block);
  holder.style.height = `${all.at(-1) ?? 0}px`;
  block.style.transform = `translateY(${all[begin] ?? 0}px)`;
  const id = rows.slice(begin, end).some(({ key }) => key === active) ? idOf(active) : null;
  if (id === null) box.removeAttribute("aria-activedescendant");
  else if (box.getAttribute("aria-activedescendant") !== id) box.setAttribute("aria-activedescendant", id);
  shownFrom = begin;
}

/** Makes the rows anew where lines changed. @returns {number} where the list has to be then */
function remade() {
  const { chunk } = source;
  const { range, wanted, pattern } = view();
  const { from, until, search, hasChecks } = wanted;
  const now = [chunk.version, chunk.hasOlder, toggled.size, [...toggled].at(-1), range, from, until, hasChecks, search.text, pattern].join();
  const isOther = chunk !== shown;
  if (now !== made || isOther) {
    made = now;
    shown = chunk;
    if (measured.size > MOST_MEASURED) measured.clear();
    rows = rowsOf(chunk.lines, chunk.gaps.values(), toggled, isFolded);
    if (rows.length && !chunk.hasOlder && from === null && until === null) rows.unshift({ kind: "begin", key: "begin", range });
    all = edges(rows, measured);
    countChecks();
    if (source.isFollowing) return Infinity;
    return isOther ? placeOf(source.at) : anchored();
  }
  return source.isFollowing ? Infinity : top;
}

function countChecks() {
  const before = foldedChecks;
  foldedChecks = rows.reduce((sum, row) => sum + (row.kind === "checks" ? row.count : 0), 0);
  if (foldedChecks !== before) update({}); // the page tells it, too
}

/** @param {Line} line A health check, unless it was searched. */
function isFolded({ isCheck, text }) {
  if (!isCheck) return false;
  const { wanted: { hasChecks, search }, pattern } = view();
  if (hasChecks) return false;
  return pattern ? !placesOf(text, pattern).length : !search.text;
}

/** @param {number} time Its row, a third below the upper edge. */
function placeOf(time) {
  const place = rows.findIndex((row) => "line" in row && row.line.time >= time);
  return (all[place < 0 ? rows.length : place] ?? 0) - Math.floor(height / 3 / ROW) * ROW;
}

function anchored() {
  const own = rows.findIndex(({ key }) => key === anchor.key);
  const place = own < 0 ? rows.findIndex((row) => "line" in row && row.line.time >= anchor.time) : own;
  return place < 0 ? top : (all[place] ?? 0) - anchor.offset;
}

/** @param {number} wanted Lets the list be there, as far as it can. */
function settle(wanted) {
  top = Math.round(Math.max(0, Math.min(wanted, (all.at(-1) ?? 0) - height)));
  keepAnchor();
}

/** Whether rows have other heights than was known. */
function measure() {
  let isOther = false;
  [...block.children].forEach((element, i) => {
    const key = rows[shownFrom + i]?.key ?? "";
    const own = /** @type {HTMLElement} */ (element).offsetHeight;
    if ((measured.get(key) ?? ROW) === own) return;
    measured.set(key, own);
    isOther = true;
  });
  if (isOther) all = edges(rows, measured);
  return isOther;
}

/** @param {string} key Opens or folds what a row stands for. */
export function toggle(key) {
  if (!toggled.delete(key)) toggled.add(key);
  made = "";
  schedule();
}

/** @param {string} key @param {boolean} [isHit] of a search */
export function activate(key, isHit = false) {
  if (isHit) unfold(key);
  active = key;
  const place = rows.findIndex((row) => row.key === key);
  if (place >= 0) reveal(all[place] ?? 0, all[place + 1] ?? 0);
  schedule();
}

/** @param {string} cursor Opens what its line is folded in, from the outside inwards. */
function unfold(cursor) {
  for (;;) {
    settle(remade());
    if (rowOf(cursor)) return;
    const outer = rows.find((row) => "inner" in row && !row.isOpen && row.inner.some((line) => line.cursor === cursor));
    if (!outer) return;
    toggle(outer.key);
  }
}

/** @param {number} upper @param {number} lower */
function reveal(upper, lower) {
  if (upper >= top && lower <= top + height) return;
  if (source.isFollowing) source.pause();
  settle(upper < top ? upper - ROW : lower - height + ROW);
}

/** @param {1|-1} step @returns {AnyRow|undefined} the row beside the active one, which is active then */
export function step(step) {
  const at = rows.findIndex(({ key }) => key === active);
  const { begin, end } = seen(all, top, height, 0);
  const row = rows[at < 0 ? (step > 0 ? begin : end - 1) : at + step];
  if (row) activate(row.key);
  return row;
}

/** Puts the focus on the list. */
export const focusList = () => box.focus({ preventScroll: true });


export { box as listBox };

// @ts-check
/** One row of the list. */
import { html, nothing } from "../../../vendor/lit-html/lit-html.js";
import { clock, day, duration, exactTime, number } from "../../base/format.js";
import { t, tn } from "../../base/i18n.js";
import { icon } from "../../components/icon.js";
import { hueStyle } from "../../components/tile.js";
import { said } from "./text.js";
import { LEVEL_WORDS, RANGE_WORDS, levelWord, moment, sourceOf } from "./words.js";

/**
 * @import { ChecksRow, FoldRow, LineRow, Row, SameRow } from "./model/rows.js"
 * @typedef {{kind: "begin", key: string, range: string}} BeginRow where there is nothing before
 * @typedef {Row|BeginRow} AnyRow
 * @typedef {{pattern: RegExp|null, active: string, chosen: string, isOfOneModule: boolean, hit: string}} Look
 *   `active`, `chosen`, `hit`: keys of rows
 */

/** @param {string} key */
export const idOf = (key) => `log-${key.replace(/[^\w.-]/g, "_")}`;

/** @param {AnyRow} row @param {Look} look */
export function shownRow(row, look) {
  const isActive = row.key === look.active;
  const classes = [ofKind(row), isActive && "active", row.key === look.chosen && "sel", row.key === look.hit && "hit"].filter(Boolean).join(" ");
  return html`
    <div class=${classes} id=${idOf(row.key)} role="option" aria-selected=${isActive} aria-label=${nameOf(row) ?? nothing}
      aria-description=${foldState(row) ?? nothing} .style=${"line" in row ? hueStyle(row.line.module) : ""} data-key=${row.key}>${content(row, look)}</div>`;
}

/** @param {AnyRow} row */
function ofKind(row) {
  if (row.kind === "line") return `ll ${row.line.level}`;
  if (row.kind === "part") return `trace ${row.line.level}`;
  if (row.kind === "fold") return `trace fold ${row.line.level}`;
  return `between ${row.kind}`;
}

/** @param {AnyRow} row An option of a list can't be expanded, so words say it. */
function foldState(row) {
  if (row.kind === "checks") return t("folded");
  const canFold = row.kind === "fold" || row.kind === "same" || (row.kind === "line" && row.inner.length);
  if (!canFold) return null;
  return row.isOpen ? t("unfolded") : t("folded");
}

/** @param {AnyRow} row Its text is its name, if it has one. */
const nameOf = (row) => (row.kind === "part" && !row.line.text.trim() ? t("Empty line") : null);

/** @param {AnyRow} row @param {Look} look */
function content(row, look) {
  switch (row.kind) {
    case "line": return line(row, look);
    case "part": return html`<span class="said">${said(row.line, look.pattern)}</span>`;
    case "fold": return html`<span class="said">${icon(row.isOpen ? "chevron-down" : "chevron-right", "s12")}${folded(row)}</span>`;
    case "same": return html`<span>${same(row)}</span>`;
    case "checks": return html`<span>${checks(row)} · <b class="link">${t("Show")}</b></span>`;
    case "gap": return html`<span>${gap(row.gap)} · <b class="link">${t("Let modules keep more")}</b></span>`;
    case "day": return html`<span>${day(moment(row.time))}</span>`;
    case "begin": return html`<span>${t(RANGE_WORDS[row.range]?.of ?? "")}${more(row.range)}</span>`;
  }
}

/** @param {LineRow} row @param {Look} look */
function line({ line: one, inner: { length: count }, isOpen }, { pattern, isOfOneModule }) {
  const { level, continues } = one;
  return html`
    <time>${clock(moment(one.time))}</time><span class="svc">${isOfOneModule ? one.service : source(one)}</span>
    <span>${level === "unknown" || continues ? nothing : html`<span class="lv ${level}" role="img" aria-label=${levelWord(level)}>${LEVEL_WORDS[level].short}</span>`}</span>
    <span class="text-cell"><span class="said">${said(one, pattern)}</span>${count ? html`<span class="more" data-toggle>${icon(isOpen ? "chevron-down" : "chevron-right", "s12")}${
      tn("{number} line", "{number} lines", count, { number: number(count) })}</span>` : nothing}</span>`;
}

/** @param {LineRow["line"]} line Its module's part of the name goes where there is no room. */
function source(line) {
  const name = sourceOf(line);
  const begin = name.indexOf("/") + 1;
  return html`<span class="of">${name.slice(0, begin)}</span>${name.slice(begin)}`;
}

/** @param {FoldRow} row */
const folded = ({ count, isOfFrames }) => isOfFrames
  ? tn("{number} frame in libraries", "{number} frames in libraries", count, { number: number(count) })
  : tn("{number} more line", "{number} more lines", count, { number: number(count) });

/** @param {SameRow} row */
function same({ inner, seconds, isOpen }) {
  const values = { count: number(inner.length), time: duration(seconds) };
  if (isOpen) return t("Fold the {count} equal lines", values);
  return seconds < 0.05 ? t("same line {count} times", values) : t("same line {count} times in {time}", values);
}

/** @param {ChecksRow} row */
const checks = ({ count }) => tn("{number} health check", "{number} health checks", count, { number: number(count) });

/** @param {{module: string, service: string, begin: number, end: number}} gap */
const gap = (gap) => t("Lines of {source} are missing from {begin} to {end}", {
  source: sourceOf(gap), begin: exactTime(moment(gap.begin)), end: exactTime(moment(gap.end)),
});

/** @param {string} range */
const more = (range) => (RANGE_WORDS[range]?.more ? html` · <b class="link">${t(RANGE_WORDS[range].more)}</b>` : nothing);

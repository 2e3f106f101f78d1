// @ts-check
/** The time that is shown: a range until now, or one that was zoomed to. All of it is in the address. */
import { html, nothing } from "../../../vendor/lit-html/lit-html.js";
import { setQuery } from "../../base/address.js";
import { dayAndMonth } from "../../base/format.js";
import { t } from "../../base/i18n.js";
import { current } from "../../base/store.js";
import { button } from "../../components/button.js";
import { timeAt } from "../../components/chart.js";
import { icon } from "../../components/icon.js";
import { moveAlong } from "../../components/tabs.js";
import { RANGES, isUsageLive, isUsageLoaded, isUsageLoading, knownRange, rangeIn, rememberRange, usage, zoomIn } from "./history.js";

const DAY = 86_400;

/** Shorter than this, there is nothing to see. */
const LEAST_SECONDS = 60;

/** @param {keyof typeof RANGES} range */
function rangeText(range) {
  const count = parseInt(range, 10);
  if (range.endsWith("m")) return t("{minutes} min", { minutes: count });
  return range.endsWith("h") ? t("{count} h", { count }) : t("{count} d", { count });
}

export function rangeButtons() {
  const { query } = current().address;
  const [chosen, zoomed] = [rangeIn(query), zoomIn(query)];
  const checked = zoomed ? null : isUsageLoaded() ? chosen : knownRange(query);
  return html`
    ${isUsageLoading() ? html`<span class="range-loading" role="status" aria-label=${t("Loading…")}>${icon("loader-circle", "turn s14")}</span>` : nothing}
    ${zoomed ? button({ text: zoomText(zoomed), icon: "x", kind: "tonal", name: t("Back to {range}", { range: rangeText(chosen) }), run: unzoom }) : nothing}
    <span class="seg" role="radiogroup" aria-label=${t("Time range")} @keydown=${moveAlong}>
      ${names().map((name) => html`
        <button type="button" role="radio" class="num" aria-checked=${name === checked}
          @click=${() => choose(name)}>${rangeText(name)}</button>`)}
    </span>`;
}

/** @param {keyof typeof RANGES} range */
function choose(range) {
  rememberRange(range);
  setQuery({ range, from: "", to: "" });
}

const names = () => /** @type {(keyof typeof RANGES)[]} */ (Object.keys(RANGES));

/** @param {{begin: number, end: number}} zoomed */
function zoomText({ begin, end }) {
  const times = t("{begin} – {end}", { begin: timeAt(begin), end: timeAt(end) });
  const isToday = Date.now() / 1000 - begin < DAY / 2;
  return isToday ? times : `${dayAndMonth(new Date(begin * 1000).toISOString())}, ${times}`;
}

/** @param {number} begin @param {number} end */
function zoom(begin, end) {
  if (end - begin >= LEAST_SECONDS) setQuery({ from: String(Math.round(begin)), to: String(Math.round(end)) });
}

function unzoom() {
  setQuery({ from: "", to: "" });
}

/** What all charts have in common. */
export function plotRange() {
  const { times, interval, marks } = usage();
  const zoomed = zoomIn(current().address.query);
  const end = zoomed?.end ?? (isUsageLive() ? (times.at(-1) ?? 0) + interval / 2 : Date.now() / 1000);
  return {
    begin: zoomed?.begin ?? Math.max(times[0] ?? 0, end - RANGES[rangeIn(current().address.query)]),
    end, zoom, unzoom, marks: drawnMarks(marks),
  };
}

/** @type {{of: unknown, made: {time: number, isBad: boolean}[]}} */
let last = { of: null, made: [] };

/** @param {import("../../contract.d.ts").Mark[]} marks Made once for each change. */
function drawnMarks(marks) {
  if (last.of !== marks) last = { of: marks, made: marks.map(({ time, kind }) => ({ time, isBad: kind !== "operation" })) };
  return last.made;
}

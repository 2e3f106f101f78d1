// @ts-check
/** The values of the charts as a table, with what happened. */
import { html, nothing } from "../../../vendor/lit-html/lit-html.js";
import { dayAndMonth } from "../../base/format.js";
import { t } from "../../base/i18n.js";
import { timeAt } from "../../components/chart.js";
import { measures } from "./by_part.js";
import { usage } from "./history.js";
import { markLinks } from "./marks.js";
import { MEASURES, told, valuesOf } from "./measures.js";

/**
 * @import { Engine, Mark, Series } from "../../contract.d.ts"
 * @import { Measure } from "./measures.js"
 * @import { Part } from "./parts.js"
 */

/** More of them nobody reads. */
const MOST_ROWS = 60;
const DAY = 86_400;

/** @param {Series} whole of all `parts` @param {Part[]} parts @param {Engine} engine @param {Measure} measure @param {(measure: Measure) => void} choose */
export function valueTable(whole, parts, engine, measure, choose) {
  const { times, interval } = usage();
  const step = Math.max(1, Math.ceil(times.length / MOST_ROWS));
  const places = times.map((_, i) => i).filter((i) => (times.length - 1 - i) % step === 0).reverse();
  const columns = [{ title: t("All"), series: whole }, ...parts];
  const isLong = (times.at(-1) ?? 0) - (times[0] ?? 0) > DAY;
  return html`
    <section class="card">
      <div class="card-head"><h2 class="h3">${t(MEASURES[measure])}</h2>${measures(measure, choose)}</div>
      <div class="tablehold" role="region" aria-label=${t("Values over time")} tabindex="0">
      <table class="table">
        <thead><tr><th scope="col">${t("Time")}</th>${columns.map(({ title }) => html`<th scope="col" class="r">${title}</th>`)}
          <th scope="col">${t("Events")}</th></tr></thead>
        <tbody>${places.map((i) => html`<tr><th scope="row" class="num">${momentAt(times[i] ?? 0, isLong, step * interval)}</th>${columns.map(({ series }) => html`
          <td class="r">${shown(valuesOf(series, measure)[i], (value) => told(measure, value, engine.cpus ?? 1))}</td>`)}
          <td>${markLinks(between(times[i - step] ?? 0, times[i] ?? 0, i === times.length - 1 ? interval : 0)) ?? nothing}</td></tr>`)}</tbody>
      </table>
    </div></section>`;
}

/** @param {number} time @param {boolean} isLong @param {number} step */
const momentAt = (time, isLong, step) => (isLong ? `${dayAndMonth(new Date(time * 1000).toISOString())}, ${timeAt(time)}` : timeAt(time, step));

/** @param {number} begin @param {number} end @param {number} more @returns {Mark[]} */
const between = (begin, end, more) => usage().marks.filter(({ time }) => time > begin && time <= end + more);

/** @param {number|null|undefined} value @param {(value: number) => string} format */
const shown = (value, format) => (value === null || value === undefined ? "–" : format(value));

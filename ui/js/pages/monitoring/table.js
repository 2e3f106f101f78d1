// @ts-check
/** The values of the charts as a table, minute by minute, and as CSV. */
import { html } from "../../../vendor/lit-html/lit-html.js";
import { timeAt } from "../../components/chart.js";
import { bytes, percent } from "../../format.js";
import { t } from "../../i18n.js";

/**
 * @import { Engine, StatsHistory } from "../../contract.d.ts"
 * @import { Part } from "./panel.js"
 */

/** @param {StatsHistory} history @param {Part[]} parts @param {Engine} engine */
export function valueTable({ times, interval, total }, parts, { cpus }) {
  const step = Math.max(1, Math.round(60 / interval));
  const places = times.map((_, i) => i).filter((i) => (times.length - 1 - i) % step === 0).reverse();
  const columns = [{ title: t("All"), series: total }, ...parts];
  return html`
    <section class="card"><div class="tablehold" role="region" aria-label=${t("CPU and memory by minute")} tabindex="0">
      <table class="table">
        <thead>
          <tr><th scope="col" rowspan="2">${t("Time")}</th>${columns.map(({ title }) => html`<th scope="colgroup" colspan="2">${title}</th>`)}</tr>
          <tr>${columns.map(() => html`<th scope="col" class="r">${t("CPU")}</th><th scope="col" class="r">${t("Memory")}</th>`)}</tr>
        </thead>
        <tbody>${places.map((i) => html`<tr><th scope="row" class="num">${timeAt(times[i] ?? 0)}</th>${columns.map(({ series }) => html`
          <td class="r">${shown(series.cpu[i], (value) => percent(value / 100 / (cpus ?? 1)))}</td><td class="r">${shown(series.memory[i], bytes)}</td>`)}</tr>`)}</tbody>
      </table>
    </div></section>`;
}

/** @param {number|null|undefined} value @param {(value: number) => string} format */
const shown = (value, format) => (value === null || value === undefined ? "–" : format(value));

/** @param {StatsHistory} history @param {Part[]} parts CPU in percent of one processor, memory in bytes. */
export function asCsv({ times, total }, parts) {
  const columns = [{ title: "total", series: total }, ...parts];
  const head = ["time", ...columns.flatMap(({ title }) => [`${title} cpu %`, `${title} memory B`])];
  const rows = times.map((time, i) => [
    new Date(time * 1000).toISOString(),
    ...columns.flatMap(({ series }) => [series.cpu[i] ?? "", series.memory[i] ?? ""]),
  ]);
  return [head, ...rows].map((row) => row.map(quoted).join(",")).join("\n");
}

/** @param {string|number} value */
const quoted = (value) => (/[",\n]/.test(String(value)) ? `"${String(value).replaceAll('"', '""')}"` : value);

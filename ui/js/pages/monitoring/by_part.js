// @ts-check
/** Who uses what: areas on top of each other, and a row for each. */
import { html, nothing } from "../../../vendor/lit-html/lit-html.js";
import { repeat } from "../../../vendor/lit-html/directives/repeat.js";
import { chart, chosenTime } from "../../components/chart.js";
import { meter } from "../../components/meter.js";
import { spark } from "../../components/spark.js";
import { bytes, gigabytes, labelled, percent } from "../../format.js";
import { t } from "../../i18n.js";
import { FIELDS } from "./seconds.js";

/**
 * @import { Engine, Series } from "../../contract.d.ts"
 * @import { Measure, Part } from "./panel.js"
 */

/** More of them can't be told apart. */
const MOST_AREAS = 11;

/**
 * @param {{parts: Part[], times: number[], engine: Engine, measure: Measure, title: string,
 *   choose: (measure: Measure) => void, at: string}} options `at`: the time whose values are shown
 */
export function byPart({ parts, times, engine, measure, title, choose, at }) {
  const cpus = engine.cpus ?? 1;
  const unit = measure === "cpu" ? 100 * cpus : 1024 ** 3;
  const series = areas(parts).map((part) => ({
    name: part.title, colour: part.colour,
    values: part.series[measure].map((value) => (value === null ? null : value / unit)),
  }));
  const sums = times.map((_, i) => series.reduce((sum, { values }) => sum + (values[i] ?? 0), 0));
  const most = Math.max(measure === "cpu" ? 0.02 : 0.1, ...sums);
  return html`
    <section class="card">
      <div class="card-head"><h2 class="h3">${title}</h2>
        <span class="seg" role="radiogroup" aria-label=${t("Measure")}>
          ${choice("cpu", t("CPU"), measure, choose)} ${choice("memory", t("Memory"), measure, choose)}</span>
        <span class="grow"></span><span class="small muted num">${at}</span></div>
      <div class="pair">
        ${chart({
          label: `${title}: ${measure === "cpu" ? t("CPU") : t("Memory")}`, times, series, max: most * 1.15, height: 240, isStacked: true,
          format: measure === "cpu" ? percent : (value) => gigabytes(value * 1024 ** 3),
        })}
        <table class="table mini">
          <thead><tr><th scope="col">${t("Name")}</th><th scope="col" class="r">${t("CPU")}</th><th aria-hidden="true"></th>
            <th scope="col" class="r">${t("Memory")}</th><th scope="col">${t("of its limit")}</th></tr></thead>
          <tbody>${repeat(parts, ({ key }) => key, (part) => row(part, chosenTime(times), cpus))}</tbody>
        </table>
      </div>
    </section>`;
}

/** @param {Part[]} parts Those that use least are one area. @returns {Part[]} */
function areas(parts) {
  if (parts.length <= MOST_AREAS + 1) return parts;
  const rest = parts.slice(MOST_AREAS);
  /** @param {keyof Series} measure */
  const sum = (measure) => (rest[0]?.series[measure] ?? []).map((_, i) =>
    rest.reduce((all, { series }) => all + (series[measure][i] ?? 0), 0));
  const others = /** @type {Series} */ (/** @type {unknown} */ (Object.fromEntries(FIELDS.map((field) => [field, sum(field)]))));
  return [...parts.slice(0, MOST_AREAS), { key: "", title: t("Others"), colour: "var(--idle)", limit: null, href: null, series: others }];
}

/** @param {Measure} value @param {string} text @param {Measure} chosen @param {(measure: Measure) => void} choose */
const choice = (value, text, chosen, choose) => html`
  <button type="button" role="radio" aria-checked=${value === chosen} @click=${() => choose(value)}>${text}</button>`;

/** @param {Part} part @param {number} at @param {number} cpus */
function row({ title, colour, limit, href, series }, at, cpus) {
  const [cpu, memory] = [series.cpu[at] ?? null, series.memory[at] ?? null];
  const share = limit && memory !== null ? memory / limit : null;
  return html`
    <tr>
      <td .style=${`--hue: ${colour}`}><span class="row-flex"><i class="swatch"></i>${href ? html`<a class="cut" href=${href}>${title}</a>` : html`<span class="cut">${title}</span>`}</span></td>
      <td class="r">${cpu === null ? "–" : percent(cpu / 100 / cpus)}</td>
      <td class="sparkcell" aria-hidden="true">${spark(series.cpu, { colour, height: 18 })}</td>
      <td class="r">${memory === null ? "–" : bytes(memory)}</td>
      <td>${share !== null ? meter({ label: labelled(title, percent(share)), size: "thin", parts: [{ share, colour }] })
        : limit === null ? html`<span class="small faint">${t("no limit")}</span>` : nothing}</td>
    </tr>`;
}

// @ts-check
/** Who uses what: areas on top of each other, and a row for each. */
import { repeat } from "../../../vendor/lit-html/directives/repeat.js";
import { html, nothing } from "../../../vendor/lit-html/lit-html.js";
import { go } from "../../base/address.js";
import { bytes, labelled, percent, rate } from "../../base/format.js";
import { t } from "../../base/i18n.js";
import { chart, chosenTime } from "../../components/chart.js";
import { meter } from "../../components/meter.js";
import { spark } from "../../components/spark.js";
import { moveAlong } from "../../components/tabs.js";
import { axis, greatest, MEASURES, told, valuesOf } from "./measures.js";
import { areas, sumsOf } from "./parts.js";
import { plotRange } from "./range.js";

/**
 * @import { Engine } from "../../contract.d.ts"
 * @import { Measure } from "./measures.js"
 * @import { Part } from "./parts.js"
 */

/**
 * @param {{parts: Part[], times: number[], engine: Engine, measure: Measure, title: string,
 *   choose: (measure: Measure) => void, at: string}} options `at`: the time whose values are shown
 */
export function byPart({ parts, times, engine, measure, title, choose, at }) {
  const cpus = engine.cpus ?? 1;
  const shown = areas(t("Others"), parts);
  const sums = sumsOf(shown, measure);
  const place = chosenTime(times);
  const sum = shown.some(({ series }) => series.memory[place] != null) ? sums[place] : undefined;
  return html`
    <section class="card">
      <div class="card-head"><h2 class="h3">${title}</h2>${measures(measure, choose)}
        <span class="grow"></span>
        <span class="small muted num">${sum === undefined ? at : t("{time} · {value}", { time: at, value: told(measure, sum, cpus) })}</span></div>
      <div class="pair">
        ${chart({
          ...plotRange(), ...axis(measure, greatest(sums), cpus), times, height: 262, isStacked: true,
          label: `${title}: ${t(MEASURES[measure])}`,
          series: shown.map((part) => ({ name: part.title, colour: part.colour, values: valuesOf(part.series, measure) })),
        })}
        <table class="table mini">
          <thead><tr><th scope="col">${t("Name")}</th><th scope="col" class="r">${t("CPU")}</th><th aria-hidden="true"></th>
            <th scope="col" class="r">${t("Memory")}</th><th scope="col"><span class="unseen">${t("of its limit")}</span></th>
            <th scope="col" class="r">${measure === "network" ? t("Network") : t("Disk")}</th></tr></thead>
          <tbody>${repeat(parts, ({ key }) => key, (part) => row(part, place, cpus, measure))}</tbody>
        </table>
      </div>
    </section>`;
}

/** @param {Measure} chosen @param {(measure: Measure) => void} choose */
export const measures = (chosen, choose) => html`
  <span class="seg" role="radiogroup" aria-label=${t("Measure")} @keydown=${moveAlong}>
    ${Object.entries(MEASURES).map(([key, title]) => html`
      <button type="button" role="radio" aria-checked=${key === chosen}
        @click=${() => choose(/** @type {Measure} */ (key))}>${t(title)}</button>`)}
  </span>`;

/** @param {Part} part @param {number} at @param {number} cpus @param {Measure} measure */
function row({ title, colour, limit, href, isChosen, series }, at, cpus, measure) {
  const [cpu, memory] = [series.cpu[at] ?? null, series.memory[at] ?? null];
  const flow = valuesOf(series, measure === "network" ? "network" : "disk")[at] ?? null;
  const share = limit && memory !== null ? memory / limit : null;
  return html`
    <tr class=${isChosen ? "sel" : ""} @click=${(/** @type {MouseEvent} */ event) => href && open(event, href)}>
      <td .style=${`--hue: ${colour}`}><span class="row-flex"><i class="swatch"></i>${href
        ? html`<a class="cut" href=${href} aria-current=${isChosen ? "true" : nothing}>${title}</a>` : html`<span class="cut">${title}</span>`}</span></td>
      <td class="r">${cpu === null ? "–" : percent(cpu / 100 / cpus)}</td>
      <td class="sparkcell" aria-hidden="true">${spark(series.cpu, { colour, height: 18 })}</td>
      <td class="r">${memory === null ? "–" : bytes(memory)}</td>
      <td>${share !== null ? meter({ label: labelled(title, percent(share)), size: "thin", parts: [{ share, colour }] })
        : limit === null ? html`<span class="small faint">${t("no limit")}</span>` : nothing}</td>
      <td class="r muted">${flow === null ? "–" : rate(flow)}</td>
    </tr>`;
}

/** @param {MouseEvent} event @param {string} href The whole row does what its link does. */
function open({ target }, href) {
  if (target instanceof Element && !target.closest("a")) go(href.slice(1));
}

// @ts-check
/** Processor and memory over time: of everything by module, or of a module by service. */
import { html, nothing } from "../../../vendor/lit-html/lit-html.js";
import { button } from "../../components/button.js";
import { chart, chosenTime, isChosen, timeAt } from "../../components/chart.js";
import { copy } from "../../components/copy.js";
import { empty } from "../../components/notice.js";
import { hue } from "../../components/tile.js";
import { gigabytes, percent } from "../../format.js";
import { t, tn } from "../../i18n.js";
import { slice } from "../../store.js";
import { byPart } from "./by_part.js";
import { asCsv, valueTable } from "./table.js";
import { isUsageLoaded, usage } from "./history.js";

/**
 * @import { Engine, Module, Series } from "../../contract.d.ts"
 * @import { PageState } from "../../types.d.ts"
 * @typedef {{key: string, title: string, colour: string, limit: number|null, href: string|null, series: Series}} Part
 *   a module, or a service of one
 * @typedef {"cpu"|"memory"} Measure
 */

const own = slice({ isTable: false, measure: /** @type {Measure} */ ("memory") });

/** Colours of services, which have no hue of their own. */
const HUES = ["dify", "n8n", "oneapi", "ragflow", "ollama", "postgres", "redis", "mysql", "minio", "elasticsearch", "qdrant", "meilisearch"];

/** @param {PageState} page @param {Module|null} module @returns {Part[]} The one that uses most memory first. */
export function partsOf({ snapshot }, module) {
  const { modules, services } = usage();
  const parts = module
    ? services.map((series, i) => ({
        key: series.service, title: series.service, colour: `var(--m-${HUES[i % HUES.length]})`, series, href: null,
        limit: module.services.find(({ name }) => name === series.service)?.memoryLimit ?? null,
      }))
    : modules.map((series) => {
        const found = snapshot?.modules.find(({ name }) => name === series.module);
        return {
          key: series.module, title: found?.title ?? series.module, colour: hue(series.module), series,
          href: `#monitoring/${encodeURIComponent(series.module)}`, limit: found?.memoryLimit ?? null,
        };
      });
  const held = (/** @type {Part} */ { series }) => series.memory.findLast((value) => value !== null) ?? 0;
  return parts.sort((one, other) => held(other) - held(one));
}

/** Buttons for the head of the page. @param {Part[]} parts */
export const usageButtons = (parts) => html`
  ${button({
    text: t("Table"), icon: "table", kind: "quiet", pressed: own.get().isTable,
    run: () => own.set({ isTable: !own.get().isTable }),
  })}
  ${button({ text: t("Copy as CSV"), icon: "copy", iconOnly: true, run: () => copy(asCsv(usage(), parts)) })}`;

/** @param {PageState} page @param {Module|null} module @param {Part[]} parts */
export function usagePanel(page, module, parts) {
  const { times, total } = usage();
  const engine = page.snapshot?.engine;
  const isKnown = total.memory.some((value) => value !== null) && parts.length;
  if (!engine?.cpus || !engine.memory || !isKnown) return none(module);
  if (own.get().isTable) return valueTable(usage(), parts, engine);
  const series = module ? usage().modules[0] ?? total : total;
  return html`
    <div class="usages">${card("cpu", series, engine, module)} ${card("memory", series, engine, module)}</div>
    ${byPart({
      parts, times, engine, measure: own.get().measure, title: module ? t("By service") : t("By module"),
      choose: (measure) => own.set({ measure }), at: moment(times),
    })}`;
}

/** @param {Module|null} module */
function none(module) {
  if (!isUsageLoaded()) return html`<div class="skeleton"></div>`;
  return html`<div class="card">${empty({
    icon: "chart-area",
    title: module ? t("{name} isn't running", { name: module.title }) : t("Nothing is running"),
    text: t("CPU and memory of the last 30 minutes are shown here once something runs."),
  })}</div>`;
}

/** @param {number[]} times */
const moment = (times) => (isChosen(times) ? timeAt(times[chosenTime(times)] ?? 0) : t("now"));

/** @param {Measure} measure @param {Series} series @param {Engine} engine @param {Module|null} module */
function card(measure, series, engine, module) {
  const { times } = usage();
  const [cpus, size] = [engine.cpus ?? 1, engine.memory ?? 1];
  const isCpu = measure === "cpu";
  const values = isCpu ? series.cpu.map((value) => (value === null ? null : value / cpus / 100)) : series.memory;
  const value = values[chosenTime(times)] ?? null;
  const known = values.filter((one) => one !== null);
  const most = Math.max(0, ...known);
  const limit = module ? module.memoryLimit : size;
  const shown = (/** @type {number} */ one) => (isCpu ? percent(one) : t("{size} GB", { size: gigabytes(one) }));
  const title = isCpu ? t("CPU") : t("Memory");
  return html`
    <section class="card usage">
      <div class="stat-line"><h2 class="grow">${title}</h2><b>${value === null ? "–" : shown(value)}</b>
        <span>${isCpu ? tn("of {count} core", "of {count} cores", cpus) : limit ? t("of {size} GB", { size: gigabytes(limit) }) : nothing}</span></div>
      ${chart({
        label: t("{name} of the last 30 minutes: {value}, at most {most}", { name: title, value: value === null ? "–" : shown(value), most: shown(most) }),
        times, height: 124, max: isCpu ? Math.max(0.04, most * 1.2) : Math.max(limit ?? 0, most) / 1024 ** 3,
        format: isCpu ? (one) => percent(one) : (one) => gigabytes(one * 1024 ** 3),
        series: [{ name: title, colour: isCpu ? "var(--focus)" : "var(--m-oneapi)", values: isCpu ? values : values.map(inGb) }],
      })}
    </section>`;
}

const inGb = (/** @type {number|null} */ value) => (value === null ? null : value / 1024 ** 3);

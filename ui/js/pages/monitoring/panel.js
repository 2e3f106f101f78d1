// @ts-check
/** What is used over time: of everything by module, or of a module by service. */
import { html, nothing } from "../../../vendor/lit-html/lit-html.js";
import { dayAndMonth, timeAndDay } from "../../base/format.js";
import { t } from "../../base/i18n.js";
import { slice } from "../../base/store.js";
import { button } from "../../components/button.js";
import { chosenTime, isChosen, timeAt } from "../../components/chart.js";
import { empty, notice } from "../../components/notice.js";
import { byPart } from "./by_part.js";
import { cards } from "./cards.js";
import { saveCsv } from "./csv.js";
import { isUsageLive, isUsageLoaded, isUsageLoading, usage } from "./history.js";
import { markLinks, marksAt } from "./marks.js";
import { wholeOf } from "./parts.js";
import { storageCard } from "./storage.js";
import { valueTable } from "./table.js";

/**
 * @import { Engine, Module } from "../../contract.d.ts"
 * @import { PageState } from "../../types.d.ts"
 * @import { Measure } from "./measures.js"
 * @import { Part } from "./parts.js"
 */

const DAY = 86_400;

const own = slice({ isTable: false, measure: /** @type {Measure} */ ("memory") });

/** Buttons for the head of the page. @param {Module|null} module */
export const usageButtons = (module) => html`
  ${button({
    text: t("Table"), icon: "table", kind: "quiet", iconOnly: true, pressed: own.get().isTable,
    run: () => own.set({ isTable: !own.get().isTable }),
  })}
  ${button({ text: t("Download as CSV"), icon: "download", iconOnly: true, run: () => saveCsv(module?.name ?? null) })}`;

/** @param {PageState} page @param {Module|null} module @param {Part[]} parts */
export function usagePanel(page, module, parts) {
  const { times, total } = usage();
  const engine = page.snapshot?.engine;
  const { measure, isTable } = own.get();
  const choose = (/** @type {Measure} */ chosen) => own.set({ measure: chosen });
  if (!engine || !isUsageLoaded()) return html`<div class="skeleton"></div>`;
  const isKnown = parts.length && (module ? parts.some(({ series }) => hasValue(series.memory)) : hasValue(total.memory));
  if (!isKnown) return [offSince(engine, []), none(module)];
  if (isTable) return valueTable(wholeOf(module), parts, engine, measure, choose);
  return html`
    ${offSince(engine, times)}
    <div class="usages ${module ? "two" : ""}" aria-busy=${isUsageLoading()}>
      ${cards(engine, module, module ? nothing : storageCard())}
    </div>
    ${byPart({ parts, times, engine, measure, title: module ? t("By service") : t("By module"), choose, at: moment(times) })}
    <p class="happened small muted" aria-live="off">${isChosen(times) ? markLinks(marksAt(chosenTime(times), times)) : nothing}</p>`;
}

/** @param {(number|null)[]} values */
const hasValue = (values) => values.some((value) => value !== null);

/** @param {Module|null} module */
const none = (module) => html`<div class="card">${empty({
  icon: "chart-area",
  title: module ? t("{name} wasn't running", { name: module.title }) : t("Nothing was running"),
  text: t("CPU, memory, network and disk are shown here once something runs."),
})}</div>`;

/** @param {Engine} engine @param {number[]} times Since when there are no values. */
function offSince({ running, downSince }, times) {
  if (running) return nothing;
  const last = times.at(-1);
  const since = downSince ?? (last === undefined ? null : new Date(last * 1000).toISOString());
  return notice({
    icon: "unplug", title: t("Docker isn't running"),
    text: since ? t("There are no values since {time}.", { time: timeAndDay(since) }) : "",
  });
}

/** @param {number[]} times */
function moment(times) {
  if (!isChosen(times) && isUsageLive()) return t("now");
  const time = times[chosenTime(times)] ?? 0;
  const day = Date.now() / 1000 - time > DAY / 2 ? `${dayAndMonth(new Date(time * 1000).toISOString())}, ` : "";
  return t("at {time}", { time: `${day}${timeAt(time)}` });
}

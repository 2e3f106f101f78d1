// @ts-check
/** A card for each measure, with what is used at the time of the cursor. */
import { html, nothing } from "../../../vendor/lit-html/lit-html.js";
import { bytes, gigabytes, labelled, rate } from "../../base/format.js";
import { t, tn } from "../../base/i18n.js";
import { button } from "../../components/button.js";
import { chart, chosenTime } from "../../components/chart.js";
import { alertList } from "../alerts/alerts.js";
import { askForRule } from "../alerts/asking.js";
import { isUsageLive, usage } from "./history.js";
import { axis, greatest, told } from "./measures.js";
import { chosenSeries } from "./parts.js";
import { plotRange } from "./range.js";
import { freeMemory } from "./storage.js";

/**
 * @import { Engine, Module, Series } from "../../contract.d.ts"
 * @import { Line } from "../../components/chart.js"
 * @import { Measure, Values } from "./measures.js"
 */

/** Below this, means and peaks are the same but for what was watched every second. */
const LEAST_PEAK_SECONDS = 60;

const [CPU, MEMORY] = ["var(--focus)", "var(--hue-teal)"];
const [RX, TX] = ["var(--hue-sky)", "var(--hue-pink)"];
const [WRITE, READ] = ["var(--hue-violet)", "var(--hue-olive)"];

/** @param {Engine} engine @param {Module|null} module @param {unknown} third A card of another kind, in its place. */
export function cards(engine, module, third) {
  const { series, peaks: known, service } = chosenSeries(module);
  const peaks = known && usage().interval >= LEAST_PEAK_SECONDS ? known : null;
  const cpus = engine.cpus ?? 1;
  const now = (/** @type {Values} */ values) => values[chosenTime(usage().times)] ?? null;
  const flow = (/** @type {Values} */ values) => shown(now(values), rate);
  return [
    card({
      measure: "cpu", module, title: t("CPU"), cpus, value: shown(now(series.cpu), (value) => told("cpu", value, cpus)),
      more: tn("of {count} core", "of {count} cores", cpus), lines: line(t("CPU"), series.cpu, peaks?.cpu, CPU),
    }),
    memoryCard(engine, module, series, peaks, service),
    third,
    card({
      measure: "network", module, title: t("Network"), cpus, value: flow(series.rx),
      more: html`<span .style=${`color: ${RX}`}>↓</span> ${flow(series.tx)} <span .style=${`color: ${TX}`}>↑</span>`,
      name: t("{received} received, {sent} sent", { received: flow(series.rx), sent: flow(series.tx) }),
      lines: [{ name: t("Received"), values: series.rx, colour: RX }, { name: t("Sent"), values: series.tx, colour: TX, look: "line" }],
    }),
    card({
      measure: "disk", module, title: t("Disk"), cpus, value: flow(series.write),
      more: html`<span .style=${`color: ${WRITE}`}>${t("write")}</span> · ${flow(series.read)} <span .style=${`color: ${READ}`}>${t("read")}</span>`,
      name: t("{written} written, {read} read", { written: flow(series.write), read: flow(series.read) }),
      lines: [{ name: t("Written"), values: series.write, colour: WRITE }, { name: t("Read"), values: series.read, colour: READ, look: "line" }],
    }),
  ];
}

/** @param {Engine} engine @param {Module|null} module @param {Series} series @param {Series|null} peaks @param {string|null} service */
function memoryCard(engine, module, series, peaks, service) {
  const part = service ? module?.services.find(({ name }) => name === service) : module;
  const limit = module ? part?.memoryLimit ?? null : engine.memory;
  const value = series.memory[chosenTime(usage().times)] ?? null;
  return card({
    measure: "memory", module, title: t("Memory"), cpus: 1, value: shown(value, bytes),
    more: module || limit ? memoryLeft(limit, module || !isUsageLive() ? null : freeMemory()) : nothing, limit,
    // A limit is drawn where it is a setting, and not what the machine has.
    limitText: part && limit ? t("limit {size}", { size: bytes(limit) }) : null,
    lines: line(t("Memory"), series.memory, peaks?.memory, MEMORY),
  });
}

/** @param {number|null} limit @param {number|null} free on the machine */
function memoryLeft(limit, free) {
  if (!limit) return t("no limit");
  const size = gigabytes(limit);
  return free === null ? t("of {size} GB", { size }) : t("of {size} GB · {free} free", { size, free: bytes(free) });
}

/** @param {string} name @param {Values} values @param {Values|undefined} peaks @param {string} colour @returns {Line[]} */
const line = (name, values, peaks, colour) => [
  { name, values, colour },
  ...(peaks ? [/** @type {Line} */ ({ name: t("Peak"), values: peaks, colour, look: "peak" })] : []),
];

/** A button for a rule about this, if there are such rules. @param {Measure} measure @param {string} title @param {Module|null} module */
const ruleButton = (measure, title, module) => alertList()?.kinds.some(({ kind, label }) => kind === measure && label) ? button({
  text: t("New rule"), name: labelled(t("New rule"), title), icon: "bell", kind: "quiet", size: "small", iconOnly: true,
  run: () => askForRule({ kind: measure, module: module?.name ?? null }),
}) : nothing;

/**
 * @param {{measure: Measure, module: Module|null, title: string, value: string, more: unknown, name?: string, lines: Line[], cpus: number,
 *   limit?: number|null, limitText?: string|null}} options `name`: the values in words
 */
function card({ measure, module, title, value, more, name, lines, cpus, limit = null, limitText = null }) {
  const most = Math.max(...lines.map(({ values }) => greatest(values)));
  const label = t("{name}: {value}, at most {most}", { name: title, value: name ?? value, most: told(measure, most, cpus) });
  return html`
    <section class="card usage" data-measure=${measure}>
      <div class="stat-line"><h2 class="grow">${title}</h2><b>${value}</b><span>${more}</span>${ruleButton(measure, title, module)}</div>
      ${chart({
        ...plotRange(), ...axis(measure, Math.max(most, limit ? limit / 1.1 : 0), cpus),
        label, times: usage().times, height: 124, series: lines,
        limit: limit && limitText ? { value: limit, text: limitText } : null,
      })}
    </section>`;
}

/** @param {number|null} value @param {(value: number) => string} format */
const shown = (value, format) => (value === null ? "–" : format(value));

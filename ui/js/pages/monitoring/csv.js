// @ts-check
/** All values as a file for a spreadsheet. */
import { save } from "../../components/save.js";
import { markText } from "./marks.js";
import { usage } from "./history.js";
import { FIELDS } from "./seconds.js";

/**
 * @import { Module, Series, StatsHistory } from "../../contract.d.ts"
 * @import { Part } from "./parts.js"
 */

/** As in the contract: CPU in percent of one processor, the others in bytes, or bytes per second. @type {Record<keyof Series, string>} */
const UNITS = { cpu: "cpu %", memory: "memory B", rx: "rx B/s", tx: "tx B/s", read: "read B/s", write: "write B/s", pids: "pids" };

/** @param {Part[]} parts @param {Module|null} module */
export function saveCsv(parts, module) {
  const { times } = usage();
  const day = new Date((times.at(-1) ?? 0) * 1000).toISOString().slice(0, 16).replace(/[T:]/g, "-");
  save(`${module?.name ?? "monitoring"}-${day}.csv`, asCsv(usage(), parts), "text/csv");
}

/** @param {StatsHistory} history @param {Part[]} parts */
export function asCsv({ times, total, marks }, parts) {
  const columns = [{ title: "total", series: total }, ...parts];
  const head = ["time", ...columns.flatMap(({ title }) => FIELDS.map((field) => `${title} ${UNITS[field]}`)), "events"];
  const rows = times.map((time, i) => [
    new Date(time * 1000).toISOString(),
    ...columns.flatMap(({ series }) => FIELDS.map((field) => series[field][i] ?? "")),
    marks.filter((mark) => mark.time > (times[i - 1] ?? 0) && mark.time <= time).map(markText).join("; "),
  ]);
  return `${[head, ...rows].map((row) => row.map(quoted).join(",")).join("\n")}\n`;
}

/** @param {string|number} value */
const quoted = (value) => (/[",\n]/.test(String(value)) ? `"${String(value).replaceAll('"', '""')}"` : value);

// @ts-check
/** The parts of what is shown: modules, or the services of one. */
import { format } from "../../base/address.js";
import { current } from "../../base/store.js";
import { hue, hueAt } from "../../components/tile.js";
import { usage } from "./history.js";
import { valuesOf } from "./measures.js";
import { FIELDS } from "./seconds.js";

/**
 * @import { Module, Series } from "../../contract.d.ts"
 * @import { PageState } from "../../types.d.ts"
 * @typedef {{key: string, title: string, colour: string, limit: number|null, href: string|null, isChosen: boolean,
 *   series: Series}} Part a module, or a service of one; `href`: shows only this part
 */

/** More of them can't be told apart. */
const MOST_AREAS = 11;

/** @param {PageState} page @param {Module|null} module @returns {Part[]} The one that uses most memory first. */
export function partsOf(page, module) {
  const parts = module ? services(page, module) : modules(page);
  const held = (/** @type {Part} */ { series }) => series.memory.findLast((value) => value !== null) ?? 0;
  return parts.sort((one, other) => held(other) - held(one));
}

/** @param {PageState} page @returns {Part[]} */
const modules = ({ snapshot, address }) => usage().modules.map((series) => {
  const found = snapshot?.modules.find(({ name }) => name === series.module);
  const { service: _service, ...query } = address.query;
  return {
    key: series.module, title: found?.title ?? series.module, colour: hue(series.module), series, isChosen: false,
    href: `#${format({ page: "monitoring", rest: [series.module], query })}`, limit: found?.memoryLimit ?? null,
  };
});

/** @param {PageState} page @param {Module} module @returns {Part[]} */
function services({ address }, module) {
  const chosen = address.query["service"] ?? "";
  return usage().services.map((series, i) => {
    const isChosen = series.service === chosen;
    const query = { ...address.query, service: isChosen ? "" : series.service };
    return {
      key: series.service, title: series.service, colour: hueAt(i), series, isChosen,
      href: `#${format({ ...address, query })}`,
      limit: module.services.find(({ name }) => name === series.service)?.memoryLimit ?? null,
    };
  });
}

/** @param {string} title of the sum @param {Part[]} parts Those that use least are one area. @returns {Part[]} */
export function areas(title, parts) {
  if (parts.length <= MOST_AREAS + 1) return parts;
  const series = others(parts.slice(MOST_AREAS).map((part) => part.series));
  return [...parts.slice(0, MOST_AREAS), { key: "", title, colour: "var(--idle)", limit: null, href: null, isChosen: false, series }];
}

/** @type {{of: Series[], made: Series|null}} */
let last = { of: [], made: null };

/** @param {Series[]} found Their sum, made once for each change. @returns {Series} */
function others(found) {
  if (last.made && found.length === last.of.length && found.every((one, i) => one === last.of[i])) return last.made;
  const made = Object.fromEntries(FIELDS.map((field) => [field, found[0]?.[field].map((_, i) =>
    found.reduce((/** @type {number|null} */ sum, series) => (series[field][i] === null ? sum : (sum ?? 0) + (series[field][i] ?? 0)), null)) ?? []]));
  last = { of: found, made: /** @type {Series} */ (/** @type {unknown} */ (made)) };
  return others(found);
}

/** @param {Module|null} module The sum of all that is shown: of everything, or of a module. */
export const wholeOf = (module) => (module ? usage().modules[0] ?? usage().total : usage().total);

/** @param {Module|null} module What the cards show: everything, the module, or its chosen service. */
export function chosenSeries(module) {
  const { services, peaks } = usage();
  const service = services.find((series) => series.service === current().address.query["service"]);
  if (module && service) return { series: service, peaks: null, service: service.service };
  return { series: wholeOf(module), peaks, service: null };
}

/** @param {Part[]} parts @param {import("./measures.js").Measure} measure The sums of all areas, for the axis. */
export function sumsOf(parts, measure) {
  const columns = parts.map(({ series }) => valuesOf(series, measure));
  return (columns[0] ?? []).map((_, i) => columns.reduce((sum, values) => sum + (values[i] ?? 0), 0));
}

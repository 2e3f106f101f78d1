// @ts-check
/** Other lines of the same request: how many have the same trace, and a button that shows only these. */
import { html, nothing } from "../../../vendor/lit-html/lit-html.js";
import { invoke } from "../../base/bridge.js";
import { number } from "../../base/format.js";
import { t, tn } from "../../base/i18n.js";
import { slice } from "../../base/store.js";
import { button } from "../../components/button.js";
import { require } from "./conditions.js";
import { total } from "./counts.js";
import { LEVELS } from "./model/query.js";
import { view } from "./state.js";

/** @import { LogEntryDetails, LogHistogram } from "../../contract.d.ts" */

/** Fields that name what several services work on together, the best first. */
const IDS = /^(?:trace|request|req|correlation|workflow|execution|task|job|session|run|message)[_.-]?id$|^trace$/i;

const own = slice({ condition: "", lines: 0, modules: 0, isComplete: false });

/** @param {LogEntryDetails} entry @returns {[string, unknown]|undefined} */
const idOf = ({ fields }) => Object.entries(fields).find(([key, value]) => IDS.test(key) && typeof value !== "object" && value !== "");

/** @param {LogEntryDetails} entry Counts the lines with the same, while it is shown. */
export async function sameOf(entry) {
  const found = idOf(entry);
  const condition = found ? `${found[0]}=${found[1]}` : "";
  own.set({ condition, lines: 0, modules: 0, isComplete: false });
  if (!condition) return;
  const { span: { begin, end } } = view();
  const modules = new Set();
  let [lines, from] = [0, /** @type {string|null} */ (null)];
  do {
    const filter = { fields: [condition], since: begin };
    const answer = await invoke("ai/logs/histogram", { filter, begin, end, buckets: 1, ...(from !== null && { from }) });
    if (!answer.success || own.get().condition !== condition || !view().wanted.line) return;
    /** @type {LogHistogram} */
    const { byLevel, byModule, reached } = answer.data;
    lines += total(byLevel, LEVELS);
    for (const [module, count] of Object.entries(byModule)) if (count) modules.add(module);
    from = reached;
    own.set({ lines, modules: modules.size, isComplete: from === null });
  } while (from !== null);
}

/** @param {LogEntryDetails} entry */
export function sameView(entry) {
  const { condition, lines, modules, isComplete } = own.get();
  const id = idOf(entry);
  if (!id || condition !== `${id[0]}=${id[1]}` || !lines) return nothing;
  const values = { field: id[0], lines: number(lines), modules: number(modules) };
  return html`
    <div class="same-id">
      <p class="small muted">${modules > 1 ? t("Same {field}: {lines} lines in {modules} modules", values)
        : tn("Same {field}: {lines} line", "Same {field}: {lines} lines", lines, values)}${isComplete ? "" : "…"}</p>
      ${button({ text: t("Show only these"), icon: "list-filter", size: "small", run: () => require(condition) })}
    </div>`;
}

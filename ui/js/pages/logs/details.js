// @ts-check
/** One line as a whole, beside the list. */
import { html, nothing } from "../../../vendor/lit-html/lit-html.js";
import { setQuery } from "../../address.js";
import { button } from "../../components/button.js";
import { copy } from "../../components/copy.js";
import { clock } from "../../format.js";
import { t } from "../../i18n.js";
import { LEVEL_WORDS, choose, sourceOf } from "./list.js";
import { fieldsOf, marked } from "./text.js";

/** @import { Filter, Line } from "./lines.js" */

/** @param {Line} line @param {Filter} filter */
export function lineDetails(line, filter) {
  const fields = fieldsOf(line.text);
  return html`
    <aside class="drawer" aria-label=${t("Details of the line")}>
      <div class="drawer-head">
        ${line.level === "unknown" ? nothing : html`<span class="lv ${line.level}">${t(LEVEL_WORDS[line.level].word)}</span>`}
        <b class="strong cut grow control">${sourceOf(line)}</b>
        <span class="small faint num">${line.time ? clock(line.time) : nothing}</span>
        ${button({ text: t("Close"), keys: "Esc", icon: "x", kind: "quiet", size: "small", iconOnly: true, run: () => choose(null) })}
      </div>
      <div class="drawer-body">
        ${fields.length ? html`
          <dl class="fields">${fields.map(([key, value]) => html`
            <dt>${key}</dt><dd class=${typeof value === "number" ? "n" : "s"}>${marked(written(value), filter)}</dd>`)}</dl>` : nothing}
        <pre class="text whole">${marked(line.text, filter)}</pre>
        <div class="buttons">
          ${button({ text: t("Only this service"), icon: "list-filter", size: "small", run: () => onlyOf(line) })}
          ${button({ text: t("Copy"), icon: "copy", kind: "quiet", size: "small", run: () => copy(line.text) })}
        </div>
      </div>
    </aside>`;
}

/** @param {unknown} value */
const written = (value) => (typeof value === "object" ? JSON.stringify(value) : String(value));

/** @param {Line} line */
function onlyOf({ module, service }) {
  if (location.hash.startsWith("#logs")) {
    location.hash = `logs/${encodeURIComponent(module)}?service=${encodeURIComponent(service)}`;
  } else setQuery({ service });
}

// @ts-check
/** A row for each basic service. */
import { repeat } from "../../../vendor/lit-html/directives/repeat.js";
import { html, nothing } from "../../../vendor/lit-html/lit-html.js";
import { addressTo } from "../../base/address.js";
import { bytes, labelled, list, versionIn, wordOf } from "../../base/format.js";
import { t } from "../../base/i18n.js";
import { moduleStats, newest } from "../../base/stats.js";
import { button } from "../../components/button.js";
import { meter } from "../../components/meter.js";
import { pageLink, short } from "../../components/page_link.js";
import { dot } from "../../components/state.js";
import { hueStyle } from "../../components/tile.js";
import { isDown } from "../../problems/remedies.js";
import { actionsOf, isThere, logsLink, moreButton, placeOf } from "./actions.js";
import { countOf } from "./features.js";

/**
 * @import { Module } from "../../contract.d.ts"
 * @import { PageState } from "../../types.d.ts"
 */

/** @param {PageState} page @param {Module[]} modules */
export const basics = (page, modules) =>
  modules.length
    ? html`
      <section aria-labelledby="basics">
        <div class="section-head"><h2 id="basics">${t("Basic services")}</h2><span class="num">${countOf(modules)}</span></div>
        <ul class="card basics">${repeat(modules, ({ name }) => name, (module) => row(module, page))}</ul>
      </section>`
    : nothing;

/** @param {Module} module @param {PageState} page */
const row = (module, page) => html`
  <li class="brow" data-module=${module.name} data-state=${module.state}>
    <div class="name">${dot(module.state)}<h3 class="cut"><a href="#${addressTo("modules", [module.name])}">${module.title}</a></h3>
      <span class="small faint num cut">${versionIn(module.version ?? "")}</span></div>
    <div class="uses">${users(module, page)}</div>
    <span class="small muted num cut">${place(module)}</span>
    <div class="mem">${memory(module)}</div>
    <div class="buttons">${buttons(module, page)}</div>
    ${reasons(module).map((why) => html`<p class="reason">${why}</p>`)}
  </li>`;

/** @param {Module} module */
function place(module) {
  const found = placeOf(module);
  return found ? pageLink(/^https?:/.test(found) ? found : null, short(found)) : nothing;
}

/** @param {Module} module */
const reasons = ({ state, reason, problem }) => [...new Set([state === "starting" ? null : reason, problem])].filter(Boolean);

/** @param {Module} module @param {PageState} page */
function users({ usedBy, neededBy, orphan }, { snapshot }) {
  if (orphan) return html`<span class="small faint">${t("No longer in the catalog")}</span>`;
  const titles = new Map(snapshot?.modules.map(({ name, title }) => [name, title]));
  if (!usedBy.length) {
    const names = list(neededBy.map((name) => titles.get(name) ?? name));
    return html`<span class="small faint cut">${names ? t("For {names}", { names }) : t("Not used by a feature")}</span>`;
  }
  return html`<span class="unseen">${t("Used by")}</span>${usedBy.map((name) => html`
    <a class="chip" href="#${addressTo("modules", [name])}" .style=${hueStyle(name)}><i class="swatch"></i>${titles.get(name) ?? name}</a>`)}`;
}

/** @param {Module} module Its memory against its limit, or its state. */
function memory(module) {
  const { name, title, state, reason, memoryLimit } = module;
  const used = state === "running" ? newest(moduleStats(name).memory) : null;
  if (state !== "running") return html`<span class="word small" title=${reason ?? nothing}>${wordOf(module)}</span>`;
  if (used === null) return nothing;
  const share = memoryLimit ? used / memoryLimit : 0;
  return html`
    <span class="small num">${bytes(used)}</span>
    ${memoryLimit ? html`
      <div class="row-flex"><div class="grow">${meter({
        label: labelled(title, t("Memory")), size: "thin",
        parts: [{ share, colour: share > 0.85 ? "var(--bad-fill)" : "var(--hue-teal)" }],
      })}</div><span class="small faint num limit">${bytes(memoryLimit)}</span></div>` : nothing}`;
}

/** @param {Module} module @param {PageState} page */
function buttons(module, page) {
  const { start, restart, again, remove } = actionsOf(module, page);
  const begin = isThere(module) && start.why !== null ? restart : start;
  const first = module.orphan ? remove : isDown(module) ? again : begin;
  return html`
    <span class="quiet-until buttons">
      ${isThere(module) ? logsLink(module, "icon") : nothing}
      ${button({ ...first, kind: "quiet", size: "small", iconOnly: true, name: labelled(first.text, module.title) })}
    </span>${moreButton(module, [first])}`;
}

// @ts-check
import { html, nothing } from "../../vendor/lit-html/lit-html.js";
import { repeat } from "../../vendor/lit-html/directives/repeat.js";
import { icon } from "../components/icon.js";
import { card, row } from "../components/module.js";
import { operations } from "../components/operations.js";
import { overview } from "../components/overview.js";
import { list } from "../format.js";
import { t } from "../i18n.js";
import { problems } from "../problems.js";
import { engineCard } from "./home/engine.js";
import { attention } from "./home/problems.js";

/**
 * @import { Module, Snapshot } from "../contract.d.ts"
 * @import { PageState } from "../types.d.ts"
 */

/** @param {PageState} page */
export const view = (page) => html`
  <div class="scroll"><div class="content">
    ${page.snapshot ? stack({ ...page, snapshot: page.snapshot }) : nothing}
  </div></div>`;

/** @param {PageState & {snapshot: Snapshot}} page */
function stack(page) {
  const { modules } = page.snapshot;
  const features = modules.filter(({ kind }) => kind === "feature");
  const basics = modules.filter(({ kind }) => kind === "basic");
  return html`
    ${page.snapshot.engine.running ? overview(page) : engineCard(page)}
    ${attention(page)} ${operations(page)}
    ${problems(page).length ? nothing : firstSteps(page)}
    ${modules.length || !page.snapshot.engine.running ? nothing : html`
      <p class="empty">${icon("boxes")}${t("There are no modules in the catalog.")}</p>`}
    ${section("features", t("Features"), features, (module) => card(module, page), "cards")}
    ${section("basics", t("Basic services"), basics, (module) => row(module, page), "rows card")}`;
}

/**
 * @param {string} id @param {string} title @param {Module[]} modules
 * @param {(module: Module) => unknown} shown @param {string} kind
 */
const section = (id, title, modules, shown, kind) =>
  modules.length
    ? html`
      <section aria-labelledby=${id}>
        <h2 id=${id} class="section-title">${title}</h2>
        <ul class=${kind}>${repeat(modules, nameOf, shown)}</ul>
      </section>`
    : nothing;

const nameOf = (/** @type {Module} */ { name }) => name;

/** @param {PageState & {snapshot: Snapshot}} page */
function firstSteps({ snapshot: { engine, modules, chosen } }) {
  const isAtRest = modules.every(({ state, wanted }) => state === "stopped" && !wanted);
  if (!engine.running || !modules.length || !isAtRest) return nothing;
  const meant = modules.filter(({ name }) => chosen.includes(name));
  if (!meant.length) return nothing;
  const names = list(meant.map(({ title, name }) => title ?? name));
  return html`
    <div class="notice info">
      ${icon("info")}
      <div class="notice-text">
        <strong>${t("Ready to start")}</strong>
        <p>${t("Start all starts {names} with the required basic services. The first start downloads images and can take several minutes.", { names })}</p>
      </div>
    </div>`;
}

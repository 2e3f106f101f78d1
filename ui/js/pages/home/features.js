// @ts-check
/** A card for each feature. */
import { guard } from "../../../vendor/lit-html/directives/guard.js";
import { repeat } from "../../../vendor/lit-html/directives/repeat.js";
import { html, nothing } from "../../../vendor/lit-html/lit-html.js";
import { addressTo } from "../../base/address.js";
import { bytes, percent, uptime, versionIn } from "../../base/format.js";
import { t, tn } from "../../base/i18n.js";
import { moduleStats, newest } from "../../base/stats.js";
import { icon } from "../../components/icon.js";
import { progress } from "../../components/meter.js";
import { pageLink, short } from "../../components/page_link.js";
import { spark } from "../../components/spark.js";
import { modulePill } from "../../components/state.js";
import { hueStyle, tile } from "../../components/tile.js";
import { isDown, remedyButton } from "../../problems/remedies.js";
import { actionButton, actionsOf, isThere, isUp, logsLink, moreButton, openButton, placeOf } from "./actions.js";

/**
 * @import { Module, State } from "../../contract.d.ts"
 * @import { PageState } from "../../types.d.ts"
 * @import { Action } from "./actions.js"
 */

/** @param {PageState} page @param {Module[]} modules */
export const features = (page, modules) => html`
  <section class="features" aria-labelledby="features">
    <div class="section-head"><h2 id="features">${t("Features")}</h2><span class="num">${countOf(modules)}</span>
      <span class="grow"></span>
      <a class="button quiet small add-link" href="#home?add">${icon("plus")}<span>${t("Add a module")}</span></a></div>
    <ul class="cards">
      ${repeat(modules, ({ name }) => name, (module) => guard(shownBy(module, page), () => card(module, page)))}
      <li class="add"><a class="add-tile" href="#home?add">${icon("plus", "s20")}<strong>${t("Add a module")}</strong>
        <span>${t("From a folder with a Compose file")}</span></a></li>
    </ul>
  </section>`;

/** @param {Module} module @param {PageState} page All that its card depends on: it is drawn again only then. */
const shownBy = (module, { snapshot, connection, asked }) => [
  module, moduleStats(module.name), snapshot?.engine.cpus, connection, asked,
  document.documentElement.lang, module.since && uptime(module.since),
];

/** @param {Module[]} modules How many there are, or run, if some don't. */
export function countOf(modules) {
  const running = modules.filter(({ state }) => state === "running").length;
  if (!running || running === modules.length) return String(modules.length);
  return modules.some(({ state }) => state === "degraded")
    ? t("{ready} of {count} healthy", { ready: running, count: modules.length })
    : t("{running} of {count} running", { running, count: modules.length });
}

/** @param {Module} module @param {PageState} page */
const card = (module, page) => html`
  <li class="card mod" data-module=${module.name} data-state=${module.state} .style=${hueStyle(module.name)}>
    ${module.state === "running" || module.needs.length ? html`<i class="flow" aria-hidden="true"></i>` : nothing}
    <div class="mod-head">${tile(module)}
      <h3 class="cut"><a href="#${addressTo("modules", [module.name])}">${module.title}</a></h3>${modulePill(module)}
      <p class="sub cut num">${sub(module)}</p></div>
    ${body(module, page)}
    <div class="mod-foot">${buttons(module, page)}</div>
  </li>`;

/** Where it is and since when, else what it is. @param {Module} module */
function sub(module) {
  const { orphan, open, state, word, since, summary, ready: done, total, reason } = module;
  if (orphan) return t("No longer in the catalog");
  // What ran before has its address; how far a restart is stands in its strip.
  if (state === "starting" && word) return [open ? short(open) : summary, reason].filter(Boolean).join(" · ");
  if (state === "starting") return [t("{done} of {total} ready", { done, total }), reason].filter(Boolean).join(" · ");
  if (!isUp(state)) return summary;
  const up = since ? t("up {time}", { time: uptime(since) }) : "";
  const places = placesOf(module);
  return places.length ? html`${places}${up ? ` · ${up}` : ""}` : up || summary;
}

/** Its address, and its other ports that are web pages; without a page, its first port. @param {Module} module */
function placesOf(module) {
  const { open, ports, summary } = module;
  const first = placeOf(module);
  if (!first) return [];
  const others = new Map(ports.flatMap(({ open: page, host }) => (page && page !== open ? [[host, page]] : [])));
  return [
    pageLink(open, short(first), summary),
    ...[...others].map(([host, page]) => html` ${pageLink(page, `:${host}`, page)}`),
  ];
}

/** @type {State[]} States in which nothing is wrong; a card that goes from one to another keeps its height. */
const CALM = ["running", "starting", "stopping"];

/** @param {Module} module @param {PageState} page */
function body(module, page) {
  const { state, reason, problem, wanted, needs } = module;
  if ((CALM.includes(state) && !problem) || needs.length) return sparks(module, page);
  return html`
    ${state === "degraded" ? ready(module) : nothing}
    ${reason ? html`<p class="reason" title=${reason}>${reason}</p>` : nothing}
    ${problem && problem !== reason ? html`<p class="reason problem">${problem}</p>` : nothing}
    ${isThere(module) || problem ? nothing : state === "engine_down" && wanted ? comesBack() : facts(module)}`;
}

/** @param {Module} module @param {PageState} page */
function sparks({ name }, { snapshot }) {
  const { cpu, memory } = moduleStats(name);
  const cpus = snapshot?.engine.cpus ?? 1;
  const [used, held] = [newest(cpu), newest(memory)];
  return html`
    <div class="mod-sparks">
      ${spark1(t("CPU"), used === null ? "–" : percent(used / cpus / 100), cpu, "var(--focus)", tn("of {count} core", "of {count} cores", cpus))}
      ${spark1(t("Memory"), held === null ? "–" : bytes(held), memory, "var(--hue-teal)")}
    </div>`;
}

/** @param {string} name @param {string} value @param {(number|null)[]} values @param {string} colour @param {string} [tip] */
const spark1 = (name, value, values, colour, tip) => html`
  <div title=${tip ?? nothing}><div class="stat-line"><span class="grow">${name}</span><b>${value}</b></div>
    ${spark(values, { colour, height: 22 })}</div>`;

/** @param {Module} module */
function ready({ ready: done, total }) {
  const text = t("{done} of {total} ready", { done, total });
  return html`<div class="ready">${progress(text, done / (total || 1))}<span class="small muted num">${text}</span></div>`;
}

const comesBack = () => html`<p class="mod-facts cut">${t("Starts automatically with Docker.")}</p>`;

/** @param {Module} module */
function facts({ version, total, memoryLimit, orphan }) {
  if (orphan) return nothing;
  const told = [
    versionIn(version ?? ""),
    tn("{count} service", "{count} services", total),
    memoryLimit ? t("up to {size} memory", { size: bytes(memoryLimit) }) : "",
  ];
  return html`<p class="mod-facts num cut">${told.filter(Boolean).join(" · ")}</p>`;
}

/** @param {Module} module @param {Action} action The button of one that failed is not louder than its problem. */
function kindOf({ state, orphan }, { enabled }) {
  if (!enabled || orphan) return "quiet";
  return state === "error" ? "tonal" : "start";
}

/** @param {Module} module @param {PageState} page The first button keeps its place while its module starts, runs or stops. */
function buttons(module, page) {
  const { open, start, again, stop, remove } = actionsOf(module, page);
  const hasFailed = module.trouble?.kind === "start";
  const begin = hasFailed ? { ...start, text: t("Try again"), icon: "rotate-cw" } : isDown(module) ? again : start;
  const first = module.orphan ? remove : begin;
  const ends = isThere(module) && module.state !== "error" && !module.remedy;
  const isOpen = ends && module.open && !module.orphan;
  const isFirst = !isOpen && (hasFailed || !module.remedy) && (module.orphan || !(isUp(module.state) || module.state === "stopping"));
  const shown = [...(isFirst ? [first, start] : []), ...(ends ? [stop] : []), ...(isOpen ? [open] : [])];
  return html`
    ${remedyButton(module, page, { kind: "tonal", size: "small" })}
    ${isOpen ? openButton(module, open) : isFirst ? actionButton(module, first, module.remedy ? "quiet" : kindOf(module, first)) : nothing}
    ${isThere(module) ? logsLink(module) : nothing}
    ${ends ? actionButton(module, stop, "quiet") : nothing}
    <span class="grow"></span>${moreButton(module, shown)}`;
}

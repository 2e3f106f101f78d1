// @ts-check
/** The side menu: what is about everything together, basic services, settings, the engine. */
import { repeat } from "../../vendor/lit-html/directives/repeat.js";
import { html, nothing } from "../../vendor/lit-html/lit-html.js";
import { addressTo } from "../base/address.js";
import { STATES, gigabytes, labelled, wordOf } from "../base/format.js";
import { mark, t, tn } from "../base/i18n.js";
import { bind } from "../base/keys.js";
import { recall, remember } from "../base/preferences.js";
import { newest, totalStats } from "../base/stats.js";
import { icon } from "../components/icon.js";
import { openMenu } from "../components/menu.js";
import { meter } from "../components/meter.js";
import { dot, worst } from "../components/state.js";
import { PAGES, hintOf, titleOf } from "../pages.js";
import { activeAlerts } from "../pages/alerts/alerts.js";
import { isOverdue } from "../pages/backups/list.js";
import { hasCluster } from "../pages/cluster/list.js";
import { brokenLink, brokenServers } from "../pages/models/problems.js";

/**
 * @import { Module, Snapshot, State } from "../contract.d.ts"
 * @import { PageState } from "../types.d.ts"
 */

const KEY = "side";
const narrow = window.matchMedia("(max-width: 999px)");

/** To icons by hand, which is kept, or because the window is narrow. */
function showSide() {
  const isIcons = narrow.matches || recall(KEY) === "icons";
  document.documentElement.toggleAttribute("data-narrow", isIcons);
}

export function toggleSide() {
  remember(KEY, recall(KEY) === "icons" ? "whole" : "icons");
  showSide();
}

bind({ "Mod+b": toggleSide });
narrow.addEventListener("change", showSide);
showSide();

/** @param {PageState} page */
export const sideMenu = (page) => html`
  <nav class="side" aria-label=${t("Overview and basic services")}>
    <div class="nav">
      <h2 class="nav-title" id="nav-overview"><span>${t("Overview")}</span></h2>
      <ul aria-labelledby="nav-overview">${items(page, "top")}</ul>
    </div>
    <div class="nav-scroll">${basics(page)}</div>
    <ul class="nav">${items(page, "bottom")}</ul>
    ${page.snapshot ? engineCard(page.snapshot) : nothing}
  </nav>`;

/** @param {PageState} page @param {"top"|"bottom"} place */
const items = ({ address }, place) => Object.entries(PAGES).filter(([name, { menu }]) => menu === place && (name !== "cluster" || hasCluster())).map(([name, row]) => html`
  <li><a class="nav-item" href="#${name}" aria-current=${address.page === name ? "page" : nothing}
    title=${hintOf(name)}>${icon(row.icon ?? "")}<span class="label grow">${titleOf(name)}</span>${countOf(name)}</a></li>`);

/** How much of a page waits for somebody. @param {string} name */
function countOf(name) {
  if (name === "backups") return isOverdue() ? html`<span class="tail busy">${t("Overdue")}</span>` : nothing;
  if (name === "models" && brokenServers().length) return html`<span class="tail busy">${t("Off")}</span>`;
  if (name === "models") return brokenLink() ? html`<span class="tail busy">${t("1 link")}</span>` : nothing;
  const count = name === "alerts" ? activeAlerts().filter(({ muted }) => !muted).length : 0;
  return count ? html`<span class="badge-n quiet num" aria-hidden="true">${count}</span><span class="unseen">${
    tn("{count} active alert", "{count} active alerts", count)}</span>` : nothing;
}

/** @param {PageState} page */
function basics({ snapshot, address }) {
  const all = (snapshot?.modules ?? []).filter(({ kind }) => kind === "basic");
  if (!all.length) return nothing;
  const chosen = address.page === "modules" ? address.rest[0] : undefined;
  return html`
    <h2 class="nav-title b" id="nav-basics"><span>${t("Basic services")}</span></h2>
    <ul aria-labelledby="nav-basics">${repeat(all, ({ name }) => name, (module) => basic(module, module.name === chosen))}</ul>
    <button type="button" class="nav-item group" aria-haspopup="menu" aria-expanded="false"
      @click=${(/** @type {MouseEvent} */ { currentTarget }) => openMenu(/** @type {HTMLElement} */ (currentTarget), () =>
        all.map((module) => ({ text: module.title, href: `#${addressTo("modules", [module.name])}`, more: dot(module.state) })))}>
      ${icon("database")}<span class="label grow cut">${t("Basic services")}</span>${dot(worst(all.map(({ state }) => state)))}
    </button>`;
}

/** @type {Partial<Record<State, string>>} Only trouble and change get a word. */
const TAILS = { error: "bad", degraded: "busy", starting: "busy", stopping: "" };

/** @param {Module} module @param {boolean} current */
function basic(module, current) {
  const word = wordOf(module);
  const tail = TAILS[module.state];
  return html`
    <li><a class="nav-item" href="#${addressTo("modules", [module.name])}" aria-current=${current ? "page" : nothing}
      aria-label=${labelled(module.title, word)} title=${labelled(module.title, word)}>
      ${icon(module.icon)}<span class="label grow named"><span class="cut">${module.title}</span>
        ${tail === undefined ? nothing : html`<span class="tail ${tail}">${word}</span>`}</span>${dot(module.state, "beside")}</a></li>`;
}

/** @typedef {"running"|"starting"|"engine_down"} EngineState */

/** @type {Record<EngineState, string>} Where the box leads, and why. */
const ENGINE = {
  running: mark("Docker engine: running. Open Doctor"),
  starting: mark("Docker engine: starting. Open Doctor"),
  engine_down: mark("Docker engine: off. Open Doctor"),
};

/** @param {Snapshot} snapshot The link lies over the texts: they aren't its name. */
function engineCard({ engine }) {
  /** @type {EngineState} */
  const state = engine.running ? "running" : engine.starting || engine.reconnecting ? "starting" : "engine_down";
  const version = engine.running ? t("Docker Engine {version}", { version: (engine.version ?? "").replace(/\+.*/, "") })
    : engine.reconnecting ? t("Reconnecting") : t(STATES[state].word);
  const label = engine.reconnecting ? t("Docker engine: reconnecting. Open Doctor") : t(ENGINE[state]);
  const link = engine.name ? labelled(engine.name, label) : label;
  return html`
    <div class="side-foot" data-state=${state}>
      <a href="#doctor" aria-label=${link} title=${link}></a>
      <span class="line">${dot(state, "beside")}<span class="grow wide strong cut">${engine.name ?? version}</span></span>
      ${engine.name ? html`<span class="wide muted cut">${version}</span>` : nothing}
      ${engine.running ? engineMemory(engine.memory) : nothing}
    </div>`;
}

/** @param {number|null} size Of it, what all modules use. */
function engineMemory(size) {
  const used = newest(totalStats().memory);
  if (!size || used === null) return nothing;
  const text = t("{used} of {size} GB", { used: gigabytes(used), size: gigabytes(size) });
  return html`
    <span class="wide memory">${meter({ label: labelled(t("Memory"), text), size: "thin", parts: [{ share: used / size }] })}
      <span class="line muted num"><span class="grow">${t("Memory")}</span>${text}</span></span>`;
}

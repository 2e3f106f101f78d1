// @ts-check
/** The head of a module's page: what it is, how it is, and what can be done with it. */
import { html, nothing } from "../../../vendor/lit-html/lit-html.js";
import { operate } from "../../base/actions.js";
import { addressTo, go } from "../../base/address.js";
import { isBrowser } from "../../base/bridge.js";
import { uptime, versionIn } from "../../base/format.js";
import { t } from "../../base/i18n.js";
import { drawAgainIn } from "../../base/store.js";
import { button } from "../../components/button.js";
import { copy } from "../../components/copy.js";
import { icon } from "../../components/icon.js";
import { menuButton } from "../../components/menu.js";
import { modulePill } from "../../components/state.js";
import { tile } from "../../components/tile.js";
import { isDown, remedyButton } from "../../problems/remedies.js";
import { pageOf } from "../access/list.js";
import { accessTag } from "../access/open.js";
import { upgradeTag } from "../upgrade/notices.js";
import { openInBrowser, openModule, removeModule, restartModule, startModule, stopModule } from "./actions.js";
import { offered } from "./run_action.js";
import { mainService, terminalOf } from "./service_state.js";

/**
 * @import { Options } from "../../components/button.js"
 * @import { Module } from "../../contract.d.ts"
 * @import { ModuleAction, PageState } from "../../types.d.ts"
 */

const MINUTE_MS = 60_000;

/** @param {PageState} page @param {Module} module */
export const head = (page, module) => html`
  <header class="mh" data-module=${module.name}>
    ${tile(module, "big")}
    <div class="grow">
      <h1><span class="cut">${module.title}</span>${modulePill(module)}${upgradeTag(module, page)}${accessTag(module)}${module.outdated ? waiting(module) : nothing}</h1>
      <p class="sub num cut">${facts(module)}</p>
    </div>
    <div class="buttons">${buttons(page, module)}</div>
  </header>`;

/** @param {Module} module Its running containers do not have its settings yet. */
const waiting = ({ name }) => html`
  <a class="tag busy" href="#${addressTo("modules", [name, "settings"])}">${icon("hourglass")}${t("Changes waiting")}</a>`;

/** @param {Module} module */
function facts({ summary, version, since, orphan }) {
  if (since) drawAgainIn(MINUTE_MS);
  const told = [orphan ? t("No longer in the catalog") : summary, version && versionIn(version), since && t("up {time}", { time: uptime(since) })];
  return told.filter(Boolean).join(" · ");
}

/** @param {PageState} page @param {Module} module */
function buttons(page, module) {
  const isAlive = module.abilities.stopWithUsers === null || !["stopped", "engine_down"].includes(module.state);
  // It is wanted, but none of it runs.
  const canStart = module.abilities.start === null && module.abilities.restart !== null;
  /** @type {Pick<Options, "text"|"icon"|"kind">} */
  const look = isDown(module) ? { text: t("Restart"), icon: "rotate-cw" } : { text: t("Start"), icon: "play", kind: "start" };
  const begin = button({ ...look, ...can(page, module, "start"), keys: "S", run: () => startModule(module) });
  return html`
    ${remedyButton(module, page, { kind: "primary" })}
    ${module.open && isAlive ? button({
      ...can(page, module, "open"), text: t("Open"), keys: "O", icon: "external-link", kind: module.remedy ? "plain" : "primary",
      run: () => openModule(module),
    }) : nothing}
    ${isAlive && canStart ? begin : nothing}
    ${isAlive && !canStart && !module.orphan ? button({
      ...can(page, module, "restart"), text: t("Restart"), keys: "R", icon: "rotate-cw", run: () => restartModule(module),
    }) : nothing}
    ${isAlive ? button({
      ...can(page, module, "stopWithUsers"), text: t("Stop"), keys: "S", icon: "square",
      run: () => stopModule(module, page.snapshot),
    }) : begin}
    ${menuButton({ text: t("More"), name: t("More about {name}", { name: module.title }), items: () => items(page, module) })}`;
}

/**
 * Whether `action` works now, and why not.
 * @param {PageState} page @param {Module} module @param {ModuleAction} action
 */
function can({ asked, connection }, { name, abilities }, action) {
  const why = abilities[action];
  return { why, enabled: why === null && connection === "up" && !asked.has(name) };
}

/** @param {PageState} page @param {Module} module */
function items(page, module) {
  const { name } = module, open = pageOf(module);
  const service = mainService(module)?.name;
  const address = open && module.abilities.open === null ? open : null;
  return [
    ...(address && !isBrowser ? [{ text: t("Open in browser"), icon: "globe", run: () => openInBrowser(address) }] : []),
    ...(open ? [{ text: t("Copy address"), icon: "link", run: () => copy(open) }] : []),
    ...(service ? [{
      text: t("Open a terminal"), icon: "terminal", run: () => go(terminalOf(name, service)),
    }, {
      text: t("Copy a shell command"), icon: "square-terminal",
      run: () => copy(`aiserver-tray exec ${service === name ? name : `${name}/${service}`}`),
    }] : []),
    null,
    ...offered(name),
    null,
    ...(module.orphan ? [] : [{
      ...can(page, module, "restart"), text: t("Recreate"), icon: "refresh-cw",
      run: () => operate(name, { kind: "up", modules: [name], recreate: true }),
    }, {
      text: t("Export as Compose…"), icon: "upload", enabled: page.connection === "up",
      run: async () => (await import("./export.js")).askToExport(module),
    }]),
    {
      ...can(page, module, "remove"), text: t("Remove…"), icon: "trash-2", kind: /** @type {const} */ ("danger"),
      run: () => removeModule(module),
    },
  ];
}

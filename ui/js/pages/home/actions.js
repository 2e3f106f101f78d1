// @ts-check
/** The buttons and the menu of a module on Home. */
import { html } from "../../../vendor/lit-html/lit-html.js";
import { addressTo } from "../../base/address.js";
import { isBrowser } from "../../base/bridge.js";
import { labelled } from "../../base/format.js";
import { t } from "../../base/i18n.js";
import { current } from "../../base/store.js";
import { button } from "../../components/button.js";
import { copy } from "../../components/copy.js";
import { icon } from "../../components/icon.js";
import { menuButton } from "../../components/menu.js";
import { pageOf } from "../access/list.js";
import { openInBrowser, openModule, removeModule, restartModule, startModule, stopModule } from "../modules/actions.js";

/**
 * @import { Kind } from "../../components/button.js"
 * @import { Item } from "../../components/menu.js"
 * @import { Module, State } from "../../contract.d.ts"
 * @import { ModuleAction, PageState } from "../../types.d.ts"
 */

/**
 * @typedef {{text: string, icon: string, enabled: boolean, why: string|null, run: () => void}} Action
 */

/** @param {Module} module Whether any of it may be there. */
export const isThere = ({ state, trouble }) => state !== "stopped" && state !== "engine_down" && trouble?.kind !== "start";

/** @param {State} state Whether it can be used. */
export const isUp = (state) => state === "running" || state === "degraded";

/**
 * What is done with a module, whether that works now, and why not.
 * @param {Module} module @param {PageState} page
 */
export function actionsOf(module, page) {
  /** @param {ModuleAction} action @param {string} text @param {string} drawing @param {() => void} run @returns {Action} */
  const action = (action, text, drawing, run) => {
    const why = module.abilities[action];
    const isAsked = page.asked.has(action === "open" ? `open ${module.name}` : module.name);
    return { text, icon: drawing, why, enabled: why === null && page.connection === "up" && !isAsked, run };
  };
  const start = action("start", t("Start"), "play", () => startModule(module));
  const restart = action("restart", t("Restart"), "rotate-cw", () => restartModule(module));
  return {
    open: action("open", t("Open"), "external-link", () => openModule(module)),
    start,
    restart,
    again: restart.why === null ? restart : { ...restart, why: start.why, enabled: start.enabled },
    stop: action("stopWithUsers", t("Stop"), "square", () => stopModule(module, current().snapshot)),
    remove: action("remove", t("Remove…"), "trash-2", () => removeModule(module)),
  };
}

/** @param {Module} module @param {Action} action @param {Kind} kind */
export const actionButton = ({ title }, action, kind) =>
  button({ ...action, kind, size: "small", name: labelled(action.text, title) });

/** @param {Module} module @param {Action} action In a browser, a link, as its address can be copied there. */
export function openButton(module, action) {
  if (!isBrowser || !action.enabled) return actionButton(module, action, "tonal");
  return html`
    <a class="button tonal small" href=${pageOf(module)} target="_blank" rel="noopener noreferrer"
      aria-label=${labelled(action.text, module.title)}>${icon(action.icon)}<span>${action.text}</span></a>`;
}

/** @param {Module} module @param {"icon"} [look] */
export const logsLink = ({ name, title }, look) => html`
  <a class="button quiet small ${look ? "square" : ""}" href="#${addressTo("logs", [name])}"
    aria-label=${labelled(t("Logs"), title)} title=${t("Logs")}>${icon("scroll-text")}${look ? "" : html`<span>${t("Logs")}</span>`}</a>`;

/**
 * Everything that can be done with a module, without what has a button of its own.
 * @param {Module} module @param {Action[]} shown
 */
export function moreButton(module, shown) {
  const texts = shown.map(({ text }) => text);
  return menuButton({
    text: t("More"), name: labelled(t("More"), module.title), size: "small",
    items: () => items(current().snapshot?.modules.find(({ name }) => name === module.name) ?? module, texts),
  });
}

/** @param {Module} module @param {string[]} shown @returns {(Item|null)[]} */
function items(module, shown) {
  const { start, stop, restart, remove } = actionsOf(module, current());
  const lives = isThere(module) ? [start, restart, stop] : stop.enabled ? [start, stop] : [start];
  const address = placeOf(module);
  return [
    ...lives.filter(({ text }) => !shown.includes(text)),
    null,
    { text: t("Settings"), icon: "settings", href: `#${addressTo("modules", [module.name, "settings"])}` },
    ...(address ? [{ text: t("Copy address"), icon: "copy", run: () => copy(address) }] : []),
    ...(module.open && !isBrowser && module.abilities.open === null
      ? [{ text: t("Open in browser"), icon: "globe", run: () => openInBrowser(pageOf(module) ?? "") }] : []),
    ...(shown.includes(remove.text) ? [] : [null, { ...remove, kind: /** @type {const} */ ("danger") }]),
  ];
}

/** @param {Module} module Where it answers: its page, or its first port. */
export function placeOf(module) {
  const page = pageOf(module);
  if (page && isUp(module.state)) return page;
  const [port] = module.ports;
  return port ? `${hostOf(port.address)}:${port.host}` : null;
}

/** @param {string} address This machine by its name. */
const hostOf = (address) => (["127.0.0.1", "0.0.0.0", "::1", "::"].includes(address) ? "localhost" : address);

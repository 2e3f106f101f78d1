// @ts-check
/** The page of a module: its head and its tabs. What is in a tab comes when it is first gone to. */
import { html, nothing } from "../../vendor/lit-html/lit-html.js";
import { report } from "../base/actions.js";
import { addressTo } from "../base/address.js";
import { mark, t } from "../base/i18n.js";
import { observe, update } from "../base/store.js";
import { styled } from "../base/styles.js";
import { empty } from "../components/notice.js";
import { tabs } from "../components/tabs.js";
import { backupsOf } from "./backups/list.js";
import { head } from "./modules/head.js";
import { loadActions } from "./modules/run_action.js";

/**
 * @import { Address } from "../base/address.js"
 * @import { Module } from "../contract.d.ts"
 * @import { PageState } from "../types.d.ts"
 */

/**
 * @typedef {{view: (page: PageState, module: Module) => unknown,
 *   enter?: (address: Address) => void|(() => void)}} Tab
 */

/** @type {Record<string, {title: string, load: () => Promise<Tab>, style?: string, within?: string}>} */
const TABS = {
  overview: { title: mark("Overview"), load: () => import("./modules/overview.js"), style: "upgrade" },
  services: { title: mark("Services"), load: () => import("./modules/services.js") },
  logs: { title: mark("Logs"), load: () => import("./modules/logs.js"), style: "logs" },
  resources: { title: mark("Resources"), load: () => import("./modules/resources.js"), style: "monitoring" },
  access: { title: mark("Access"), load: () => import("./modules/access.js"), style: "access" },
  backups: { title: mark("Backups"), load: () => import("./modules/backups.js"), style: "backups" },
  settings: { title: mark("Settings"), load: () => import("./modules/settings.js"), style: "module-settings" },
  terminal: { title: mark("Terminal"), load: () => import("./modules/terminal.js"), style: "terminal", within: "services" },
};

/** @type {Record<string, Tab>} */
const loaded = {};

const FIRST = "overview";

/**
 * A tab, or what takes the place of the tab that it is `within`: a terminal is at its service.
 * @param {Address} address
 */
function tabOf({ rest: [, name = FIRST, , part = ""] }) {
  if (TABS[part]?.within === name) return part;
  return name in TABS && !TABS[name]?.within ? name : FIRST;
}

/** @param {Address} address */
export function enter(address) {
  /** @type {void|(() => void)} */
  let leave;
  let isLeft = false;
  const begin = (/** @type {Tab|undefined} */ tab) => {
    if (isLeft) return;
    leave = tab?.enter?.(address);
    update({});
  };
  load(tabOf(address)).then(begin, (error) => {
    report(`the tab ${tabOf(address)} can't be loaded: ${error}`);
    window.dispatchEvent(new Event("incomplete")); // As where a page can't be loaded.
  });
  loadActions();
  const [name] = address.rest;
  const module = (/** @type {PageState} */ { snapshot }) => snapshot?.modules.find((one) => one.name === name);
  const endWatching = observe((now, before) => {
    const isSame = now.snapshot?.language === before.snapshot?.language;
    if (!isSame || module(now)?.services !== module(before)?.services) loadActions();
  });
  return () => {
    isLeft = true;
    endWatching();
    leave?.();
  };
}

/** @param {string} name */
async function load(name) {
  const tab = TABS[name];
  if (!loaded[name] && tab) {
    const [found] = await Promise.all([tab.load(), tab.style && styled(tab.style)]);
    loaded[name] = found;
  }
  return loaded[name];
}

/** @param {PageState} page */
export function view(page) {
  const { rest: [name = ""] } = page.address;
  const module = page.snapshot?.modules.find((one) => one.name === name);
  if (!module) {
    return html`<header class="top"><h1>${t("Modules")}</h1></header><div class="scroll">${empty({
      icon: "package", title: t("There is no module {name}", { name }),
      text: t("It may have been removed from its folder."),
      actions: html`<a class="button plain" href="#home">${t("Home")}</a>`,
    })}</div>`;
  }
  const chosen = tabOf(page.address);
  return html`${head(page, module)} ${tabRow(module, chosen)} ${loaded[chosen]?.view(page, module) ?? nothing}`;
}

/** @param {Module} module @param {string} chosen */
const tabRow = ({ name, services }, chosen) =>
  tabs(
    t("Parts of the module"),
    Object.entries(TABS).filter(([, { within }]) => !within).map(([tab, { title }]) => ({
      text: t(title),
      href: `#${addressTo("modules", tab === FIRST ? [name] : [name, tab])}`,
      current: tab === (TABS[chosen]?.within ?? chosen),
      ...(tab === "services" && { count: services.length }),
      ...(tab === "backups" && backupsOf(name).length && { count: backupsOf(name).length }),
    })),
  );

// @ts-check
/** The pages: each comes with its style sheet when it is first gone to. */
import { nothing } from "../vendor/lit-html/lit-html.js";
import { report } from "./base/actions.js";
import { format, here, parse } from "./base/address.js";
import { mark } from "./base/i18n.js";
import { current, observe, update } from "./base/store.js";
import * as home from "./pages/home.js";

/**
 * @import { Address } from "./base/address.js"
 * @import { PageState } from "./types.d.ts"
 */

/**
 * @typedef {{view: (page: PageState) => unknown, enter?: (address: Address) => void|(() => void)}} Page
 *   `enter`: called when the page is gone to, and when another part of it is; what it returns is
 *   called when that is left
 */

/** @type {Record<string, {title: string, load: () => Promise<Page>, style?: string}>} */
const PAGES = {
  home: { title: mark("Home"), load: async () => home },
  modules: { title: mark("Modules"), load: () => import("./pages/modules.js"), style: "modules" },
  logs: { title: mark("Logs"), load: () => import("./pages/logs.js") },
  monitoring: { title: mark("Monitoring"), load: () => import("./pages/monitoring.js") },
  activity: { title: mark("Activity"), load: () => import("./pages/activity.js") },
  settings: { title: mark("Settings"), load: () => import("./pages/settings.js") },
  doctor: { title: mark("Doctor"), load: () => import("./pages/doctor.js") },
  welcome: { title: mark("Welcome"), load: () => import("./pages/welcome.js") },
};

/** @type {Record<string, Page>} */
const loaded = { home };

/** @type {void|(() => void)} */
let leave;

/** How often a page was gone to: one that comes late is entered only if it is still the last. */
let round = 0;

/** What names the place within the page that `enter` is called for. */
const placeOf = (/** @type {Address} */ address) => format({ ...address, query: {} });

/** @param {string} name */
export const titleOf = (name) => PAGES[name]?.title ?? "";

/** @param {PageState} page */
export const pageView = (page) => loaded[page.address.page]?.view(page) ?? nothing;

/** @type {Map<string, Promise<unknown>>} */
const styles = new Map();

/** @param {string} name Brings a style sheet of the pages into the page, once. */
export function styled(name) {
  const coming = styles.get(name) ?? addStyle(name);
  styles.set(name, coming);
  return coming;
}

/** @param {string} name */
function addStyle(name) {
  const link = document.createElement("link");
  link.rel = "stylesheet";
  link.href = `css/pages/${name}.css`;
  return new Promise((done) => {
    link.onload = link.onerror = done;
    document.head.append(link);
  });
}

/** @param {string} name */
async function load(name) {
  const [page] = await Promise.all([PAGES[name]?.load(), styled(PAGES[name]?.style ?? name)]);
  if (page) loaded[name] = page;
}

/** @param {Address} address */
async function enter(address) {
  leave?.();
  leave = undefined;
  round += 1;
  const mine = round;
  const name = address.page;
  try {
    if (!loaded[name]) await load(name);
  } catch (error) {
    report(`the page ${name} can't be loaded: ${error}`);
    location.reload(); // The server is another one, or was away; reload.js counts the tries.
    return;
  }
  if (mine !== round) return;
  leave = loaded[name]?.enter?.(address);
  update({});
}

observe((now, before) => {
  if (now.address === before.address) return;
  if (placeOf(now.address) !== placeOf(before.address)) enter(now.address);
});

/** The address that the URL has; there is no other page than these. @returns {Address} */
function asked() {
  const address = here();
  return address.page in PAGES ? address : parse("");
}

/** Shows what the URL says from now on. */
export function beginPages() {
  const read = () => update({ address: asked() });
  window.addEventListener("hashchange", read);
  read();
  enter(current().address);
}

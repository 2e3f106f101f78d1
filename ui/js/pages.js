// @ts-check
/**
 * The pages. Menu, palette, shortcuts and titles come from their rows. A page is at the address with
 * its name; its style sheet, css/pages/NAME.css, comes with it.
 */
import { nothing } from "../vendor/lit-html/lit-html.js";
import { report } from "./base/actions.js";
import { format, go, here, isHeld, parse } from "./base/address.js";
import { mark, t } from "./base/i18n.js";
import { bind, isMac, shortcut } from "./base/keys.js";
import { current, observe, update } from "./base/store.js";
import { styled } from "./base/styles.js";
import * as home from "./pages/home.js";

/**
 * @import { Address } from "./base/address.js"
 * @import { PageState } from "./types.d.ts"
 */

/**
 * @typedef {{view: (page: PageState) => unknown, enter?: (address: Address) => void|(() => void)}} Page
 *   `enter`: called when the page is gone to, and when another part of it is; what it returns is
 *   called when that is left
 * @typedef {object} Row
 * @property {string} title
 * @property {string} [icon] none: it can't be gone to by its name alone
 * @property {string} [keys] that lead to it
 * @property {"top"|"bottom"} [menu] its place in the side menu; none: it is not there
 * @property {true} [alone] it has the window for itself
 * @property {() => Promise<Page>} load
 */

/** @type {Record<string, Row>} */
export const PAGES = {
  home: { title: mark("Home"), icon: "house", keys: "Mod+1", load: async () => home },
  modules: { title: mark("Modules"), load: () => import("./pages/modules.js") },
  logs: { title: mark("Logs"), icon: "scroll-text", keys: "Mod+l", menu: "top", load: () => import("./pages/logs.js") },
  monitoring: {
    title: mark("Monitoring"), icon: "chart-area", keys: isMac ? "Mod+Shift+m" : "Mod+m", menu: "top",
    load: () => import("./pages/monitoring.js"),
  },
  alerts: { title: mark("Alerts"), icon: "bell", keys: "Mod+Shift+l", menu: "top", load: () => import("./pages/alerts.js") },
  activity: {
    title: mark("Activity"), icon: "history", keys: "Mod+Shift+a", menu: "top", load: () => import("./pages/activity.js"),
  },
  backups: { title: mark("Backups"), icon: "archive-restore", menu: "top", load: () => import("./pages/backups.js") },
  models: { title: mark("Models"), icon: "sparkles", menu: "top", load: () => import("./pages/models.js") },
  adopt: { title: mark("Bring your own"), icon: "hard-drive-download", load: () => import("./pages/adopt.js") },
  cluster: { title: mark("Cluster"), icon: "network", menu: "top", load: () => import("./pages/cluster.js") },
  doctor: { title: mark("Doctor"), icon: "stethoscope", menu: "bottom", load: () => import("./pages/doctor.js") },
  settings: { title: mark("Settings"), icon: "settings", keys: "Mod+,", menu: "bottom", load: () => import("./pages/settings.js") },
  welcome: { title: mark("Set up"), icon: "rocket", alone: true, load: () => import("./pages/welcome.js") },
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
export const titleOf = (name) => t(PAGES[name]?.title ?? "");

/** @param {string} name Its title, and the keys that lead to it. */
export function hintOf(name) {
  const keys = PAGES[name]?.keys;
  return keys ? `${titleOf(name)} – ${shortcut(keys)}` : titleOf(name);
}

/** @param {PageState} page */
export const pageView = (page) => loaded[page.address.page]?.view(page) ?? nothing;

/** @param {string} name */
async function load(name) {
  const [page] = await Promise.all([PAGES[name]?.load(), styled(name)]);
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
    window.dispatchEvent(new Event("incomplete")); // The server is another one, or was away.
    return;
  }
  if (mine !== round) return;
  leave = loaded[name]?.enter?.(address);
  update({});
}

for (const [name, { keys }] of Object.entries(PAGES)) if (keys) bind({ [keys]: () => go(name) });

observe((now, before) => {
  if (now.address === before.address) return;
  if (placeOf(now.address) !== placeOf(before.address)) enter(now.address);
});

/** The address that the URL has; there is no other page than these. @returns {Address} */
function asked() {
  const address = here();
  return Object.hasOwn(PAGES, address.page) ? address : parse("");
}

/** Shows what the URL says from now on. */
export function beginPages() {
  const read = () => {
    const [from, to] = [current().address, asked()];
    if (placeOf(from) === placeOf(to) || !isHeld(from, to)) update({ address: to });
  };
  window.addEventListener("hashchange", read);
  read();
  enter(current().address);
}

// @ts-check
/**
 * The tabs of Home and the features. What does not fit in the bar, in this order: the search becomes
 * an icon, the pill of the whole an icon, the last tabs go into More. The chosen tab never does.
 */
import { repeat } from "../../vendor/lit-html/directives/repeat.js";
import { html, nothing } from "../../vendor/lit-html/lit-html.js";
import { addressTo, go } from "../base/address.js";
import { wordOf } from "../base/format.js";
import { t, tn } from "../base/i18n.js";
import { bind, shortcut } from "../base/keys.js";
import { current, slice, update } from "../base/store.js";
import { icon } from "../components/icon.js";
import { openMenu } from "../components/menu.js";
import { dot, worst } from "../components/state.js";
import { moveAlong } from "../components/tabs.js";
import { hintOf } from "../pages.js";
import { problems } from "../problems/problems.js";

/**
 * @import { Module } from "../contract.d.ts"
 * @import { PageState } from "../types.d.ts"
 */

/** `inMore`: names of the modules without room. */
const own = slice({ inMore: /** @type {string[]} */ ([]) });

/** @param {PageState} page */
const features = ({ snapshot }) => (snapshot?.modules ?? []).filter(({ kind }) => kind === "feature");

/** No tab is narrower, in px: those that can't have room are not even drawn. */
const NARROWEST = 46;

/** @param {PageState} page */
export function tabBar(page) {
  const all = features(page);
  const chosen = page.address.page === "modules" ? page.address.rest[0] : undefined;
  const drawn = all.filter(({ name }, index) => index < innerWidth / NARROWEST || name === chosen);
  // Asked again when the menu opens: tabs go there before the bar is drawn again.
  const hidden = () => all.filter((module) => own.get().inMore.includes(module.name) || !drawn.includes(module));
  return html`
    <nav class="tabnav" aria-label=${t("Modules")} @keydown=${moveAlong}>
      ${homeTab(page)}
      ${repeat(drawn, ({ name }) => name, (module, index) => tab(module, index, module.name === chosen))}
      <button type="button" class="tab more" aria-haspopup="menu" aria-expanded="false"
        ?data-always=${drawn.length < all.length}
        @click=${(/** @type {MouseEvent} */ { currentTarget }) =>
          openMenu(/** @type {HTMLElement} */ (currentTarget), () => hidden().map(inMenu))}>
        <span>${t("More")}</span>${dot(worst(hidden().map(({ state }) => state)))}${icon("chevron-down", "s14")}
      </button>
    </nav>`;
}

/** @param {PageState} page */
function homeTab(page) {
  const count = problems(page).length;
  const needs = tn("{count} thing needs your attention", "{count} things need your attention", count);
  return html`
    <a class="tab" href="#home" aria-current=${page.address.page === "home" ? "page" : nothing}
      title=${hintOf("home")}>
      ${icon("house")}<span class="name">${t("Home")}</span>
      ${count ? html`<span class="badge-n num" aria-hidden="true">${count}</span><span class="unseen">${needs}</span>` : nothing}</a>`;
}

/** @param {Module} module @param {number} index @param {boolean} current */
function tab(module, index, current) {
  const named = `${module.title}, ${wordOf(module)}`;
  return html`
    <a class="tab" href="#${addressTo("modules", [module.name])}" data-tab=${module.name} aria-label=${named}
      aria-current=${current ? "page" : nothing}
      title=${index < 8 ? `${named} – ${shortcut(`Mod+${index + 2}`)}` : named}>
      <span>${module.title}</span>${dot(module.state, "beside")}</a>`;
}

bind(Object.fromEntries([2, 3, 4, 5, 6, 7, 8, 9].map((n) => [`Mod+${n}`, () => goToTab(n - 2)])));

/** @param {number} place of a tab of a feature, from 0 */
function goToTab(place) {
  const feature = features(current())[place];
  if (feature) go(addressTo("modules", [feature.name]));
}

/** @param {Module} module */
const inMenu = (module) => ({ text: module.title, href: `#${addressTo("modules", [module.name])}`, more: dot(module.state) });

/** Between two tabs, in px, as in shell.css. */
const GAP = 2;

/** The bar that was measured last, and what it had then. @type {{nav: Element|null, texts: string}} */
let fitted = { nav: null, texts: "" };

/** Finds room for the tabs; called when the page was drawn. Measures only where something changed. */
export function fitTabs() {
  const bar = document.querySelector(".topbar");
  const nav = bar?.querySelector(".tabnav");
  if (!(bar instanceof HTMLElement) || !(nav instanceof HTMLElement)) return;
  // Digits are as wide as each other. Reading text, unlike what is seen of it, asks for no layout.
  const texts = [...bar.querySelectorAll("span")].map(({ textContent }) => textContent).join().replace(/\d/g, "0");
  const now = `${innerWidth} ${nav.querySelector("[aria-current]")?.textContent} ${texts}`;
  if (nav === fitted.nav && now === fitted.texts) return;
  fitted = { nav, texts: now };
  const inMore = fit(bar, nav);
  if (inMore.join() !== own.get().inMore.join()) own.set({ inMore });
}

/** @param {HTMLElement} bar @param {HTMLElement} nav @returns {string[]} the names without room */
function fit(bar, nav) {
  const tabs = /** @type {HTMLElement[]} */ ([...nav.querySelectorAll("[data-tab]")]);
  const more = /** @type {HTMLElement} */ (nav.querySelector(".more"));
  const isOver = () => nav.scrollWidth > nav.clientWidth + 1;
  for (const each of tabs) each.hidden = false;
  more.hidden = !more.hasAttribute("data-always");
  for (const level of innerWidth < 1000 ? [1, 2] : [0, 1, 2]) {
    bar.dataset.fit = String(level);
    if (!isOver()) return [];
  }
  more.hidden = false;
  // All widths are read before the first tab goes: one layout, however many tabs there are.
  let excess = nav.scrollWidth - nav.clientWidth;
  const widths = tabs.map((each) => each.offsetWidth + GAP);
  for (let i = tabs.length - 1; i >= 0 && excess > 1; i -= 1) {
    const each = tabs[i];
    if (!each || each.hasAttribute("aria-current")) continue;
    each.hidden = true;
    excess -= widths[i] ?? 0;
  }
  return tabs.filter(({ hidden }) => hidden).map(({ dataset }) => dataset.tab ?? "");
}

window.addEventListener("resize", () => update({}));

// @ts-check
/** What is around every page: top bar, side menu, messages. */
import { html, nothing } from "../../vendor/lit-html/lit-html.js";
import { t } from "../base/i18n.js";
import { bind } from "../base/keys.js";
import { icon } from "../components/icon.js";
import { toasts } from "../components/toast.js";
import { PAGES, pageView } from "../pages.js";
import { proposals } from "./assistant.js";
import { connectionBanner } from "./messages.js";
import { sideMenu } from "./side.js";
import { strips } from "./strip.js";
import { topBar } from "./top.js";

/** @import { PageState } from "../types.d.ts" */

const isAlone = (/** @type {PageState} */ { address }) => PAGES[address.page]?.alone;

/** @param {PageState} page */
export const shell = (page) => html`
  ${isAlone(page) ? nothing : html`<a class="skip" href="#main" @click=${skip}>${t("Skip to the page")}</a>`}
  <div class="window ${isAlone(page) ? "alone" : ""}">
    ${isAlone(page) ? nothing : [topBar(page), sideMenu(page)]}
    <main class="main ${page.connection === "up" ? "" : "stale"}" id="main" tabindex="-1">
      ${connectionBanner(page)} ${proposals()}
      ${page.snapshot ? pageView(page) : waiting(page)}
      ${isAlone(page) ? nothing : strips(page)}
    </main>
  </div>
  ${toasts()}
  <p id="announcer" class="unseen" role="status" aria-live="polite"></p>`;

/** @param {PageState} page */
const waiting = ({ connection }) =>
  connection === "connecting"
    ? html`<p class="connecting">${icon("loader-circle", "turn")}${t("Connecting…")}</p>`
    : nothing;

/** @param {MouseEvent} event The link only moves the focus: the address names a page. */
function skip(event) {
  event.preventDefault();
  document.getElementById("main")?.focus();
}

bind({ F6: nextRegion });

/** Moves the focus to the next region: top bar, side menu, page. */
function nextRegion() {
  const regions = [".tabnav a", ".side a", "#main"].map((selector) => document.querySelector(selector));
  const at = [".topbar", ".side", "#main"].findIndex((selector) => document.activeElement?.closest(selector));
  const next = regions[(at + 1) % regions.length];
  if (next instanceof HTMLElement) next.focus();
}

// @ts-check
/** The app's own settings. Each change counts at once. */
import { html, nothing } from "../../vendor/lit-html/lit-html.js";
import { go, setQuery } from "../base/address.js";
import { CONNECTION, on } from "../base/bridge.js";
import { t } from "../base/i18n.js";
import { slice } from "../base/store.js";
import { searchInput } from "../components/field.js";
import { icon } from "../components/icon.js";
import { empty, notice } from "../components/notice.js";
import { loadKept } from "./logs/keeping.js";
import { forgetTest } from "./engine/connection.js";
import { lookForEngines } from "./engine/found.js";
import { loadOwnRoom } from "./engine/room.js";
import { SECTIONS } from "./settings/sections.js";
import { load, own } from "./settings/state.js";

/** In px: a section whose title is this far below the upper edge is the one that is read. */
const UPPER_PX = 40;

/**
 * @import { Address } from "../base/address.js"
 * @import { Section } from "./settings/sections.js"
 * @import { PageState, SettingRow } from "../types.d.ts"
 */

/** `section`: at the upper edge; `wanted`: gone to by a link, until it is scrolled away. */
const seen = slice({
  section: /** @type {string|undefined} */ (undefined),
  wanted: /** @type {string|undefined} */ (undefined),
});

/** @param {Event} event The last sections may have no room to get to the upper edge. */
function follow({ currentTarget }) {
  const scroll = /** @type {HTMLElement} */ (currentTarget);
  const { top, bottom } = scroll.getBoundingClientRect();
  const sections = [...scroll.querySelectorAll(".sg")].map((each) => ({ name: each.id.replace("section-", ""), box: each.getBoundingClientRect() }));
  const isAtEnd = scroll.scrollTop + scroll.clientHeight >= scroll.scrollHeight - 1;
  const wanted = sections.find(({ name, box }) => name === seen.get().wanted && box.top >= top && box.top < bottom);
  const upper = isAtEnd ? wanted ?? sections.at(-1) : sections.findLast(({ box }) => box.top <= top + UPPER_PX) ?? sections[0];
  if (upper?.name !== seen.get().section) seen.set({ section: upper?.name });
  if (!isAtEnd && seen.get().wanted !== upper?.name) seen.set({ wanted: undefined });
}

/** @param {Address} address */
export function enter({ rest: [section] }) {
  seen.set({ section, wanted: section });
  // It is drawn with the next frame, and may have been scrolled away by then.
  load().then(() => requestAnimationFrame(() => {
    if (seen.get().wanted === section) document.getElementById(`section-${section}`)?.scrollIntoView();
  }));
  loadKept();
  lookForEngines();
  loadOwnRoom();
  forgetTest();
  const stops = [
    on("ai/activity/added", load), // another client may have changed one
    on(CONNECTION, ({ state }) => { if (state === "up") load(); }), // to another engine, too
  ];
  return () => stops.forEach((stop) => stop());
}

/** @param {PageState} page */
export function view(page) {
  const asked = page.address.query["find"] ?? "";
  const shown = SECTIONS.map((section) => ({ ...section, rows: rowsOf(section, page, asked) }))
    .filter(({ rows }) => rows.length);
  const chosen = shown.find(({ name }) => name === seen.get().section)?.name ?? shown[0]?.name;
  return html`
    <header class="top">
      <h1>${t("Settings")}</h1><span class="grow"></span>
      <div class="settings-find">${searchInput({
        id: "find", label: t("Find a setting"), value: asked, change: find,
      })}</div>
    </header>
    <div class="scroll" @scroll=${follow}><div class="set">
      <nav class="toc" aria-label=${t("Sections")}>
        ${shown.map(({ name, title, icon: drawing }) => html`
          <a class="nav-item" href="#settings/${name}" @click=${(/** @type {Event} */ event) => goTo(event, name)}
            aria-current=${name === chosen ? "true" : nothing}>${icon(drawing)}${t(title)}</a>`)}
      </nav>
      <div>
        ${own.get().failure ? notice({ tone: "bad", title: t("The settings can't be read"), text: own.get().failure }) : nothing}
        ${own.get().isLoaded ? shown.map(sectionView) : nothing}
        ${own.get().isLoaded && asked && !shown.length ? empty({ icon: "search", title: t("Nothing matches “{text}”", { text: asked }) }) : nothing}
      </div>
    </div></div>`;
}

/** @param {string} text What is found begins at the top. */
function find(text) {
  setQuery({ find: text });
  document.querySelector(".scroll")?.scrollTo(0, 0);
}

/** @param {Event} event @param {string} name Also where the address is that already. */
function goTo(event, name) {
  event.preventDefault();
  seen.set({ section: name, wanted: name });
  go(`settings/${name}`);
  document.getElementById(`section-${name}`)?.scrollIntoView({ block: "start" });
}

/** @param {Section} section @param {PageState} page @param {string} asked @returns {SettingRow[]} */
function rowsOf({ rows, title }, page, asked) {
  const words = asked.toLowerCase();
  return rows(page).filter((row) =>
    !words || `${t(title)} ${row.id} ${row.title} ${row.help ?? ""}`.toLowerCase().includes(words));
}

/** @param {{name: string, title: string, rows: SettingRow[]}} section */
const sectionView = ({ name, title, rows }) => html`
  <section class="sg" id="section-${name}" aria-labelledby="title-${name}">
    <h2 id="title-${name}">${t(title)}</h2>
    <div class="card">${rows.map(rowView)}</div>
  </section>`;

/** @param {SettingRow} row */
const rowView = ({ id, title, help, control, below, covers, error = own.get().errors[id] }) => html`
  <div class="sr" data-setting=${id} data-covers=${covers ?? nothing}>
    <div class="t">
      <h3 id="label-${id}">${title}</h3>
      ${help ? html`<p>${help}</p>` : nothing}
      ${error ? html`<p class="bad" role="alert">${error}</p>` : nothing}
      ${below ?? nothing}
    </div>
    ${control ?? nothing}
  </div>`;

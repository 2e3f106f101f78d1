// @ts-check
/** What was done, by which client, and why it took so long: a view of the journal. */
import { html } from "../../vendor/lit-html/lit-html.js";
import { format, setQuery } from "../base/address.js";
import { mark, t } from "../base/i18n.js";
import { bind } from "../base/keys.js";
import { current, update } from "../base/store.js";
import { searchInput, select } from "../components/field.js";
import { filters, follow, own, selected } from "./activity/data.js";
import { detail } from "./activity/detail.js";
import { entryList, move } from "./activity/list.js";
import { ACTORS, KINDS, RESULTS } from "./activity/words.js";

/** @import { PageState } from "../types.d.ts" */

const TICK_MS = 1000;

/** @param {PageState} page */
export const view = (page) => html`
  <header class="top act-top">
    <h1>${t("Activity")}</h1><span class="grow"></span>
    ${filterBar(page)}
  </header>
  <div class="act" ?data-open=${page.address.rest.length > 0}>
    ${entryList()}
    <section class="detail" aria-label=${t("Details")}>${detail(page, selected())}</section>
  </div>`;

/** @param {PageState} page */
function filterBar({ snapshot }) {
  const { find, kind, by, module, result } = filters();
  const modules = (snapshot?.modules ?? []).map(({ name, title }) => ({ value: name, text: title }));
  return html`
    ${searchInput({ id: "find", label: t("Find"), value: find, change: (value) => setQuery({ find: value }) })}
    ${filter("kind", kind, t("All kinds"), options(KINDS))}
    ${filter("by", by, t("By anyone"), options(ACTORS))}
    ${filter("module", module, t("All modules"), modules)}
    ${filter("result", result, t("All results"), options(RESULTS))}`;
}

/** @type {Record<string, string>} */
const NAMES = { kind: mark("Kind"), by: mark("Started from"), module: mark("Module"), result: mark("Result") };

/** @param {Record<string, {word: string}>} table */
const options = (table) => Object.entries(table).map(([value, { word }]) => ({ value, text: t(word) }));

/** @param {string} name @param {string} value @param {string} all @param {{value: string, text: string}[]} choices */
const filter = (name, value, all, choices) => select({
  id: `filter-${name}`, value, label: t(NAMES[name] ?? ""), choices: [{ value: "", text: all }, ...choices],
  change: (chosen) => setQuery({ [name]: chosen }),
});

/** A running operation's bars grow. */
function tick() {
  const id = selected();
  const entry = id ? own.get().details[id] : null;
  if (entry?.operation?.status === "running" && !document.hidden) update({});
}

/** @type {(() => void)|null} What ends to follow the journal. */
let stop = null;

function begin() {
  const unfollow = follow();
  const timer = setInterval(tick, TICK_MS);
  const focus = () => document.getElementById("find")?.focus();
  const unbind = bind({ j: () => move(1), k: () => move(-1), "/": focus, "Mod+f": focus, Escape: backToList });
  return () => {
    unfollow();
    clearInterval(timer);
    unbind();
  };
}

function backToList() {
  const { address } = current();
  if (address.rest.length) location.hash = format({ ...address, rest: [] });
}

export function enter() {
  stop ??= begin();
  return () => {
    if (current().address.page === "activity") return; // another entry of it
    stop?.();
    stop = null;
  };
}

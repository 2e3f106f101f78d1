// @ts-check
/** The list of entries, by day. */
import { repeat } from "../../../vendor/lit-html/directives/repeat.js";
import { html, nothing } from "../../../vendor/lit-html/lit-html.js";
import { format, setQuery } from "../../base/address.js";
import { day, labelled, timeOfDay } from "../../base/format.js";
import { t, tn } from "../../base/i18n.js";
import { current } from "../../base/store.js";
import { button } from "../../components/button.js";
import { icon } from "../../components/icon.js";
import { isFiltered, loadOlder, own, selected, shown } from "./data.js";
import { ACTORS, result, sign, title } from "./words.js";

/** @import { Activity } from "../../contract.d.ts" */

export function entryList() {
  const entries = shown();
  const chosen = selected();
  return html`
    <nav class="oplist" aria-label=${t("Activity")}>
      ${isFiltered() ? found(entries.length) : nothing}
      ${repeat(byDay(entries), ([name]) => name, ([name, own]) => html`
        <h2 class="day">${name}</h2>
        <ul>${repeat(own, ({ id }) => id, (entry) => html`<li>${item(entry, entry.id === chosen)}</li>`)}</ul>`)}
      ${end(entries.length)}
    </nav>`;
}

/** @param {Activity[]} entries @returns {[string, Activity[]][]} */
function byDay(entries) {
  /** @type {Map<string, Activity[]>} */
  const days = new Map();
  for (const entry of entries) {
    const name = day(entry.time);
    const same = days.get(name);
    if (same) same.push(entry);
    else days.set(name, [entry]);
  }
  return [...days];
}

/** @param {Activity} entry @param {boolean} isChosen */
function item(entry, isChosen) {
  const { icon: drawing, tone, word } = sign(entry);
  const actor = entry.actor && ACTORS[entry.actor.kind];
  const name = title(entry);
  const address = format({ ...current().address, rest: [entry.id] });
  return html`
    <a class="op" href="#${address}" aria-current=${isChosen ? "true" : nothing}>
      <span title=${t(word)}>${icon(drawing, `${tone} ${entry.operation?.status === "running" ? "turn" : ""}`)}<span class="unseen">${labelled(t(word), "")}</span></span>
      <b class="strong cut" title=${name}>${name}</b>
      <time class="small faint num" datetime=${entry.time}>${timeOfDay(entry.time)}</time>
      <p>${actor ? html`${icon(actor.icon, "s12")}${t(actor.word)}` : nothing}<span class="grow"></span>
        <span class="num">${result(entry)}</span></p>
    </a>`;
}

/** @param {number} count */
const found = (count) => html`
  <p class="found small muted">
    <span class="grow num">${t("{count} of {total}", { count, total: own.get().entries?.length ?? 0 })}</span>
    ${button({
      text: t("Clear filters"), kind: "quiet", size: "small",
      run: () => setQuery({ find: "", kind: "", by: "", module: "", result: "" }),
    })}
  </p>`;

/** @param {number} count */
function end(count) {
  const { entries, hasOlder, isLoading, error } = own.get();
  if (error) return html`<p class="end bad small">${error}</p>`;
  if (isLoading || !entries) return html`<p class="end small faint">${icon("loader-circle", "turn s14")} ${t("Loading…")}</p>`;
  if (hasOlder) {
    return html`<p class="end">${button({ text: t("Show older"), kind: "quiet", size: "small", run: loadOlder })}</p>`;
  }
  return html`<p class="end small faint">${count ? tn("Kept for {count} day", "Kept for {count} days", 90) : t("No activity")}</p>`;
}

/** Moves to the entry after or before the chosen one. @param {number} step */
export function move(step) {
  const entries = shown();
  const at = entries.findIndex(({ id }) => id === selected());
  const next = entries[Math.min(entries.length - 1, Math.max(0, at + step))];
  if (!next) return;
  location.hash = format({ ...current().address, rest: [next.id] });
  requestAnimationFrame(() => document.querySelector(".op[aria-current]")?.scrollIntoView({ block: "nearest" }));
}

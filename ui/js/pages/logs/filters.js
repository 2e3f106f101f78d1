// @ts-check
/** What is shown of the logs. It is in the address, so that it can be gone back to and passed on. */
import { html, nothing } from "../../../vendor/lit-html/lit-html.js";
import { goQuery, setQuery } from "../../base/address.js";
import { compact, labelled, number } from "../../base/format.js";
import { t, tn } from "../../base/i18n.js";
import { button } from "../../components/button.js";
import { searchInput } from "../../components/field.js";
import { icon } from "../../components/icon.js";
import { openMenu } from "../../components/menu.js";
import { addCondition, conditionChips } from "./conditions.js";
import { LEVELS, RANGES } from "./model/query.js";
import { scopeButton } from "./scope.js";
import { goToHit } from "./search.js";
import { numbers, view } from "./state.js";
import { LEVEL_WORDS, RANGE_WORDS, levelWord, timesOf } from "./words.js";

/** @import { Level } from "../../contract.d.ts" */

/** @param {Level} level Shows lines of it, or no more; the last one that is shown stays. */
export function toggleLevel(level) {
  const { levels } = view().wanted;
  const next = LEVELS.filter((other) => (other === level) !== levels.includes(other));
  goQuery({ level: next.length === LEVELS.length ? "" : next.join(",") });
}

/** @param {string|null} name of the module that the page is about */
export function filters(name) {
  const { wanted, counted } = view();
  const { search, fields, isOnlyMatching, hasChecks } = wanted;
  const isOfPart = wanted.from !== null || wanted.until !== null;
  const { levels, hits, place } = numbers();
  const shown = LEVELS.filter((level) => level !== "unknown" || levels?.unknown || wanted.levels.length < LEVELS.length);
  return html`
    <div class="filters ${shown.length === LEVELS.length ? "five" : ""}" role="search">
      ${scopeButton(name)}
      <span class="search-box" @keydown=${typed}>${searchInput({
        id: "log-text", label: t("Search these lines"), value: search.text, change: (text) => setQuery({ text }),
        after: html`
          ${search.text && hits !== null ? html`<span class="small muted num hit-count">${place === null
            ? tn("{number} hit", "{number} hits", hits, { number: number(hits) })
            : t("{place} of {hits}", { place: number(place), hits: number(hits) })}</span>` : nothing}
          ${button({
            text: t("Match case"), icon: "case-sensitive", kind: "quiet", size: "small", iconOnly: true,
            pressed: search.isCaseSensitive, run: () => setQuery({ case: search.isCaseSensitive ? "" : "1" }),
          })}
          ${button({
            text: t("Regular expression"), icon: "regex", kind: "quiet", size: "small", iconOnly: true,
            pressed: search.isRegex, run: () => setQuery({ regex: search.isRegex ? "" : "1" }),
          })}
          ${!search.text ? nothing : button({
            text: t("Only matching lines"), icon: "list-filter", kind: "quiet", size: "small", iconOnly: true,
            pressed: isOnlyMatching, run: () => goQuery({ only: isOnlyMatching ? "" : "1" }),
          })}`,
      })}</span>
      <span class="levels" role="group" aria-label=${t("Levels")}>${shown.map((level) => chip(level, levels?.[level] ?? null))}</span>
      ${rangeButton()}
    </div>
    ${search.text || fields.length || isOfPart || hasChecks || counted?.error ? conditions() : nothing}`;
}

/** @param {KeyboardEvent} event */
function typed(event) {
  if (event.key === "Enter") goToHit(event.shiftKey ? "newer" : "older");
  if (event.key === "Escape") setQuery({ text: "" });
}

/** @param {Level} level @param {number|null} count */
const chip = (level, count) => html`
  <button type="button" class="chip ${level}" aria-pressed=${view().wanted.levels.includes(level)}
    title=${`${levelWord(level)} – ${level.charAt(0).toUpperCase()}`} @click=${() => toggleLevel(level)}>
    <i class="swatch"></i><span class="word">${t(LEVEL_WORDS[level].chip)}</span> <b>${count === null ? "" : compact(count)}</b></button>`;

function rangeButton() {
  const { range } = view();
  const words = RANGE_WORDS[range];
  if (!words) return nothing;
  return html`
    <button type="button" class="select range" aria-haspopup="menu" aria-expanded="false"
      @click=${(/** @type {MouseEvent} */ { currentTarget }) => openMenu(/** @type {HTMLElement} */ (currentTarget), rangeItems)}>
      ${icon("clock")}<span class="unseen">${labelled(t("Time range"), "")}</span><span class="wide">${t(words.word)}</span><span class="narrow">${t(words.short)}</span>${icon("chevron-down")}
    </button>`;
}

const rangeItems = () => Object.keys(RANGES).map((range) => ({
  text: t(RANGE_WORDS[range]?.word ?? ""), choice: view().range === range,
  run: () => goQuery({ range, from: "", until: "", at: "" }),
}));

/** Whether there may be matches before what is counted. */
const canWiden = () => view().range !== "all" && view().wanted.from === null && view().wanted.until === null;

/** The part of the time that was chosen. */
function timeChip() {
  const { wanted: { from, until }, span } = view();
  if (from === null && until === null) return nothing;
  const times = timesOf(from ?? span.begin, until ?? span.end);
  return chipOf(times, t("Show the whole time"), () => goQuery({ from: "", until: "", at: "" }));
}

/** @param {string} text @param {string} name of the button that removes it @param {() => void} remove */
const chipOf = (text, name, remove) => html`
  <span class="chip condition"><span class="num">${text}</span>
    <button type="button" class="remove" aria-label=${name} title=${name} @click=${remove}>${icon("x")}</button></span>`;

/** The search's hits, the chosen time, and the conditions on fields. */
function conditions() {
  const { wanted: { search, hasChecks }, counted, hits: found } = view();
  const { lines, hits, place, isComplete } = numbers();
  const error = counted?.error || found?.error;
  return html`
    <div class="conditions">
      ${error ? html`<p class="bad" role="alert">${error}</p>` : nothing}
      ${search.text && !error ? html`
        <span class="num" role="status">${hits === null || lines === null ? t("Searching…")
          : place === null ? t("{hits} of {lines} lines match", { hits: number(hits), lines: number(lines) })
          : t("Match {place} of {hits} in {lines} lines", { place: number(place), hits: number(hits), lines: number(lines) })}${isComplete ? "" : "…"}</span>
        ${button({ text: t("Previous match"), keys: "F3", icon: "chevron-up", kind: "quiet", size: "small", iconOnly: true, run: () => goToHit("older") })}
        ${button({ text: t("Next match"), keys: "Shift+F3", icon: "chevron-down", kind: "quiet", size: "small", iconOnly: true, run: () => goToHit("newer") })}
        ${hits === 0 && isComplete && canWiden() ? button({ text: t("Show everything"), kind: "quiet", size: "small", run: () => goQuery({ range: "all" }) }) : nothing}` : nothing}
      ${timeChip()}
      ${hasChecks ? chipOf(t("Health checks"), t("Fold the health checks"), () => goQuery({ checks: "" })) : nothing}
      ${conditionChips()}
      ${button({ text: t("Condition on a field"), icon: "plus", kind: "quiet", size: "small", run: () => addCondition() })}
    </div>`;
}

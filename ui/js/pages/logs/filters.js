// @ts-check
/** What is shown of the logs. It is in the address, so that it can be gone back to and passed on. */
import { html, nothing } from "../../../vendor/lit-html/lit-html.js";
import { go, setQuery } from "../../address.js";
import { button } from "../../components/button.js";
import { searchInput, select } from "../../components/field.js";
import { number } from "../../format.js";
import { t, tn } from "../../i18n.js";
import { current } from "../../store.js";
import { LEVELS } from "./lines.js";
import { LEVEL_WORDS } from "./list.js";
import { lines } from "./stream.js";

/**
 * @import { Address } from "../../address.js"
 * @import { Level, Module } from "../../contract.d.ts"
 * @import { PageState } from "../../types.d.ts"
 * @import { Filter } from "./lines.js"
 */

/** @param {Address} address @returns {Filter} */
export function filterOf({ query }) {
  const asked = (query["level"] ?? "").split(",");
  const levels = LEVELS.filter((level) => asked.includes(level));
  return {
    levels: new Set(levels.length ? levels : LEVELS),
    service: query["service"] ?? "",
    text: query["text"] ?? "",
    isCaseSensitive: query["case"] === "1",
  };
}

/** @param {Level} level Shows lines of it, or no more; the last one that is shown stays. */
export function toggleLevel(level) {
  const { levels } = filterOf(current().address);
  const next = LEVELS.filter((other) => (other === level) !== levels.has(other));
  setQuery({ level: next.length === LEVELS.length ? "" : next.join(",") });
}

/** @param {PageState} page @param {string|null} name of the module that the page is about */
export function filters(page, name) {
  const filter = filterOf(page.address);
  const isOfAll = page.address.page === "logs";
  return html`
    <div class="filters" role="search">
      ${isOfAll ? moduleChoice(page, name) : nothing}${serviceChoice(page, name, filter)}
      ${searchInput({
        id: "log-text", label: t("Search these lines"), value: filter.text, change: (text) => setQuery({ text }),
        after: html`${filter.text ? html`<span class="small muted num">${hits()}</span>` : nothing}
          ${button({
            text: t("Match case"), icon: "case-sensitive", kind: "quiet", size: "small", iconOnly: true,
            pressed: filter.isCaseSensitive, run: () => setQuery({ case: filter.isCaseSensitive ? "" : "1" }),
          })}`,
      })}
      <span class="levels" role="group" aria-label=${t("Levels")}>${LEVELS.map((level) => chip(level, filter))}</span>
    </div>`;
}

const hits = () => tn("{number} hit", "{number} hits", lines.shown.length, { number: number(lines.shown.length) });

/** @param {PageState} page @param {string|null} name */
const moduleChoice = ({ snapshot }, name) =>
  select({
    id: "log-module", label: t("Module"), value: name ?? "",
    change: (chosen) => go(chosen ? `logs/${encodeURIComponent(chosen)}` : "logs"),
    choices: [
      { value: "", text: t("All modules") },
      ...(snapshot?.modules ?? [])
        .filter((module) => module.name === name || hasContainers(module))
        .map((module) => ({ value: module.name, text: module.title })),
    ],
  });

/** @param {Module} module */
const hasContainers = ({ services }) => services.some(({ state }) => state !== "absent");

/** @param {PageState} page @param {string|null} name @param {Filter} filter */
function serviceChoice({ snapshot }, name, { service }) {
  const services = snapshot?.modules.find((module) => module.name === name)?.services ?? [];
  if (services.length < 2) return nothing;
  return select({
    id: "log-service", label: t("Service"), value: service, change: (chosen) => setQuery({ service: chosen }),
    choices: [
      { value: "", text: t("All services") },
      ...services.map((one) => ({ value: one.name, text: one.name })),
    ],
  });
}

/** @param {Level} level @param {Filter} filter */
const chip = (level, { levels }) => html`
  <button type="button" class="chip ${level}" aria-pressed=${levels.has(level)}
    title=${`${t(LEVEL_WORDS[level].word)} – ${level.charAt(0).toUpperCase()}`} @click=${() => toggleLevel(level)}>
    <i class="swatch"></i>${t(LEVEL_WORDS[level].word)} <b>${number(lines.counts[level])}</b></button>`;

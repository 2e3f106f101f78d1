// @ts-check
/** Filters, histogram, list, details and status: the logs of all modules, or of one. */
import { html, nothing } from "../../../vendor/lit-html/lit-html.js";
import { goQuery } from "../../base/address.js";
import { number } from "../../base/format.js";
import { t, tn } from "../../base/i18n.js";
import { recall, remember } from "../../base/preferences.js";
import { update } from "../../base/store.js";
import { button } from "../../components/button.js";
import { icon } from "../../components/icon.js";
import { empty } from "../../components/notice.js";
import { moveAlong } from "../../components/tabs.js";
import { timeBar } from "./bar.js";
import { lineDetails } from "./details.js";
import { errorList } from "./errors.js";
import { exportButton, exportNotice } from "./export.js";
import { filters } from "./filters.js";
import { histogram } from "./histogram.js";
import { keptNotice, keptText } from "./kept.js";
import { foldedCheckCount, logList } from "./list.js";
import { RANGES } from "./model/query.js";
import { follow, numbers, source, view } from "./state.js";

const WRAP = "wrap-logs";
const isWrapped = () => recall(WRAP) === "on";

function wrap() {
  remember(WRAP, isWrapped() ? "off" : "on");
  update({});
}

/** Buttons for the head of the page, or for its foot. @param {"small"} [size] */
export function logButtons(size) {
  const { wanted: { isOfErrors } } = view();
  const { errors } = numbers();
  /** @param {boolean} isIt @param {string} to @param {unknown} content */
  const part = (isIt, to, content) => html`
    <button type="button" role="radio" aria-checked=${isIt} tabindex=${isIt ? 0 : -1} @click=${() => goQuery({ view: to })}>${content}</button>`;
  return html`
    <span class="seg" role="radiogroup" aria-label=${t("View")} @keydown=${moveAlong}>
      ${part(!isOfErrors, "", t("Stream"))}${part(isOfErrors, "errors", html`${t("Errors")}${errors ? html` <b class="bad">${number(errors)}</b>` : nothing}`)}
    </span>
    ${button({ text: t("Wrap"), icon: "wrap-text", kind: "quiet", ...(size && { size }), pressed: isWrapped(), run: wrap })}
    ${exportButton()}`;
}

/** @param {string|null} name of the module that the page is about @param {unknown} [tools] for the foot */
export function logPanel(name, tools = nothing) {
  const { wanted } = view();
  const hasDetails = wanted.line && !wanted.isOfErrors;
  return html`
    ${filters(name)} ${histogram()} ${exportNotice()} ${keptNotice(name)}
    <div class="logwrap ${hasDetails ? "" : "nodrawer"}">
      ${wanted.isOfErrors ? errorList() : stream()}
      ${hasDetails ? lineDetails() : nothing}
    </div>
    ${status(tools)}`;
}

function stream() {
  const isEmpty = !source.chunk.lines.length && !source.chunk.gaps.size;
  return html`
    <div class="loghold">
      ${isEmpty ? none() : [logList(isWrapped()), timeBar()]}
      ${source.newer && !source.isFollowing ? resume() : nothing}
    </div>`;
}

function none() {
  const { wanted, range, kept } = view();
  if (source.status === "failed") return html`<p class="nolines" role="alert">${source.error}</p>`;
  if (source.status !== "ready") return html`<p class="nolines">${source.status === "searching" ? t("Searching…") : t("Loading…")}</p>`;
  if (kept && kept.first === null) return empty({ icon: "scroll-text", title: t("No log lines yet"), text: t("Lines are kept from the moment a module starts.") });
  const isFiltered = wanted.fields.length || wanted.levels.length < 5 || (wanted.isOnlyMatching && wanted.search.text);
  return empty({
    icon: "search", title: isFiltered ? t("No line matches the filters") : t("No lines in this time"),
    actions: html`
      ${isFiltered ? button({ text: t("Clear filters"), run: () => goQuery({ fields: "", level: "", only: "", text: "" }) }) : nothing}
      ${range !== "all" || wanted.from !== null || wanted.until !== null ? button({ text: t("Show everything"), run: () => goQuery({ range: "all", from: "", until: "" }) }) : nothing}`,
  });
}

const resume = () => html`
  <button type="button" class="resume" @click=${follow}>
    ${icon("arrow-down-to-line", "s14")}${tn("Paused · {number} new line", "Paused · {number} new lines", source.newer, { number: number(source.newer) })}
    <kbd>End</kbd></button>`;

/** Shows the next longer time. */
export function widen() {
  const names = Object.keys(RANGES);
  const next = names[names.indexOf(view().range) + 1];
  if (next) goQuery({ range: next, at: String(source.chunk.lines[0]?.time ?? "") });
}

/** @param {unknown} tools */
const status = (tools) => html`
  <footer class="status">
    ${state()}
    <span class="num">${counted()}</span>
    ${checks()}
    <span class="grow"></span><span class="wide num">${keptText()}</span>${tools}
    ${source.isFollowing
      ? button({ text: t("Pause"), keys: t("Space"), icon: "pause", size: "small", run: () => source.pause() })
      : button({ text: t("Follow"), keys: "End", icon: "arrow-down-to-line", size: "small", run: follow })}
  </footer>`;

/** Their rows may be far above what is seen. */
function checks() {
  const count = foldedCheckCount();
  if (!count || view().wanted.isOfErrors) return nothing;
  return html`<span class="num checks-folded">${tn("{number} health check folded", "{number} health checks folded", count, { number: number(count) })} ·
    <button type="button" class="button link" aria-label=${t("Show the health checks")} @click=${() => goQuery({ checks: "1" })}>${t("Show")}</button></span>`;
}

function state() {
  if (!source.isFollowing) return html`<span class="pill bare" data-state="degraded">${icon("pause")}${t("Paused")}</span>`;
  if (source.status === "failed") return html`<span class="pill bare" data-state="error">${icon("circle-x")}${t("Interrupted")}</span>`;
  return html`<span class="pill bare" data-state="running">${icon("play")}${t("Following")}</span>`;
}

function counted() {
  const { lines, hits } = numbers();
  if (lines === null) return "";
  const all = tn("{number} line", "{number} lines", lines, { number: number(lines) });
  return hits === null ? all : `${all} · ${tn("{number} match", "{number} match", hits, { number: number(hits) })}`;
}

// @ts-check
/** Filters, list, details and status: the logs of all modules, or of one. */
import { html, nothing } from "../../../vendor/lit-html/lit-html.js";
import { button } from "../../components/button.js";
import { copy } from "../../components/copy.js";
import { icon } from "../../components/icon.js";
import { notice } from "../../components/notice.js";
import { number } from "../../format.js";
import { t, tn } from "../../i18n.js";
import { bind } from "../../shell/keys.js";
import { slice } from "../../store.js";
import { lineDetails } from "./details.js";
import { filterOf, filters, toggleLevel } from "./filters.js";
import { choose, chooseNext, chosenLine, follow, logList, pause, sourceOf } from "./list.js";
import { followLogs, lines, streamState } from "./stream.js";

/** @import { PageState } from "../../types.d.ts" */

const own = slice({ isWrapped: false });

/** @param {string|null} name of a module; `null`: of all. What is returned ends it. */
export function enterLogs(name) {
  choose(null);
  const unbind = bind({
    " ": () => (lines.isPaused ? follow() : pause()),
    End: follow,
    e: () => toggleLevel("error"),
    w: () => toggleLevel("warn"),
    i: () => toggleLevel("info"),
    d: () => toggleLevel("debug"),
    u: () => toggleLevel("unknown"),
    j: () => chooseNext(1),
    k: () => chooseNext(-1),
    "Mod+f": find,
    Escape: () => choose(null),
  });
  const leave = followLogs(name);
  return () => {
    unbind();
    leave();
  };
}

function find() {
  const input = document.getElementById("log-text");
  if (input instanceof HTMLInputElement) input.select();
}

/** @param {"small"} [size] Buttons for the head of the page, or small ones for its foot. */
export const logButtons = (size) => html`
  ${button({
    text: t("Wrap"), icon: "wrap-text", kind: "quiet", ...(size && { size }), pressed: own.get().isWrapped,
    run: () => own.set({ isWrapped: !own.get().isWrapped }),
  })}
  ${button({ text: t("Copy"), name: t("Copy the lines shown"), icon: "copy", ...(size && { size, kind: "quiet" }), run: () => copy(lines.shown.map(asText).join("\n")) })}`;

/** @param {import("./lines.js").Line} line */
const asText = (line) => `${line.time ?? "-"} ${sourceOf(line)} ${line.level} ${line.text}`;

/** @param {PageState} page @param {string|null} name @param {unknown} [tools] for the foot */
export function logPanel(page, name, tools = nothing) {
  const filter = filterOf(page.address);
  lines.setFilter(filter);
  const chosen = chosenLine();
  return html`
    ${filters(page, name)} ${notices()}
    <div class="logwrap ${chosen ? "" : "nodrawer"}">
      <div class="loghold">
        ${lines.shown.length ? logList(filter, own.get().isWrapped, name) : none()}
        ${lines.isPaused && lines.newer ? resume() : nothing}
      </div>
      ${chosen ? lineDetails(chosen, filter) : nothing}
    </div>
    ${status(tools)}`;
}

function notices() {
  const { notices: told } = streamState();
  return told.map((text) => html`<div class="lognotice">${notice({ tone: "busy", title: text })}</div>`);
}

function none() {
  const { status: now, message } = streamState();
  if (now === "failed") return html`<p class="nolines">${message}</p>`;
  if (lines.total) return html`<p class="nolines">${t("No line matches the filter.")}</p>`;
  return html`<p class="nolines">${now === "loading" ? t("Loading…") : t("No log lines yet.")}</p>`;
}

const resume = () => html`
  <button type="button" class="resume" @click=${follow}>
    ${icon("arrow-down-to-line", "s14")}${tn("Paused · {number} new line", "Paused · {number} new lines", lines.newer, { number: number(lines.newer) })}
    <kbd>End</kbd></button>`;

/** @param {unknown} tools */
function status(tools) {
  const { status: now } = streamState();
  const word = lines.isPaused
    ? html`<span class="pill bare" data-state="starting">${icon("pause")}${t("Paused")}</span>`
    : html`<span class="pill bare" data-state=${now === "live" ? "running" : "stopped"}>${icon(now === "live" ? "play" : "circle")}${WORDS[now]()}</span>`;
  const counted = { total: number(lines.total), shown: number(lines.shown.length) };
  return html`
    <footer class="status">
      ${word}
      <span class="num">${lines.shown.length === lines.total
        ? tn("{total} line", "{total} lines", lines.total, counted)
        : t("{shown} of {total} lines", counted)}</span>
      <span class="grow"></span>${tools}
      ${lines.isPaused
        ? button({ text: t("Follow"), keys: "End", icon: "arrow-down-to-line", size: "small", run: follow })
        : button({ text: t("Pause"), keys: t("Space"), icon: "pause", size: "small", run: pause })}
    </footer>`;
}

const WORDS = {
  loading: () => t("Loading…"),
  live: () => t("Following"),
  ended: () => t("Nothing is running"),
  failed: () => t("Interrupted"),
};

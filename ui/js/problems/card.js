// @ts-check
/** A problem as a card: what happened, why, since when, and its next steps as buttons. */
import { repeat } from "../../vendor/lit-html/directives/repeat.js";
import { html, nothing } from "../../vendor/lit-html/lit-html.js";
import { dismiss } from "../base/actions.js";
import { invoke } from "../base/bridge.js";
import { ago, bytes, labelled, timeOfDay } from "../base/format.js";
import { t, tn } from "../base/i18n.js";
import { moduleStats } from "../base/stats.js";
import { drawAgainIn, slice } from "../base/store.js";
import { told } from "../base/told.js";
import { button } from "../components/button.js";
import { copy } from "../components/copy.js";
import { icon } from "../components/icon.js";
import { notice } from "../components/notice.js";
import { spark } from "../components/spark.js";
import { hue, tile } from "../components/tile.js";
import { problems, problemsOf } from "./problems.js";
import { addressOf, apply, hasPrevious, restorePrevious, tryAgain } from "./remedies.js";

/**
 * @import { Module, Remedy } from "../contract.d.ts"
 * @import { Problem } from "./problems.js"
 * @import { PageState } from "../types.d.ts"
 */

/**
 * `open`: ids of those whose details are shown; `all`: whether more than the first cards are shown;
 * `lines`: the last ones, by service and end.
 */
const own = slice({ open: /** @type {string[]} */ ([]), all: false, lines: /** @type {Record<string, string[]>} */ ({}) });

/** Whose lines were asked for. @type {Set<string>} */
const asked = new Set();

const ICONS = { set: "", enter: "pencil", trust: "shield-check", retry: "rotate-cw", start: "play", restart: "rotate-cw", logs: "scroll-text", start_engine: "play", open: "wrench" };
const REFRESH_MS = 30_000;
const SETTLED_MS = 500;

/** The last lines that a card shows. */
const LINES = 4;

/** Cards that are shown at first. */
const FEW = 8;

/**
 * Everything that needs attention; only of `module`, if one is given.
 * @param {PageState} page @param {string} [module]
 */
export function problemCards(page, module) {
  const found = module === undefined ? problems(page) : problemsOf(page, module);
  if (found.some(({ since }) => since)) drawAgainIn(REFRESH_MS);
  const shown = own.get().all ? found : found.slice(0, FEW);
  return html`
    ${repeat(shown, ({ id }) => id, (problem) => problemCard(problem, page))}
    ${found.length > FEW ? showAll(found.length) : nothing}`;
}

/** What buttons of a page asked, and was refused. @param {PageState} page */
export const refusals = ({ failures }) => failures.map(({ id, code, message }) => notice({
  tone: "bad", title: t("That wasn't possible"), text: html`${message} <code>${code}</code>`,
  close: button({ text: t("Dismiss"), icon: "x", kind: "quiet", size: "small", iconOnly: true, run: () => dismiss(id) }),
}));

/** @param {number} count */
function showAll(count) {
  const { all } = own.get();
  return html`<div class="buttons">${button({
    text: all ? t("Show fewer") : t("Show all {count}", { count }), icon: all ? "chevron-up" : "chevron-down",
    run: () => own.set({ all: !all }),
  })}</div>`;
}

/** @param {Problem} problem @param {PageState} page */
export function problemCard(problem, page) {
  const { id, title, dismissible } = problem;
  const module = page.snapshot?.modules.find(({ name }) => name === problem.module);
  const isOpen = own.get().open.includes(id);
  const lines = problem.lines.length || problem.code || !module ? problem.lines : lastLines(module);
  const more = module && !problem.code ? factsOf(module) : added(problem);
  return html`
    <section class="card problem" aria-label=${title} data-problem=${problem.code || "trouble"} data-of=${problem.module ?? nothing}>
      ${module ? tile(module) : html`<span class="tile bad-tile">${icon("triangle-alert")}</span>`}
      <div>
        <div class="row-flex problem-head">
          <div class="grow" role="alert"><h2>${title}</h2></div>
          <span class="small faint num">${when(problem)}</span>
          ${dismissible.length ? button({
            text: t("Dismiss"), name: labelled(t("Dismiss"), title), icon: "x", kind: "quiet", size: "small", iconOnly: true,
            run: () => dismissible.forEach(dismiss),
          }) : nothing}
        </div>
        ${module?.trouble?.kind === "memory" ? memoryChart(module) : nothing}
        <p class="why">${reason(problem.why)}</p>
        ${lines.length ? html`<pre class="said">${lines.join("\n")}</pre>` : nothing}
        <div class="buttons">
          ${steps(problem, page)}
          ${module?.trouble && problems(page).length <= FEW && hasPrevious(module) ? button({
            text: t("Restore the previous settings"), name: labelled(t("Restore the previous settings"), title), icon: "undo-2",
            enabled: page.connection === "up" && !page.asked.has(id), run: () => restorePrevious(id, module),
          }) : nothing}
          ${more.length || problem.code ? button({
            text: isOpen ? t("Hide details") : t("Show details"), name: labelled(isOpen ? t("Hide details") : t("Show details"), title),
            icon: isOpen ? "chevron-up" : "chevron-down", kind: "quiet", run: () => toggle(id),
          }) : nothing}
        </div>
        ${isOpen ? details(problem, more, module?.title) : nothing}
      </div>
    </section>`;
}

/** How the memory of its only service grew up to the limit. @param {Module} module */
function memoryChart({ name, services }) {
  const [service, ...others] = services.filter(({ job }) => !job);
  const { memory } = moduleStats(name);
  const limit = others.length ? null : service?.memoryLimit;
  if (!limit || memory.filter((value) => value !== null).length < 2) return nothing;
  return html`
    <div class="memory-chart">
      <div class="stat-line"><span class="grow">${t("Memory, last 30 min")}</span>
        <span class="bad strong">${t("limit {size}", { size: bytes(limit) })}</span></div>
      ${spark(memory, { colour: hue(name), height: 56, max: limit * 1.12, limit })}
    </div>`;
}

/** @param {Problem} problem */
function when({ since, count }) {
  const times = count > 1 ? tn("{count} time", "{count} times", count) : "";
  return [since ? ago(since) : "", times].filter(Boolean).join(" · ");
}

/** The names that matter are between marks. @param {string} why */
const reason = (why) => why.split("\u0001").map((part, index) => (index % 2 ? html`<b>${part}</b>` : part));

/** @param {Problem} problem @param {PageState} page */
function steps(problem, page) {
  const isFree = page.connection === "up" && !page.asked.has(problem.id);
  const acts = problem.remedies.filter((remedy) => !addressOf(remedy));
  // Without the user's trust, it would fail again.
  const repeats = acts.some(({ kind }) => kind === "retry" || kind === "trust" || (!problem.code && kind === "restart"));
  return html`
    ${acts.map((remedy, index) => step(problem, remedy, isFree, index === 0))}
    ${problem.again && !repeats ? button({
      text: t("Try again"), name: labelled(t("Try again"), problem.title), icon: "rotate-cw", enabled: isFree,
      kind: acts.length ? "plain" : "primary", run: () => tryAgain(problem),
    }) : nothing}
    ${problem.remedies.filter((remedy) => addressOf(remedy)).map((remedy) => html`
      <a class="button quiet" href=${addressOf(remedy, problem.since)} aria-label=${labelled(remedy.text, problem.title)}>
        ${icon(ICONS[remedy.kind])}<span>${remedy.text}</span></a>`)}`;
}

/** @param {Problem} problem @param {Remedy} remedy @param {boolean} enabled @param {boolean} isFirst */
const step = (problem, remedy, enabled, isFirst) => button({
  text: remedy.text, name: labelled(remedy.text, problem.title), enabled, kind: isFirst ? "primary" : "plain",
  ...(isFirst || !ICONS[remedy.kind] ? {} : { icon: ICONS[remedy.kind] }),
  run: () => apply(problem, remedy),
});

/** @param {string} id */
function toggle(id) {
  const { open } = own.get();
  own.set({ open: open.includes(id) ? open.filter((other) => other !== id) : [...open, id] });
}

/** What the whole message has besides what is shown. @param {Problem} problem */
function added({ raw, why, lines }) {
  const shown = new Set([...lines, ...why.split("\u0001").join("").split("\n")]);
  return raw.split("\n").map((line) => line.trim()).filter((line) => line && !shown.has(line));
}

/** What is known of the service in trouble. @param {Module} module */
function factsOf({ trouble, services }) {
  const service = services.find(({ name }) => name === trouble?.service);
  return service ? [
    labelled(t("Container"), service.container), labelled(t("Image"), service.image),
    ...(service.exitCode === null ? [] : [labelled(t("Exit code"), String(service.exitCode))]),
    labelled(t("Restarts"), String(service.restarts)),
  ] : [];
}

/** The last lines of the service in trouble, from before it ended. @param {Module} module @returns {string[]} */
function lastLines({ name, trouble }) {
  if (!trouble?.service || !trouble.since || trouble.kind === "unhealthy") return [];
  const { service, since } = trouble;
  const key = `${name}/${service} ${since}`;
  const known = own.get().lines[key];
  if (known) return known;
  const note = (/** @type {string[]} */ lines) => own.set({ lines: { ...own.get().lines, [key]: lines } });
  if (!asked.has(key)) {
    asked.add(key);
    // The last lines are kept a moment after the end.
    setTimeout(async () => {
      const at = Math.ceil(Date.parse(since) / 1000);
      const answer = await invoke("ai/logs/lines", { filter: { services: [`${name}/${service}`] }, at, limit: LINES });
      if (answer.success) note(answer.data.lines.map(({ text }) => told(text)).reverse());
    }, SETTLED_MS);
  }
  return [];
}

/** @param {Problem} problem @param {string[]} more @param {string} [module] */
function details({ code, raw, since }, more, module) {
  const about = [module ?? "", since ? timeOfDay(since) : ""].filter(Boolean).join(" · ");
  return html`
    <div class="details">
      <div class="row-flex small">
        ${code ? html`<span class="tag bad mono">${code}</span>` : nothing}
        <span class="grow muted">${about}</span>
        ${button({ text: t("Copy"), icon: "copy", kind: "quiet", size: "small", run: () => copy([[code, raw].filter(Boolean).join(": "), ...(code ? [] : more)].join("\n")) })}
      </div>
      ${more.length ? html`<pre>${more.join("\n")}</pre>` : nothing}
    </div>`;
}

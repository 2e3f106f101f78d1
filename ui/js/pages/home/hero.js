// @ts-check
/** How everything is, in a sentence, what can be done about all of it, and what it uses. */
import { html, nothing } from "../../../vendor/lit-html/lit-html.js";
import * as actions from "../../base/actions.js";
import { list, uptime } from "../../base/format.js";
import { mark, t, tn } from "../../base/i18n.js";
import { current } from "../../base/store.js";
import { button } from "../../components/button.js";
import { menuButton } from "../../components/menu.js";
import { emblem } from "../../components/state.js";
import { overallState, problems } from "../../problems/problems.js";
import { activeAlerts } from "../alerts/alerts.js";
import { isOverdue } from "../backups/list.js";
import { restartEverything, stopEverything } from "../modules/actions.js";
import { unsaid } from "./problems.js";
import { heroStats } from "./stats.js";

/**
 * @import { Module, Snapshot, State } from "../../contract.d.ts"
 * @import { PageState } from "../../types.d.ts"
 */

/** @type {Record<State, string>} */
const SENTENCES = {
  stopped: mark("Nothing is running"),
  starting: mark("Starting"),
  running: mark("Everything is running"),
  degraded: mark("Partly running"),
  error: mark("Something needs your attention"),
  stopping: mark("Stopping"),
  engine_down: mark("Docker isn't running"),
};

/** @param {PageState} page @param {Snapshot} snapshot */
export function hero(page, snapshot) {
  const found = problems(page).length;
  const count = found + unsaid(page).length + Number(isOverdue());
  const overall = overallState(page, snapshot.state);
  const state = count && overall === "running" ? "degraded" : overall;
  return html`
    <section class="card hero overview" data-state=${state} aria-labelledby="overall">
      <div class="hero-head">
        ${emblem(state, count ? "triangle-alert" : undefined)}
        <div class="grow">
          <h1 id="overall">${sentence(snapshot, count)}</h1>
          <p class="control muted">${line(snapshot, count)}</p>
        </div>
        <div class="buttons">${stackButtons(page, snapshot)}</div>
      </div>
      ${found ? nothing : heroStats(snapshot)}
    </section>`;
}

/** @param {Snapshot} snapshot @param {number} count of what needs attention */
function sentence({ state, modules, sentence }, count) {
  if (sentence) return sentence;
  if (count) return tn("{count} thing needs your attention", "{count} things need your attention", count);
  const isPart = state === "running" && modules.some((module) => module.state === "stopped");
  return isPart ? t("Everything you started is running") : t(SENTENCES[state]);
}

/** @param {Snapshot} snapshot @param {number} count of what needs attention */
function line({ state, modules }, count) {
  if (state === "stopping") return leftToStop(modules);
  if (state === "stopped" && !count) return "";
  return state === "running" && !count ? whatRuns(modules) : healthyOf(modules);
}

/** @param {Module[]} modules */
function leftToStop(modules) {
  const count = modules.filter(({ state }) => state === "stopping").length;
  return tn("{count} module left to stop", "{count} modules left to stop", count);
}

/** @param {Module[]} modules */
function whatRuns(modules) {
  const running = modules.filter(({ state }) => state === "running");
  const features = running.filter(({ kind }) => kind === "feature").length;
  const basics = running.length - features;
  const since = running.map((module) => module.since ?? "").filter(Boolean).sort()[0];
  return [
    features ? tn("{count} feature", "{count} features", features) : "",
    basics ? tn("{count} basic service", "{count} basic services", basics) : "",
    since ? t("up {time}", { time: uptime(since) }) : "",
  ].filter(Boolean).join(" · ");
}

/** @param {Module[]} modules What is healthy, and by name what can be used in spite of problems. */
function healthyOf(modules) {
  const meant = modules.filter(({ wanted, state }) => wanted || state !== "stopped");
  const ready = meant.filter(({ state }) => state === "running");
  if (!meant.length) return t("Nothing is running");
  const healthy = tn(
    "{ready} of {count} module healthy", "{ready} of {count} modules healthy", meant.length, { ready: ready.length },
  );
  const alerted = new Set(activeAlerts().filter(({ muted }) => !muted).map(({ module }) => module));
  const usable = ready.filter(({ kind, name }) => kind === "feature" && !alerted.has(name)).map(({ title }) => title);
  const isTroubled = meant.some(({ state }) => state === "error" || state === "degraded");
  if (!isTroubled || !usable.length) return [healthy, needing(modules)].filter(Boolean).join(" · ");
  const works = tn("{names} works as usual", "{names} work as usual", usable.length, { names: list(usable) });
  return [healthy, needing(modules), works].filter(Boolean).join(" · ");
}

/** @param {Module[]} modules Those that lack one and the same, which the title names only if it is the only problem. */
function needing(modules) {
  const lacking = modules.filter(({ needs }) => needs.length);
  const [needed, ...others] = new Set(lacking.flatMap(({ needs }) => needs));
  if (!needed || others.length) return "";
  const names = list(lacking.map(({ title }) => title));
  const what = modules.find(({ name }) => name === needed)?.title ?? needed;
  return lacking.some(({ remedy }) => remedy) ? tn("{names} needs {what}", "{names} need {what}", lacking.length, { names, what })
    : tn("{names} waits for {what}", "{names} wait for {what}", lacking.length, { names, what });
}

/** @param {PageState} page @param {Snapshot} snapshot */
function stackButtons(page, snapshot) {
  const { start, stop } = snapshot.abilities;
  const isFree = page.connection === "up" && !page.asked.has("all");
  const ends = {
    text: t("Stop all"), icon: "square", enabled: isFree && stop === null, why: stop, run: () => stopEverything(snapshot),
  };
  const begins = {
    text: t("Start all"), icon: "play", enabled: isFree && start === null, why: start, run: actions.startAll,
  };
  const isStopped = snapshot.state === "stopped";
  if (snapshot.state === "running" && start !== null) return more(button(ends), restarts(ends.enabled));
  // The step to take is the one of the problem: beside it, there is no other that starts.
  if (problems(page).length) return more(isStopped ? nothing : button(ends), begins);
  return html`${isStopped ? nothing : button(ends)} ${button({ ...begins, kind: isStopped && begins.enabled ? "start" : "plain" })}`;
}

/** @param {boolean} enabled */
const restarts = (enabled) => ({
  text: t("Restart all"), icon: "rotate-cw", enabled, run: () => restartEverything(current().snapshot),
});

/** @param {unknown} first @param {import("../../components/menu.js").Item} item which stands in its menu */
const more = (first, item) => html`
  <span class="split">${first}${menuButton({
    text: t("More"), name: t("More for all modules"), icon: "chevron-down", kind: "plain", items: () => [item],
  })}</span>`;

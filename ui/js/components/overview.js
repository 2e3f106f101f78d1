// @ts-check
/** How everything is, in a sentence, and what can be done about all of it. */
import { html } from "../../vendor/lit-html/lit-html.js";
import * as actions from "../actions.js";
import { list } from "../format.js";
import { mark, t, tn } from "../i18n.js";
import { button } from "./button.js";
import { emblem } from "./state.js";

/**
 * @import { Module, Snapshot, State } from "../contract.d.ts"
 * @import { PageState } from "../types.d.ts"
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

/** @param {PageState & {snapshot: Snapshot}} page */
export function overview(page) {
  const { snapshot } = page;
  return html`
    <section class="overview" data-state=${snapshot.state} aria-labelledby="overall">
      ${emblem(snapshot.state)}
      <div class="overview-text">
        <h2 id="overall">${sentence(snapshot)}</h2>
        <p class="muted">${engineLine(snapshot)}</p>
      </div>
      <div class="buttons">${stackButtons(page)}</div>
    </section>`;
}

/** @param {Snapshot} snapshot */
function sentence({ state, modules }) {
  const isPart = state === "running" && modules.some((module) => module.state === "stopped");
  return isPart ? t("Everything you started is running") : t(SENTENCES[state]);
}

/** @param {Snapshot} snapshot */
function engineLine({ state, engine, modules }) {
  const version = t("Docker Engine {version}", { version: engine.version ?? "" });
  const told = state === "stopping" ? leftToStop(modules) : healthyOf(modules);
  return told ? `${told} · ${version}` : version;
}

/** @param {Module[]} modules */
function leftToStop(modules) {
  const count = modules.filter(({ state }) => state === "stopping").length;
  return tn("{count} module left to stop", "{count} modules left to stop", count);
}

/** @param {Module[]} modules */
function healthyOf(modules) {
  const meant = modules.filter(({ wanted, state }) => wanted || state !== "stopped");
  const ready = meant.filter(({ state }) => state === "running").length;
  if (!meant.length) return "";
  return tn(
    "{ready} of {count} module healthy", "{ready} of {count} modules healthy",
    meant.length, { ready },
  );
}

/** @param {PageState & {snapshot: Snapshot}} page */
function stackButtons({ snapshot, asked, connection }) {
  const { start, stop } = snapshot.abilities;
  const isFree = connection === "up" && !asked.has("all");
  return html`
    ${button({
      text: t("Stop all"), icon: "square", enabled: isFree && stop === null, why: stop,
      run: () => askToStop(snapshot),
    })}
    ${button({
      text: t("Start all"), icon: "play", kind: "primary", enabled: isFree && start === null,
      why: start, run: actions.startAll,
    })}`;
}

/** @param {Snapshot} snapshot */
function askToStop({ modules }) {
  const running = modules.filter(({ kind, state }) => kind === "feature" && state !== "stopped");
  if (!running.length) {
    actions.stopAll();
    return;
  }
  const names = list(running.map(({ title, name }) => title ?? name));
  actions.confirm({
    title: t("Stop everything?"),
    text: t("Anyone using {names} will be interrupted. Your data is kept.", { names }),
    action: t("Stop all"),
    run: actions.stopAll,
  });
}

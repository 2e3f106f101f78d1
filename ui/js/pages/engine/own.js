// @ts-check
/** Windows' own engine: what it takes, its set-up step by step, and how that ended. */
import { html, nothing } from "../../../vendor/lit-html/lit-html.js";
import { ask, confirm } from "../../base/actions.js";
import { bytes } from "../../base/format.js";
import { mark, t } from "../../base/i18n.js";
import { slice } from "../../base/store.js";
import { button } from "../../components/button.js";
import { icon } from "../../components/icon.js";
import { progress } from "../../components/meter.js";
import { notice } from "../../components/notice.js";
import { needsSetup } from "./state.js";

/**
 * @import { OwnEngine, OwnStep } from "../../contract.d.ts"
 * @import { PageState } from "../../types.d.ts"
 */

const KEY = "own engine";
const own = slice({ isOpen: false });

/** @type {Record<OwnStep["name"], string>} */
const STEPS = {
  look: mark("Look what Windows has"),
  wsl: mark("Switch on WSL"),
  restart: mark("Restart Windows"),
  distribution: mark("Download Debian"),
  docker: mark("Install Docker in it"),
  answer: mark("Start it"),
};
/** @type {Record<OwnStep["state"], string>} */
const SIGNS = { pending: "circle", running: "loader-circle", done: "circle-check", failed: "triangle-alert" };

/** @param {OwnEngine} engine @param {PageState} page */
export const ownEngine = (engine, page) => html`
  <div class="card own-engine">
    ${engine.status === "none" || engine.status === "ready" ? offer(engine, page) : steps(engine, page)}
  </div>`;

/** @param {string} channel @param {PageState} page */
const act = (channel, page) => ({
  enabled: page.connection === "up" && !page.asked.has(KEY),
  run: () => ask(KEY, /** @type {"ai/engine/own/setUp"} */ (channel), {}),
});

/** @param {OwnEngine} engine @param {PageState} page */
const offer = ({ download, disk, minutes }, page) => html`
  <div class="own-head">
    <span class="emblem">${icon("container", "s20")}</span>
    <div class="grow">
      <h3>${t("Windows' own containers (WSL)")} ${needsSetup(page.snapshot) ? html`<span class="tag accent">${t("Recommended")}</span>` : nothing}</h3>
      <p>${t("Set up for you: Debian with Docker, for AI-Server Tray alone. Free, also at work.")}</p>
      <ul class="facts-line small muted">
        <li>${icon("clock")}${t("About {minutes} min", { minutes })}</li>
        <li>${icon("download")}${t("About {size}", { size: bytes(download) })}</li>
        <li>${icon("hard-drive")}${t("{size} on disk, more with your data", { size: bytes(disk) })}</li>
        <li>${icon("shield-check")}${t("Windows asks for your permission once")}</li>
        <li>${icon("refresh-cw")}${t("Windows may have to restart once")}</li>
      </ul>
    </div>
    ${button({ text: t("Set it up"), icon: "download", kind: needsSetup(page.snapshot) ? "primary" : "plain", ...act("ai/engine/own/setUp", page) })}
  </div>`;

/** @param {OwnEngine} engine */
function headline({ status, steps: all }) {
  if (status === "restart") return t("Windows has to restart once");
  if (status === "failed") return t("The set-up stopped");
  if (status === "cancelled") return t("Cancelled");
  const place = all.findIndex(({ state }) => state === "running");
  return t("Setting up Windows' own containers, step {place} of {count}", { place: place + 1, count: all.length });
}

/** @param {OwnEngine} engine @param {PageState} page */
function steps(engine, page) {
  const { status, steps: all, lines, error } = engine;
  const again = button({ text: t("Try again"), icon: "refresh-cw", kind: "primary", ...act("ai/engine/own/setUp", page) });
  return html`
    <div class="own-head">
      <div class="grow" role="status"><h3>${headline(engine)}</h3><p class="muted">${under(status)}</p></div>
      ${status === "running" ? button({ text: t("Cancel"), ...act("ai/engine/own/cancel", page) }) : nothing}
      ${status === "restart" ? button({ text: t("Restart now"), icon: "power", kind: "primary", enabled: page.connection === "up", run: restart }) : nothing}
      ${status === "failed" || status === "cancelled" ? again : nothing}
    </div>
    ${error ? notice({ tone: "bad", title: t("The engine couldn't be set up"), text: error.message }) : nothing}
    <ol class="own-steps">${all.map(step)}</ol>
    ${lines.length ? html`
      <details ?open=${own.get().isOpen} @toggle=${(/** @type {Event} */ { target }) =>
        own.set({ isOpen: /** @type {HTMLDetailsElement} */ (target).open })}>
        <summary>${t("Show details")}</summary><pre class="console" tabindex="0">${lines.join("\n")}</pre>
      </details>` : nothing}`;
}

/** @param {OwnEngine["status"]} status */
const under = (status) => ({
  running: t("You can close this window. It goes on in the background. Cancel removes what was set up so far, except for WSL itself."),
  restart: t("Windows starts its virtualisation only when it starts. AI-Server Tray goes on by itself once you have signed in."),
  failed: t("Nothing half-done is left behind. What was done already isn't done again."),
  cancelled: t("What was set up so far was removed, except for WSL itself."),
})[/** @type {"running"} */ (status)];

/** @param {OwnStep} step */
const step = ({ name, state, detail, percent, seconds }) => html`
  <li data-state=${state} aria-current=${state === "running" ? "step" : nothing}>
    ${icon(SIGNS[state], state === "running" ? "turn" : "")}
    <div class="grow">
      <b>${t(STEPS[name])}</b>
      ${detail ? html`<p class="small muted">${detail}</p>` : nothing}
      ${state === "running" && percent !== null ? progress(t(STEPS[name]), percent / 100) : nothing}
    </div>
    ${state === "done" && seconds !== null && seconds >= 1 ? html`<span class="small muted">${t("{seconds} s", { seconds: Math.round(seconds) })}</span>` : nothing}
  </li>`;

const restart = () => confirm({
  title: t("Restart Windows now?"), text: t("Save your work first. All programs are closed."), action: t("Restart now"),
  run: () => ask(KEY, "ai/engine/own/restart", {}),
});

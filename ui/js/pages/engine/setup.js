// @ts-check
/** The ways to a Docker engine on this machine, where there is none. */
import { html, nothing } from "../../../vendor/lit-html/lit-html.js";
import { ask } from "../../base/actions.js";
import { bytes, list } from "../../base/format.js";
import { mark, t } from "../../base/i18n.js";
import { slice } from "../../base/store.js";
import { button } from "../../components/button.js";
import { copy } from "../../components/copy.js";
import { icon } from "../../components/icon.js";
import { progress } from "../../components/meter.js";
import { notice } from "../../components/notice.js";
import { enginePlaces, foundEnginesState } from "./found.js";
import { ownEngine } from "./own.js";
import { engineSetupState, isForbidden } from "./state.js";

/**
 * @import { EngineChoice, EngineInstall, EnginePackages, EngineSetup, OwnEngine, Wsl } from "../../contract.d.ts"
 * @import { PageState } from "../../types.d.ts"
 */

const KEY = "engine install";
const MANUAL = "https://docs.docker.com/engine/install/";

const own = slice({ isOpen: false });

/** @param {PageState} page @param {unknown} title its heading, with the id `engine-setup` */
export function engineSetup(page, title) {
  const setup = engineSetupState();
  if (setup?.own) return ofWindows(setup.own, setup, page);
  return html`
    <section class="card engine-setup" aria-labelledby="engine-setup">
      <div class="engine-setup-head">
        <span class="emblem" data-state="engine_down">${icon("container")}</span>
        ${title}
        <p class="muted">${isForbidden(page.snapshot)
          ? t("Docker is installed, but you aren't allowed to use it yet.")
          : t("AI-Server Tray runs everything in Docker, and there is none on this computer yet. It continues by itself as soon as Docker is there.")}</p>
        ${setup?.packages ? packages(setup.packages, setup, page) : nothing}
        ${setup && !setup.packages && !setup.choices.length
          ? html`<a class="button primary" href=${MANUAL} target="_blank" rel="noopener noreferrer">${icon("external-link")}${t("How to install Docker")}</a>` : nothing}
      </div>
      ${setup?.choices.length ? html`<ul class="ways">${setup.choices.map(way)}</ul>` : nothing}
      ${setup?.wsl ? html`<p class="engine-note small muted">${wslText(setup.wsl)}</p>` : nothing}
    </section>`;
}

/** Where there is an engine: the choice of another one. @param {PageState} page */
export function engineChoice(page) {
  const engine = engineSetupState()?.own;
  const isOffered = engine && engine.status !== "ready";
  if (!isOffered && foundEnginesState().length < 2) return nothing;
  return html`${enginePlaces(page)}${isOffered ? ownEngine(engine, page) : nothing}`;
}

/** @param {OwnEngine} engine @param {EngineSetup} setup @param {PageState} page */
const ofWindows = (engine, { choices }, page) => html`
  ${ownEngine(engine, page)}
  ${engine.status === "running" || engine.status === "restart" ? nothing : html`
    ${enginePlaces(page)}
    <section class="card engine-setup" aria-labelledby="engine-setup">
      <div class="other-ways"><h3 id="engine-setup">${t("Or a program that brings Docker")}</h3>
        <p class="small muted">${t("AI-Server Tray continues by itself as soon as it runs.")}</p></div>
      <ul class="ways">${choices.map((choice) => way(choice, 1))}</ul>
    </section>`}`;

/** @param {EnginePackages} wanted @param {EngineSetup} setup @param {PageState} page */
function packages(wanted, { install, error }, page) {
  if (install?.status === "running") return installing(install, page);
  const ready = page.connection === "up" && !page.asked.has(KEY);
  return html`
    ${install?.status === "failed" && error ? notice({ tone: "bad", title: t("Docker couldn't be installed"), text: error.message }) : nothing}
    ${install?.status === "cancelled" ? notice({ title: t("Cancelled"), text: t("Nothing was installed. Downloaded packages are kept for the next time.") }) : nothing}
    ${install?.status === "succeeded" ? notice({ tone: "ok", title: t("Docker is installed"), text: t("Waiting for it to start…") }) : nothing}
    ${wanted.possible
      ? button({ text: isForbidden(page.snapshot) ? t("Allow") : t("Install Docker"), icon: isForbidden(page.snapshot) ? "key" : "download", kind: "primary", size: "large", enabled: ready, run: () => ask(KEY, "ai/engine/install", {}) })
      : byHand(wanted.command)}
    <p class="small muted">${isForbidden(page.snapshot) ? nothing : t("Installs {packages} from your system's packages.", { packages: list(wanted.packages) })}
      ${wanted.user ? t("{user} joins the group docker, whose members can do everything on this computer. It works at once here, and in other programs after your next login.", { user: wanted.user }) : nothing}</p>`;
}

/** @param {string} command */
const byHand = (command) => html`
  <p>${t("Type this in a terminal:")}</p>
  <p class="command"><code>${command}</code>${button({ text: t("Copy"), icon: "copy", kind: "plain", size: "small", run: () => copy(command) })}</p>`;

const PHASES = {
  update: mark("Reading the lists of packages"),
  download: mark("Downloading packages"),
  install: mark("Installing packages"),
};

/** @param {EngineInstall} install @param {PageState} page */
function installing({ phase, percent, lines }, page) {
  const text = t(PHASES[phase]);
  return html`
    <div class="engine-progress">
      <p class="stat-line" role="status"><span class="grow">${text}</span><b>${percent === null ? nothing : t("{percent} %", { percent: Math.round(percent) })}</b></p>
      ${progress(text, (percent ?? 0) / 100)}
      <details ?open=${own.get().isOpen} @toggle=${(/** @type {Event} */ { target }) =>
        own.set({ isOpen: /** @type {HTMLDetailsElement} */ (target).open })}>
        <summary>${t("Show details")}</summary><pre class="console" tabindex="0">${lines.join("\n")}</pre>
      </details>
      ${phase === "install"
        ? html`<p class="small muted">${t("This can't be cancelled any more. Closing the window is fine.")}</p>`
        : button({
          text: t("Cancel"), kind: "quiet", enabled: page.connection === "up",
          run: () => ask(KEY, "ai/engine/cancelInstall", {}),
        })}
    </div>`;
}

/** @param {EngineChoice} choice @param {number} place */
const way = ({ title, summary, cost, needs, url }, place) => html`
  <li>
    <h3>${title}${place ? nothing : html`<span class="tag accent">${t("Recommended")}</span>`}</h3>
    <p>${summary}</p><p>${cost}</p><p class="faint">${t("Needs {needs}", { needs })}</p>
    <a class="button ${place ? "plain" : "primary"}" href=${url} target="_blank" rel="noopener noreferrer"
      aria-label=${t("Get {name}", { name: title })}>${icon("external-link")}<span>${t("Get {name}", { name: title })}</span></a>
  </li>`;

/** @param {Wsl} wsl */
export function wslText({ installed, version, memory, total, limited, file }) {
  if (!installed) return t("WSL isn't installed yet. The installers above set it up.");
  if (version === 1) return t("WSL uses version 1 for new systems. Docker needs version 2: wsl --set-default-version 2");
  const size = { memory: bytes(memory), total: bytes(total), file };
  return limited
    ? t("WSL 2 may use {memory} of {total}. The limit is memory= below [wsl2] in {file}; it counts after wsl --shutdown.", size)
    : t("WSL 2 may use {memory} of {total}. To change that, write memory=16GB below [wsl2] in {file}, then run wsl --shutdown.", size);
}

// @ts-check
/** The engines that there are, and the choice of one. */
import { html, nothing } from "../../../vendor/lit-html/lit-html.js";
import { ask, confirm } from "../../base/actions.js";
import { invoke } from "../../base/bridge.js";
import { labelled } from "../../base/format.js";
import { mark, t } from "../../base/i18n.js";
import { slice } from "../../base/store.js";
import { button } from "../../components/button.js";
import { icon } from "../../components/icon.js";
import { connectionTest, isTesting, test } from "./connection.js";

/**
 * @import { FoundEngine } from "../../contract.d.ts"
 * @import { PageState } from "../../types.d.ts"
 */

const USED = "app.engine";

const own = slice({ isLooking: false, engines: /** @type {FoundEngine[]|null} */ (null), error: "" });

export const foundEnginesState = () => own.get().engines ?? [];

export async function lookForEngines() {
  own.set({ isLooking: true });
  const answer = await invoke("ai/engine/found", {});
  own.set({ isLooking: false, ...(answer.success ? { engines: answer.data.engines, error: "" } : { error: answer.message }) });
}

/** @type {Record<FoundEngine["kind"], string>} */
const ICONS = { program: "app-window", own: "container", distribution: "terminal", context: "server", wslc: "container" };
/** @type {Record<FoundEngine["state"], {text: string, tone: string}>} */
const STATES = {
  running: { text: mark("Running"), tone: "ok" },
  off: { text: mark("Off"), tone: "" },
  unknown: { text: mark("Not asked"), tone: "" },
  unusable: { text: mark("Can't be used yet"), tone: "" },
};

/** @param {PageState} page */
export const enginePlaces = (page) => html`
  <section class="card places" aria-labelledby="engine-places">
    <div class="row-flex places-head"><div class="grow"><h3 id="engine-places">${t("Where should the modules run?")}</h3>
      <p class="small muted" role="status">${summary()}</p></div>${lookAgain(page)}</div>
    ${foundEngines(page)}
    <div class="found-engine elsewhere"><span class="emblem">${icon("server")}</span><div class="grow">
      <h4>${t("A computer elsewhere")}</h4><p>${t("Another machine with Docker, over ssh. This window shows and controls it.")}</p>
      <form class="sr-text engine-form" @submit=${useEntered}>
        <span class="input wide"><input id="engine-elsewhere" name="address" placeholder="ssh://anna@192.168.1.40"
          aria-label=${t("Address of an engine")} autocomplete="off" spellcheck="false"></span>
        ${button({ text: t("Check"), icon: "plug-zap", size: "small", enabled: !isTesting() && page.connection === "up", run: () => test(entered()) })}
        <button class="button small">${t("Use…")}</button>
      </form>${connectionTest()}</div></div>
  </section>`;

/** @param {PageState} page */
export const lookAgain = ({ connection }) => button({
  text: t("Look again"), icon: "refresh-cw", kind: "quiet", size: "small", enabled: connection === "up" && !own.get().isLooking, run: lookForEngines,
});

function summary() {
  const { engines, error } = own.get();
  if (error) return error;
  if (!engines) return t("Looking for engines…");
  const used = engines.find((engine) => engine.used && engine.state !== "unusable");
  return used ? t("{name} is used, unless you choose another one.", { name: used.name }) : t("No engine of this computer is in use.");
}

/** @param {PageState} page */
export const foundEngines = (page) => html`
  <ul class="found-list">${foundEnginesState().map((engine) => html`
    <li class="found-engine"><span class="emblem">${icon(ICONS[engine.kind])}</span>
      <div class="grow"><h4>${engine.name} ${tag(engine)}</h4><p>${engine.detail}</p></div>
      ${engine.address && !engine.used ? button({
        text: t("Use…"), name: labelled(t("Use…"), engine.name), size: "small", enabled: page.connection === "up", run: () => askToUse(engine.name, engine.address),
      }) : nothing}
    </li>`)}</ul>`;

/** @param {FoundEngine} engine */
const tag = ({ used, state }) => html`
  <span class="tag ${STATES[state].tone}">${t(STATES[state].text)}</span>${used ? html` <span class="tag accent">${t("In use")}</span>` : nothing}`;

const entered = () => /** @type {HTMLInputElement} */ (document.getElementById("engine-elsewhere")).value.trim();

/** @param {SubmitEvent} event */
function useEntered(event) {
  event.preventDefault();
  if (entered()) askToUse(entered(), entered());
}

/** @param {string} name @param {string} address empty: the one that is found @param {string} [more] */
export const askToUse = (name, address, more = "") => confirm({
  title: t("Use the engine {name}?", { name }),
  text: t("A running operation ends first. Then AI-Server Tray connects to this engine, and open terminals end. Modules on the present engine keep running, but are neither shown nor watched until you use it again."),
  more: more ? html`<p>${more}</p>` : nothing,
  action: t("Use this engine"),
  run: async () => {
    if ((await ask(USED, "ai/config/set", { name: USED, value: address || null })).success) lookForEngines();
  },
});

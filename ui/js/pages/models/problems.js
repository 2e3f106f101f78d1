// @ts-check
/** What keeps a server of the stack from answering, and who waits for it. */
import { html, nothing } from "../../../vendor/lit-html/lit-html.js";
import { operate } from "../../base/actions.js";
import { list } from "../../base/format.js";
import { t } from "../../base/i18n.js";
import { current } from "../../base/store.js";
import { button } from "../../components/button.js";
import { icon } from "../../components/icon.js";
import { checked, isLooking, lookAgain, modelList, usedServers } from "./list.js";
import { MODULE } from "./own_list.js";

/** @import { Server } from "../../contract.d.ts" */

/** The servers of the stack that don't answer. */
export const brokenServers = () => usedServers().filter(({ problem }) => problem);

/** What the last check found broken, unless a server's own card says it. */
export function brokenLink() {
  const said = new Set(brokenServers().map(({ name }) => name));
  const found = checked();
  const link = found?.results.find(({ broken, server }) => broken && !said.has(server));
  if (link || found?.results.some(({ broken }) => broken)) return link?.problem ?? "";
  const own = ["embedding", "webhook", "mail"];
  return found?.rest.find(({ name, outcome }) => outcome === "broken" && own.includes(name))?.text ?? "";
}

/** @param {"page"|"home"} [place] */
export const modelProblems = (place = "page") => html`${brokenServers().map((server) => card(server, place))}${linkCard()}`;

function linkCard() {
  const why = brokenLink();
  return why ? html`
    <section class="card problem amber" data-problem-of="chain" aria-labelledby="link-title">
      <span class="tile">${icon("unplug")}</span>
      <div>
        <div class="row-flex problem-head"><div class="grow"><h2 id="link-title">${t("Models don't answer as they should")}</h2></div></div>
        <p class="why">${why}</p>
        <div class="buttons"><a class="button" href="#models/check">${t("Show the link")}</a></div>
      </div>
    </section>` : nothing;
}

async function startOwn() {
  if ((await operate(MODULE, { kind: "up", modules: [MODULE], untilEnd: true })).success) await lookAgain();
}

/** @param {Server} server @param {"page"|"home"} place */
function card({ name, title, state, problem, hint }, place) {
  const names = new Set(modelList()?.waiting ?? []);
  const waiting = (current().snapshot?.modules ?? []).filter((module) => names.has(module.name)).map((module) => module.title);
  const wait = waiting.length ? t("Waiting for its answers: {names}.", { names: list(waiting) }) : "";
  return html`
    <section class="card problem amber" data-problem-of=${name} aria-labelledby="off-${name}">
      <span class="tile">${icon("cpu")}</span>
      <div>
        <div class="row-flex problem-head"><div class="grow"><h2 id="off-${name}">${state === "off" ? t("{name} is off", { name: title })
          : t("{name} can't be reached by the stack", { name: title })}</h2></div></div>
        <p class="why">${[problem, wait, state === "off" && hint ? `${hint}.` : ""].filter(Boolean).join("\n")}</p>
        <div class="buttons">${name === MODULE && state === "off" ? button({ text: t("Start"), icon: "play", kind: "primary", enabled: !current().asked.has(MODULE), run: startOwn }) : nothing}
          ${place === "home" ? html`<a class="button" href="#models">${t("Show models")}</a>`
          : button({ text: t("Look again"), icon: "rotate-cw", enabled: !isLooking(), run: lookAgain })}</div>
      </div>
    </section>`;
}

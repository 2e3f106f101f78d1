// @ts-check
/** Who answers whom: servers, OneAPI and the modules that ask it, with what came of the last question. */
import { html, nothing } from "../../../vendor/lit-html/lit-html.js";
import { ago } from "../../base/format.js";
import { t } from "../../base/i18n.js";
import { button } from "../../components/button.js";
import { icon } from "../../components/icon.js";
import { barePill, dot } from "../../components/state.js";
import { tile } from "../../components/tile.js";
import { askToUseEverywhere, isWiring } from "./everywhere.js";
import { checked, modelList, usedServers } from "./list.js";

/**
 * @import { ChainResult, Server, Snapshot, State } from "../../contract.d.ts"
 */

/** Links that the question reaches before the server. */
const BEFORE = ["oneapi", "key"];

/** @param {Snapshot} snapshot */
export function wiring(snapshot) {
  const servers = usedServers();
  const users = modelList()?.waiting ?? [];
  const find = (/** @type {string} */ name) => snapshot.modules.find((module) => module.name === name);
  const gate = find("oneapi");
  const asked = checked();
  const broken = asked?.results.find((one) => one.broken);
  return html`
    <section class="card" aria-labelledby="wiring-title">
      <div class="card-head"><h2 class="grow" id="wiring-title">${t("Who answers")}</h2>${!asked ? barePill("stopped", t("Not asked yet"))
        : broken ? barePill("error", t("1 link is broken")) : barePill("running", t("Asked and answered {time}", { time: ago(asked.at) }))}</div>
      <div class="wire">
        <ul>${servers.map((server) => serverNode(server, asked?.results.find(({ server: name }) => name === server.name)))}</ul>
        <ul class="gate">${node({ name: "oneapi", icon: gate?.icon }, gate?.title ?? "OneAPI", gate?.state === "running" ? t("one for all") : t("does not run"),
          gate?.state ?? "stopped")}</ul>
        <ul class="users">${users.length ? users.map((name) => userNode(name, find(name), broken))
          : html`<li class="small muted">${t("No module asks OneAPI yet.")}
            ${button({ text: t("Connect running modules…"), size: "small", enabled: !isWiring(), run: () => void askToUseEverywhere() })}</li>`}</ul>
      </div>
      ${broken?.problem ? html`<div class="card-foot">${icon("triangle-alert", "s14")}<span class="grow">${broken.problem}</span></div>`
        : asked ? html`<div class="card-foot"><span class="grow">${asked.results.map(({ model, answer }) => html`<span class="note-line">${model}: “${answer}”</span>`)}</span></div>`
          : nothing}
    </section>`;
}

/** @param {{name: string, icon?: string}} drawing @param {string} title @param {string} text @param {State} state @param {unknown} [edge] */
const node = (drawing, title, text, state, edge) => html`
  <li class="wnode">${tile(drawing, "tiny")}<span class="grow"><b>${title}</b><span>${text}</span></span>${dot(state, "beside")}${edge ?? nothing}</li>`;

/** @param {Server} server @param {ChainResult} [result] */
function serverNode({ name, title, models, state, problem }, result) {
  const isOff = state === "off" || problem;
  const edge = !result ? "none" : result.broken && !BEFORE.includes(result.broken) ? "bad" : result.broken ? "none" : "ok";
  const first = models[0]?.name ?? "";
  const more = models.length > 1 ? ` +${models.length - 1}` : "";
  return node({ name, icon: "cpu" }, title, isOff ? t("off") : first + more, isOff ? "stopped" : "running",
    link(edge, result?.seconds ? t("{seconds} s", { seconds: result.seconds.toFixed(1) }) : ""));
}

/** @param {string} name @param {Snapshot["modules"][number]|undefined} module @param {ChainResult} [broken] */
function userNode(name, module, broken) {
  const state = module?.state ?? "stopped";
  const edge = !checked() ? "none" : broken ? (broken.broken === "key" ? "bad" : "none") : "ok";
  return node({ name, icon: module?.icon }, module?.title ?? name, broken ? t("waits for answers") : t("asks OneAPI"), state, link(edge, ""));
}

/** What came of the last question on the way from or to OneAPI. @param {"ok"|"bad"|"none"} kind @param {string} text */
const link = (kind, text) => html`<span class="wlink" data-link=${kind}>${kind === "none" ? nothing : icon(kind === "ok" ? "circle-check" : "circle-x")}<span class="num">${text}</span></span>`;

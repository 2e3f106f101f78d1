// @ts-check
/** The servers of this computer: which answer, which the stack uses, how others are turned on, and any other address. */
import { html, nothing } from "../../../vendor/lit-html/lit-html.js";
import { confirm } from "../../base/actions.js";
import { bytes, labelled } from "../../base/format.js";
import { t, tn } from "../../base/i18n.js";
import { slice } from "../../base/store.js";
import { button } from "../../components/button.js";
import { input } from "../../components/field.js";
import { icon } from "../../components/icon.js";
import { barePill } from "../../components/state.js";
import { tile } from "../../components/tile.js";
import { MODULE } from "./own_list.js";
import { canChange, isLooking, lookAgain, modelList, removeServer, usedServers, useServer } from "./list.js";

/** @import { Server } from "../../contract.d.ts" */

const KINDS = { chat: () => t("chat"), embedding: () => t("embedding"), rerank: () => t("rerank") };

const typed = slice({ address: "", key: "" });

export function foundCard() {
  const servers = (modelList()?.servers ?? []).filter(({ name }) => name !== MODULE);
  const there = servers.filter(({ state, used }) => used || (state && state !== "off" && state !== "other"));
  const titles = new Set(there.map(({ title }) => title));
  const off = [...new Map(servers.filter(({ title }) => !titles.has(title)).map((one) => [one.title, one])).values()];
  return html`
    <section class="card servers" aria-labelledby="found-title" aria-busy=${isLooking()}>
      <div class="card-head"><h2 class="grow" id="found-title">${t("Found on this computer")}</h2>
        ${button({ text: t("Look again"), icon: "rotate-cw", kind: "quiet", size: "small", enabled: !isLooking(), run: lookAgain })}</div>
      <ul class="rows">${there.map(row)}
        ${there.length || !modelList() ? nothing : html`<li class="item"><p class="grow">${t("No model server answers.")}</p></li>`}
        <li class="item"><span class="tile tiny">${icon("link")}</span><div class="grow"><h3>${t("Another address")}</h3>
          <p>${t("Any server with the OpenAI interface")}</p></div>${button({ text: t("Add…"), kind: "quiet", size: "small", run: askForAddress })}</li></ul>
      ${off.length ? html`<details class="card-foot"><summary>${t("How to turn on another one")}</summary>
        <dl>${off.map(({ title, hint }) => html`<dt>${title}</dt><dd>${hint}</dd>`)}</dl></details>` : nothing}
    </section>`;
}

/** @param {Server} server */
const stateOf = ({ state }) => (state === "on" ? barePill("running", t("Answers")) : state === "key" ? barePill("degraded", t("Wants an API key"))
  : state === "busy" ? barePill("degraded", t("Does not answer in time")) : barePill("stopped", t("Off")));

/** @param {Server} server */
function row(server) {
  const { name, title, address, models, used, state, relay } = server;
  const facts = [address.replace(/^https?:\/\//, "").replace(/\/.*$/, ""), ...(models.length ? [tn("{count} model", "{count} models", models.length)] : []),
    ...(used ? [relay ? t("used by the stack, through a relay") : t("used by the stack")] : [])];
  return html`
    <li class="item server" data-server=${name}>${tile({ name, icon: "cpu" }, "tiny")}
      <div class="grow"><h3>${title} ${stateOf(server)}</h3><p class="num">${facts.join(" · ")}</p>
        ${models.length ? html`<details><summary>${t("Models")}</summary><ul>${models.slice(0, 50).map(modelLine)}</ul></details>` : nothing}</div>
      ${used ? button({ text: t("Stop using…"), name: labelled(t("Stop using…"), title), kind: "quiet", size: "small", enabled: canChange(), run: () => askToRemove(server) })
        : button({
          text: t("Use for the stack"), name: labelled(t("Use for the stack"), title), kind: "tonal", size: "small",
          enabled: canChange() && (state === "key" || models.length > 0),
          run: () => (state === "key" ? askForAddress(server) : useServer(name)),
        })}</li>`;
}

/** @param {Server["models"][number]} model */
const modelLine = ({ name, kind, bytes: size, context }) => html`<li>${[
  name, KINDS[kind](), size ? bytes(size) : "",
  context ? t("{count} tokens of context", { count: context.toLocaleString() }) : "",
].filter(Boolean).join(" · ")}</li>`;

/** @param {Server} server */
function askToRemove(server) {
  const waiting = modelList()?.waiting.length;
  confirm({
    title: t("Stop using {name}?", { name: server.title }),
    text: waiting && usedServers().length === 1 ? t("Modules that ask OneAPI for its models get no answers then. The server itself keeps running.")
      : t("Its models disappear from OneAPI. The server itself keeps running."),
    action: t("Stop using"), run: () => void removeServer(server),
  });
}

/** @param {Server|MouseEvent} [server] */
function askForAddress(server) {
  typed.set({ address: server && "address" in server ? server.address : "", key: "" });
  confirm({
    title: t("Add a model server"), text: t("Any server with the OpenAI interface, also on another computer."), action: t("Use for the stack"),
    ready: () => Boolean(typed.get().address.trim()),
    more: () => html`<div class="model-form">
      <label for="model-address">${t("Address")}</label>${input({ id: "model-address", value: typed.get().address, placeholder: "http://127.0.0.1:8080/v1", change: (address) => typed.set({ address }) })}
      <label for="model-key">${t("API key")}</label>${input({ id: "model-key", type: "password", value: typed.get().key, placeholder: t("only if it wants one"), change: (key) => typed.set({ key }) })}</div>`,
    run: () => void useServer(typed.get().address.trim(), typed.get().key),
  });
}

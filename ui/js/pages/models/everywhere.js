// @ts-check
/** Local models for everybody: OneAPI gets them, and each running module that can ask OneAPI is connected. */
import { html, nothing } from "../../../vendor/lit-html/lit-html.js";
import { ask, confirm, dismiss, during, open, operate } from "../../base/actions.js";
import { list } from "../../base/format.js";
import { t } from "../../base/i18n.js";
import { recall, remember } from "../../base/preferences.js";
import { current, slice } from "../../base/store.js";
import { button } from "../../components/button.js";
import { notice } from "../../components/notice.js";
import { showToast } from "../../components/toast.js";
import { lookAgain, modelList, usedServers } from "./list.js";
import { installed, loadOwn, MODULE, ownList } from "./own_list.js";

/** @import { Consumer } from "../../contract.d.ts" */

const KEY = "everywhere";

/** What is left to do by hand, by module. */
const own = slice({ left: /** @type {Consumer[]} */ ([]) });

export const isWiring = () => current().asked.has(KEY);

/** The servers that run here and could answer, beside our own. */
export const foundServers = () => (modelList()?.servers ?? []).filter(({ name, state, models }) => name !== MODULE && state === "on" && models.length);

/** The servers that everybody should ask: our own, else those that the stack uses, else all that were found. */
function wanted() {
  if (installed().length) return [MODULE];
  return (usedServers().length ? usedServers() : foundServers()).map(({ name }) => name);
}
const isUsed = (/** @type {string} */ server) => usedServers().some(({ name }) => name === server);

export const isEverywhere = () => wanted().length > 0 && wanted().every(isUsed);

/** @param {string} name */
const module = (name) => current().snapshot?.modules.find((one) => one.name === name);
/** @param {string} name */
const titleOf = (name) => module(name)?.title ?? name;

/** The modules that can ask OneAPI and run now. */
async function consumers() {
  const answer = await ask("consumers", "ai/module/consumers", {});
  const all = answer.success ? answer.data.consumers.filter(({ provider }) => provider === "oneapi") : [];
  return all.filter((one) => one.connected || !["stopped", undefined].includes(module(one.module)?.state));
}

/** Shows what will happen, and does it after a yes. */
export async function askToUseEverywhere() {
  const found = await consumers();
  const models = installed().length ? installed().map(({ title }) => title) : foundServers().flatMap((server) => server.models.map(({ name }) => name));
  const names = list(found.filter(({ connected }) => !connected).map(({ module: name }) => titleOf(name)));
  confirm({
    title: t("Use local models everywhere?"), action: t("Use everywhere"),
    text: [
      t("OneAPI is started if needed, and gets the models: {names}.", { names: list(models) }),
      names ? t("{names}: each gets an access token of OneAPI, and restarts.", { names }) : t("No other running module has to change."),
      t("Disconnect takes it back."),
    ].join(" "),
    run: () => void useEverywhere(found),
  });
}

/** @param {Consumer[]} [found] */
export async function useEverywhere(found) {
  const wired = await during(KEY, async () => wire(found ?? await consumers(), wanted()));
  void lookAgain();
  if (!wired) return;
  own.set({ left: wired.filter(({ help }) => help) });
  showToast({ text: t("OneAPI offers local models within a minute to: {names}.", { names: list(["OneAPI", ...wired.map(({ module: name }) => titleOf(name))]) }), icon: "check" });
}

/** @param {Consumer[]} found @param {string[]} servers @returns {Promise<Consumer[]|null>} those that are connected now */
async function wire(found, servers) {
  const up = (/** @type {string[]} */ modules) => operate("models", { kind: "up", modules, untilEnd: true });
  if (!(await up([...(servers.includes(MODULE) ? [MODULE] : []), "oneapi"])).success) return null;
  // Our own may have others by now. Another server that is used may be off.
  for (const server of servers.filter((name) => name === MODULE || !isUsed(name))) {
    if (!(await ask("models", "ai/models/use", { server })).success) return null;
  }
  const done = /** @type {Consumer[]} */ ([]);
  for (const one of found) {
    if (!(await ask("models", "ai/module/connect", { module: one.module })).success) continue;
    if (!(await ask("models", "ai/config/set", { name: one.choice, value: one.answer })).success) continue;
    done.push(one);
  }
  const changed = done.filter(({ connected }) => !connected).map(({ module: name }) => name);
  return changed.length && !(await up(changed)).success ? null : done;
}

/** Takes it back, after a yes. */
export async function askToDisconnect() {
  const found = (await consumers()).filter(({ connected }) => connected);
  confirm({
    title: t("Disconnect all?"), action: t("Disconnect"),
    text: t("OneAPI loses the local models. These modules lose their access to OneAPI, also to models of other providers there, and restart if they run: {names}.",
      { names: list(found.map(({ module: name }) => titleOf(name))) || t("no module") }),
    run: () => void disconnect(found),
  });
}

/** @param {Consumer[]} found */
async function disconnect(found) {
  const removed = [];
  for (const { name } of usedServers()) removed.push(await ask("models", "ai/models/remove", { server: name }));
  for (const { module: name } of found) await ask("models", "ai/module/disconnect", { module: name });
  const running = found.map(({ module: name }) => name).filter((name) => module(name)?.state !== "stopped");
  if (running.length) await operate("models", { kind: "up", modules: running, untilEnd: true });
  own.set({ left: [] });
  void lookAgain();
  const notices = removed.flatMap((answer) => (answer.success && answer.data.notice) || []);
  if (removed.every(({ success }) => success)) showToast({ text: notices.join(" ") || t("Local models are disconnected."), icon: "check" });
}

/** What a person has to do inside a module: we connect only as far as its own setting goes. */
export const leftToDo = () => own.get().left.map((one) => notice({
  tone: "busy", title: t("{name}: a step is left for you", { name: titleOf(one.module) }), text: one.help,
  actions: html`${button({ text: t("Open {name}", { name: titleOf(one.module) }), kind: "tonal", run: () => void open(one.module) })}
    ${button({ text: t("Done"), kind: "quiet", run: () => own.set({ left: own.get().left.filter((other) => other !== one) }) })}`,
}));

let isAsked = false;

const NONE = "no model";

/** Who has a key inside n8n needs no model, and is not told again. */
function dismissNone() {
  remember(NONE, "dismissed");
  dismiss(NONE);
}

/** Who runs OneAPI may have models of a provider. */
function noneNotice() {
  const runs = (current().snapshot?.modules ?? []).some(({ kind, state }) => kind === "feature" && state === "running");
  const hasOthers = usedServers().length || modelList()?.waiting.length || module("oneapi")?.state !== "stopped";
  return !runs || hasOthers || current().dismissed.has(NONE) || recall(NONE) ? nothing : notice({
    icon: "sparkles", title: t("No model answers yet"), text: t("The modules need one to answer. Download one: no key, no account, nothing leaves this computer."),
    actions: html`<a class="button tonal" href="#models">${t("Show models")}</a>`,
    close: button({ text: t("Dismiss"), icon: "x", kind: "quiet", size: "small", iconOnly: true, run: dismissNone }),
  });
}

/** On Home: models are here, and nobody asks them; or modules run that could ask one, and there is none. */
export function readyNotice() {
  if (!modelList() || isUsed(MODULE)) return nothing;
  if (!ownList() && !isAsked) {
    isAsked = true;
    void loadOwn({});
  }
  if (!ownList() || !installed().length) return ownList() ? noneNotice() : nothing;
  return module(MODULE)?.state !== "running" ? nothing : notice({
    title: t("Local models are ready"), text: t("OneAPI can offer them to the modules, without a key."),
    actions: button({ text: t("Use local models everywhere"), kind: "tonal", enabled: !isWiring(), run: () => void askToUseEverywhere() }),
  });
}

// @ts-check
/** Model servers, and what is done with them. They are asked only when somebody looks. */
import { ask } from "../../base/actions.js";
import { CONNECTION, inOrder, invoke, on } from "../../base/bridge.js";
import { t } from "../../base/i18n.js";
import { current, slice } from "../../base/store.js";
import { showToast } from "../../components/toast.js";

/** @import { Checked, ModelList, Server } from "../../contract.d.ts" */

const own = slice({
  /** @type {ModelList|null} */
  list: null,
  error: "",
  isLooking: false,
  /** @type {Checked|null} What came of the last check of all servers. */
  checked: null,
});

export const modelList = () => own.get().list;
export const listError = () => own.get().error;
export const isLooking = () => own.get().isLooking;
export const checked = () => own.get().checked;

/** Whether servers and models can be added and removed now. */
export const canChange = () => current().connection === "up" && !current().asked.has("models");

/** @returns {Server[]} */
export const usedServers = () => (own.get().list?.servers ?? []).filter(({ used }) => used);

const load = inOrder("ai/models/list", (answer) =>
  own.set(answer.success ? { list: answer.data, checked: answer.data.checked, error: "", isLooking: false }
    : { error: answer.message, isLooking: false }));

/** Asks all servers. */
export function lookAgain() {
  own.set({ isLooking: true });
  return load({});
}

/** Whether a page shows the servers. Otherwise only those of the stack are known, as they were last. */
let isShown = false;

const refresh = () => (isShown ? lookAgain() : load({ look: false }));

on(CONNECTION, ({ state }) => state === "up" && refresh());
on("ai/models/event", () => void (isShown ? loadFacts() : refresh()));

/** What became of the servers of the stack, and what a check by the schedule, or elsewhere, has found. */
async function loadFacts() {
  const answer = await invoke("ai/models/list", { look: false });
  const { list } = own.get(); // a newer one may have come
  if (!answer.success || !list) return;
  const servers = list.servers.map((server) => {
    const now = answer.data.servers.find(({ name }) => name === server.name);
    return now ? { ...server, state: now.state ?? (server.state === "off" ? null : server.state), problem: now.problem } : server;
  });
  own.set({ list: { ...list, servers }, checked: answer.data.checked });
}

/** Asks the servers now, until what is returned is called. */
export function follow() {
  isShown = true;
  if (current().connection === "up") lookAgain();
  return () => {
    isShown = false;
  };
}

/** Lets the stack use a server, and starts OneAPI before. @param {string} server @param {string} [key] */
export async function useServer(server, key) {
  const asked = { server, ...(key && { key }) };
  // What is wrong with the server is said before OneAPI is started for it.
  const first = await invoke("ai/models/use", asked);
  if (!first.success && first.data.module) {
    const begun = await ask("models", "ai/operation/start", { kind: "up", modules: [first.data.module], untilEnd: true });
    if (!begun.success) return;
  }
  const answer = first.success ? first : await ask("models", "ai/models/use", asked);
  if (!answer.success) return;
  await lookAgain();
  const { title } = answer.data.server;
  showToast({ text: answer.data.notice ?? t("The stack uses {title}. OneAPI offers its models within a minute.", { title }), icon: "check" });
}

/** @param {Server} server */
export async function removeServer({ name, title }) {
  const answer = await ask("models", "ai/models/remove", { server: name });
  if (!answer.success) return;
  await lookAgain();
  showToast({ text: answer.data.notice ?? t("The stack no longer uses {name}.", { name: title }), icon: "check" });
}

/** Asks one small question through OneAPI, and checks what else answers depend on. */
export async function checkChain() {
  const answer = await ask("chain", "ai/models/check", {});
  if (answer.success) own.set({ checked: answer.data });
}

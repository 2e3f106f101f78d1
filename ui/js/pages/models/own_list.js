// @ts-check
/** Models of our own, and their downloads. The owner is asked when a page shows them, and after a change. */
import { ask, during, fail, operate } from "../../base/actions.js";
import { CONNECTION, inOrder, invoke, on } from "../../base/bridge.js";
import { bytes } from "../../base/format.js";
import { t } from "../../base/i18n.js";
import { slice } from "../../base/store.js";
import { showToast } from "../../components/toast.js";
import { lookAgain } from "./list.js";

/** @import { OwnModelList, OwnModelsEvent } from "../../contract.d.ts" */

export const MODULE = "local-models";

const own = slice({
  /** @type {OwnModelList|null} */
  list: null,
  error: "",
  /** @type {OwnModelsEvent["pulls"]} */
  pulls: [],
  changes: 0,
});

export const ownList = () => own.get().list;
export const ownError = () => own.get().error;
export const ownModels = () => own.get().list?.models ?? [];
/** @param {string} name */
export const pullOf = (name) => own.get().pulls.find(({ model }) => model === name);
export const pulls = () => own.get().pulls;
/** Those whose file is here. */
export const installed = () => ownModels().filter(({ sha256, state }) => sha256 && state !== "lost");

export const loadOwn = inOrder("ai/models/own/list", (answer) => own.set(answer.success ? { list: answer.data, error: "" } : { error: answer.message }));

/** How the module is, as far as what is shown of its models depends on it. */
let moduleState = "";

/** Asks again where it was asked before. */
function reload() {
  if (own.get().list || own.get().error) void loadOwn({});
}

on(CONNECTION, ({ state }) => state === "up" && reload());
on("ai/snapshot/event", ({ modules }) => {
  const now = modules.find(({ name }) => name === MODULE)?.state ?? "";
  const isOther = now !== moduleState;
  moduleState = now;
  if (isOther) reload();
});

on("ai/models/own/event", ({ pulls: now, changes }) => {
  const isOver = own.get().pulls.length > now.length || own.get().changes !== changes;
  own.set({ pulls: now, changes });
  if (isOver && own.get().list) void loadOwn({});
});

/** Whether the module runs; it is started otherwise. */
async function started() {
  await loadOwn({});
  if (ownList()?.running) return true;
  return (await operate("pull", { kind: "up", modules: [MODULE], untilEnd: true })).success;
}

/** Downloads a model, or takes it from a file. @param {string} model @returns {Promise<boolean>} */
export function pullModel(model) {
  return during(`pull ${model}`, async () => (await started()) && pulled(model));
}

/** @param {string} model */
async function pulled(model) {
  const answer = await invoke("ai/models/own/pull", { model });
  await loadOwn({});
  if (!answer.success) {
    if (answer.code !== "E_CANCELLED") fail(answer);
    return false;
  }
  void lookAgain();
  const { model: name, notice } = answer.data;
  const isOfHub = ownModels().find((one) => one.name === name)?.source;
  told(isOfHub ? t("{name} is here, and its hash is right.", { name }) : t("{name} is here.", { name }), notice);
  return true;
}

/** @param {string} text @param {string|null} notice What else there is to know. */
const told = (text, notice) => showToast({ text: [text, notice].filter(Boolean).join(" "), icon: "check" });

/** @param {string} model */
export const stopPull = (model) => void invoke("ai/models/own/stop", { model });

/** @param {string} name @param {string} title */
export async function removeModel(name, title) {
  const answer = await ask("models", "ai/models/own/remove", { model: name });
  if (!answer.success) return;
  await loadOwn({});
  void lookAgain();
  told(t("{name} is deleted: {size} are free again.", { name: title, size: bytes(answer.data.bytes) }), answer.data.notice);
}

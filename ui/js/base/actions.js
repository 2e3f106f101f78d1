// @ts-check
/**
 * What the page asks of the owner.
 *
 * @import { Channels, Error } from "../contract.d.ts"
 * @import { Answer, Question } from "../types.d.ts"
 */
import { invoke } from "./bridge.js";
import { current, update } from "./store.js";

let failureCount = 0;

/**
 * Waits for `work`; meanwhile, `key` is in the state's `asked`.
 * @template T
 * @param {string} key @param {() => Promise<T>} work
 */
export async function during(key, work) {
  update({ asked: new Set([...current().asked, key]) });
  try {
    return await work();
  } finally {
    update({ asked: new Set([...current().asked].filter((other) => other !== key)) });
  }
}

/**
 * Asks, and shows why where the answer is no. While it waits, `key` is in the state's `asked`.
 * @template {keyof Channels} C
 * @param {string} key @param {C} channel @param {Channels[C]["request"]} payload
 * @returns {Promise<Answer<Channels[C]["answer"]>>}
 */
export async function ask(key, channel, payload) {
  const answer = await during(key, () => invoke(channel, payload));
  if (!answer.success) fail(answer);
  return answer;
}

/** Shows why an answer is no. @param {Error} answer */
export function fail({ code, message, data }) {
  failureCount += 1;
  const failure = { id: `answer-${failureCount}`, code, message, data };
  update({ failures: [...current().failures, failure] });
}

/**
 * Starts an operation.
 * @param {string} key @param {Channels["ai/operation/start"]["request"]} request
 */
export const operate = (key, request) => ask(key, "ai/operation/start", request);

export const startAll = () => operate("all", { kind: "up", modules: [] });
/** @param {string[]} modules */
export const restartAll = (modules) => operate("all", { kind: "restart", modules });
export const stopAll = () => operate("all", { kind: "stop", modules: [] });

/** @param {string} name */
export const start = (name) => operate(name, { kind: "up", modules: [name] });
/** @param {string} name */
export const stop = (name) => operate(name, { kind: "stop", modules: [name] });
/** @param {string} name */
export const stopWithUsers = (name) => operate(name, { kind: "stop", modules: [name], cascade: true });
/** @param {string} name */
export const restart = (name) => operate(name, { kind: "restart", modules: [name] });
/** @param {string} name */
export const open = (name) => ask(`open ${name}`, "ai/module/open", { name });
/** @param {string} id */
export const cancel = (id) => ask(`cancel ${id}`, "ai/operation/cancel", { id });

export async function startEngine() {
  update({ startingEngine: true });
  await ask("engine", "ai/docker/startDocker", {});
  update({ startingEngine: false });
}

/** Whether we can start the engine is asked only when it is down. */
export async function lookAtEngine() {
  const answer = await invoke("ai/docker/checkDocker", {});
  update({ canStartEngine: answer.success && answer.data.canStart });
}

/** @param {string} id of an operation that failed, of its note, or of a failure */
export function dismiss(id) {
  update({
    failures: current().failures.filter((failure) => failure.id !== id),
    dismissed: new Set([...current().dismissed, id]),
  });
}

/** @param {Question|null} question */
export function confirm(question) {
  update({ question });
}

/** @param {string} message for the application's log */
export function report(message) {
  invoke("ai/logs/client/append", { level: "error", message: message.slice(0, 4000) });
}

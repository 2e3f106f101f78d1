// @ts-check
/** Brings lines from the owner: the last ones, then each as it comes. */
import { CONNECTION, invoke, on } from "../../bridge.js";
import { current, observe, slice } from "../../store.js";
import { Lines, MOST } from "./lines.js";

/**
 * @import { LogEvent, Snapshot } from "../../contract.d.ts"
 * @typedef {"loading"|"live"|"ended"|"failed"} Status `ended`: nothing runs that could write more
 */

/** Earlier lines of each service. */
const LEAST = 5;
const TAIL = 1000;

export const lines = new Lines();

const state = slice({
  status: /** @type {Status} */ ("loading"),
  /** @type {string} why it failed */
  message: "",
  /** @type {string[]} which logs can't be read, and why */
  notices: [],
});
export const streamState = state.get;

/** Draws the page again after a change of `lines`. */
export const redraw = () => state.set({});

/** @type {{name: string|null, id: string, running: string}|null} The present stream. */
let stream = null;
let count = 0;

/** @type {LogEvent[]} What came since the last frame. */
let arrived = [];
let isDue = false;

/** @type {Map<string, string>} Service → time of its last line. */
let last = new Map();
/** @type {Map<string, string>} As `last`, when the stream began: what is not newer is known. */
let known = new Map();

/**
 * Follows the logs of a module (`null`: of all). Returns what ends it.
 * @param {string|null} name
 */
export function followLogs(name) {
  lines.clear();
  last = new Map();
  state.set({ status: "loading", message: "", notices: [] });
  stream = { name, id: "", running: "" };
  if (current().connection === "up") attach();
  const leave = on(CONNECTION, ({ state: connection }) => connection === "up" && attach());
  return () => {
    leave();
    stream = null;
    invoke("ai/module/logsDetach", {});
  };
}

/** Begins to listen, also again: after a break, and for containers that started since the end. */
async function attach() {
  if (!stream) return;
  count += 1;
  stream = { ...stream, id: `page-${count}`, running: runningOf(stream.name, current().snapshot) };
  known = new Map(last);
  state.set({ status: "loading" });
  const { name, id } = stream;
  // Those of an earlier page of this window may still be there.
  await invoke("ai/module/logsDetach", {});
  if (stream?.id !== id) return;
  const answer = await invoke("ai/module/logsAttach", { name, streamId: id, tail: tailOf(name, current().snapshot) });
  if (stream?.id !== id) return;
  if (answer.success && state.get().status === "loading") state.set({ status: "live", message: "" });
  if (!answer.success) state.set({ status: "failed", message: answer.message });
}

/** @param {string|null} name @param {Snapshot|null} snapshot */
const servicesOf = (name, snapshot) =>
  (snapshot?.modules ?? []).filter((module) => !name || module.name === name).flatMap(({ services }) => services);

/** @param {string|null} name @param {Snapshot|null} snapshot How many earlier lines of each service can be kept. */
function tailOf(name, snapshot) {
  const count = servicesOf(name, snapshot).filter(({ state }) => state !== "absent").length;
  return Math.max(LEAST, Math.min(TAIL, Math.floor(MOST / Math.max(1, count))));
}

/** @param {string|null} name @param {Snapshot|null} snapshot What changes when a container starts. */
function runningOf(name, snapshot) {
  return servicesOf(name, snapshot)
    .filter((service) => service.state === "running")
    .map(({ container, startedAt }) => `${container} ${startedAt}`)
    .join();
}

observe(({ snapshot }, before) => {
  if (!stream || snapshot === before.snapshot || current().connection !== "up") return;
  const { status } = state.get();
  if (status !== "ended" && status !== "failed") return;
  const running = runningOf(stream.name, snapshot);
  if (running && running !== stream.running) attach();
});

on("ai/module/log", (event) => {
  if (event.streamId !== stream?.id) return;
  arrived.push(event);
  if (arrived.length > 2 * MOST) arrived = arrived.slice(-MOST);
  if (isDue) return;
  isDue = true;
  requestAnimationFrame(take);
});

/** Takes in what came, once a frame, however much it is. */
function take() {
  isDue = false;
  const events = arrived;
  arrived = [];
  lines.add(events.filter(isNew).map(lineOf));
  const notices = events.filter(({ event }) => event === "notice").map(({ message }) => message ?? "");
  const end = events.findLast(({ event }) => event === "end" || event === "error");
  state.set({
    notices: [...new Set([...state.get().notices, ...notices])],
    ...(end && { status: end.event === "end" ? "ended" : "failed", message: end.message ?? "" }),
  });
}

/** @param {LogEvent} event */
function isNew({ event, module, service, timestamp }) {
  if (event !== "stdout" && event !== "stderr") return false;
  const source = `${module}/${service}`;
  if (!timestamp) return !known.has(source);
  const until = known.get(source);
  if (until && timestamp <= until) return false;
  last.set(source, timestamp);
  return true;
}

/** @param {LogEvent} event */
const lineOf = ({ timestamp, module, service, level, continues, chunk }) => ({
  time: timestamp ?? null,
  module: module ?? "",
  service: service ?? "",
  level: level ?? "unknown",
  continues: continues ?? false,
  text: chunk ?? "",
});

// @ts-check
/** Shortcuts of the keyboard, which every page has. */
import { addressTo, go } from "./address.js";
import { recall, remember } from "./preferences.js";
import { current } from "./store.js";

const isMac = navigator.platform.startsWith("Mac");

/**
 * A shortcut with Ctrl, as people read it; on macOS with Cmd.
 * @param {...string} keys
 */
export const shortcut = (...keys) => (isMac ? ["⌘", ...keys].join(" ") : ["Ctrl", ...keys].join("+"));

/** @type {Map<string, ((event: KeyboardEvent) => void)[]>} Of several, the one that was bound last counts. */
const known = new Map();

/**
 * Binds keys, named as by `nameOf`, until what is returned is called.
 * @param {Record<string, (event: KeyboardEvent) => void>} bindings
 */
export function bind(bindings) {
  const all = Object.entries(bindings);
  for (const [keys, run] of all) known.set(keys, [...(known.get(keys) ?? []), run]);
  return () => {
    for (const [keys, run] of all) known.set(keys, (known.get(keys) ?? []).filter((other) => other !== run));
  };
}

/** @param {KeyboardEvent} event Such as `Mod+Shift+a`, `Mod+1`, `?`, `End`; `Mod`: Ctrl, on macOS Cmd. */
function nameOf(event) {
  const mod = isMac ? event.metaKey : event.ctrlKey;
  const isLetter = event.key.length === 1;
  const parts = [mod && "Mod", event.altKey && "Alt", event.shiftKey && (mod || !isLetter) && "Shift"];
  return [...parts.filter(Boolean), isLetter ? event.key.toLowerCase() : event.key].join("+");
}

/** @param {EventTarget|null} target Where a person writes, single keys are text. */
const isWriting = (target) =>
  target instanceof HTMLElement && target.matches("input:not([type=radio], [type=checkbox], [type=range]), textarea, select, [contenteditable]");

/** @param {string} name @param {EventTarget|null} target The space bar presses what has the focus. */
const isPressing = (name, target) =>
  name === " " && target instanceof HTMLElement && target.matches("button, summary, [role=switch], input");

const SINGLE = "single-keys";

/** Whether keys without Ctrl are shortcuts. */
export const hasSingleKeys = () => recall(SINGLE) !== "off";

/** @param {boolean} isOn */
export function setSingleKeys(isOn) {
  remember(SINGLE, isOn ? "on" : "off");
}

/** @param {string} name @param {EventTarget|null} target Ctrl and function keys always count. */
const counts = (name, target) => name.startsWith("Mod+") || /^F\d/.test(name)
  || (hasSingleKeys() && !isWriting(target) && !isPressing(name, target));

document.addEventListener("keydown", (event) => {
  const name = nameOf(event);
  const run = known.get(name)?.at(-1);
  if (!run || !counts(name, event.target)) return;
  if (document.querySelector("#menu:popover-open") && !name.startsWith("Mod+")) return; // it has the keys
  if (document.querySelector("dialog[open]") && name !== "Mod+k") return;
  event.preventDefault();
  run(event);
});

/** @param {number} place of a tab of a feature, from 0 */
function goToTab(place) {
  const features = (current().snapshot?.modules ?? []).filter(({ kind }) => kind === "feature");
  const feature = features[place];
  if (feature) go(addressTo("modules", [feature.name]));
}

bind({
  "Mod+1": () => go("home"),
  ...Object.fromEntries([2, 3, 4, 5, 6, 7, 8, 9].map((n) => [`Mod+${n}`, () => goToTab(n - 2)])),
  "Mod+l": () => go("logs"),
  [isMac ? "Mod+Shift+m" : "Mod+m"]: () => go("monitoring"),
  "Mod+Shift+a": () => go("activity"),
  "Mod+,": () => go("settings"),
  F6: nextRegion,
});

/** Moves the focus to the next region: top bar, side menu, page. */
function nextRegion() {
  const regions = [".tabnav a", ".side a", "#main"].map((selector) => document.querySelector(selector));
  const at = [".topbar", ".side", "#main"].findIndex((selector) => document.activeElement?.closest(selector));
  const next = regions[(at + 1) % regions.length];
  if (next instanceof HTMLElement) next.focus();
}

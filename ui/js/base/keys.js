// @ts-check
/** Shortcuts of the keyboard: what keys are bound to, and how they are shown. */
import { recall, remember } from "./preferences.js";

export const isMac = navigator.platform.startsWith("Mac");

/** Keys as people read them. @param {string} keys named as by `nameOf` */
export function shortcut(keys) {
  const named = keys.split("+").map((key) => (key === "Mod" ? (isMac ? "⌘" : "Ctrl") : key.length === 1 ? key.toUpperCase() : key));
  return named.join(isMac ? " " : "+");
}

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

/** Does what keys are bound to. @param {string} keys */
export const press = (keys) => known.get(keys)?.at(-1)?.(new KeyboardEvent("keydown"));

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
const counts = (name, target) => name.startsWith("Mod+") || /^(?:Shift\+)?F\d/.test(name)
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

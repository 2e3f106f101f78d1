// @ts-check
/** Values as people read them. */
import { mark, t, tn } from "./i18n.js";

/** @import { State } from "./contract.d.ts" */

/**
 * Each state has its word and its shape; its colour is in components.css.
 * @type {Record<State, {word: string, icon: string}>}
 */
export const STATES = {
  stopped: { word: mark("Stopped"), icon: "circle" },
  starting: { word: mark("Starting"), icon: "loader-circle" },
  running: { word: mark("Running"), icon: "circle-check" },
  degraded: { word: mark("Partly running"), icon: "triangle-alert" },
  error: { word: mark("Failed"), icon: "circle-x" },
  stopping: { word: mark("Stopping"), icon: "circle-dot-dashed" },
  engine_down: { word: mark("Docker is off"), icon: "ban" },
};

/** @param {number} seconds */
export function timeLeft(seconds) {
  if (seconds < 60) {
    const count = Math.max(1, Math.round(seconds));
    return tn("about {count} second left", "about {count} seconds left", count);
  }
  return tn("about {count} minute left", "about {count} minutes left", Math.round(seconds / 60));
}

/** @param {string[]} items */
export function list(items) {
  return items.join(t(", "));
}

/** @param {string} name @param {string} what */
export const labelled = (name, what) => t("{name}: {what}", { name, what });

// @ts-check
/**
 * What the page knows; all of it is shown from here. States are replaced, never changed.
 *
 * @import { PageState } from "./types.d.ts"
 */

/** @type {PageState} */
let state = {
  connection: "connecting",
  snapshot: null,
  page: "home",
  canStartEngine: false,
  startingEngine: false,
  asked: new Set(),
  failures: [],
  dismissed: new Set(),
  question: null,
};

/** @type {Set<(now: PageState, before: PageState) => void>} */
const observers = new Set();

/** @returns {PageState} */
export function current() {
  return state;
}

/** @param {Partial<PageState>} patch */
export function update(patch) {
  const before = state;
  state = { ...before, ...patch };
  for (const observer of observers) observer(state, before);
}

/** @param {(now: PageState, before: PageState) => void} observer */
export function observe(observer) {
  observers.add(observer);
}

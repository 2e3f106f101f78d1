// @ts-check
/**
 * What the page knows; all of it is shown from here. States are replaced, never changed.
 *
 * @import { PageState } from "../types.d.ts"
 */

/** @type {PageState} */
let state = {
  connection: "connecting",
  snapshot: null,
  progress: [],
  address: { page: "home", rest: [], query: {} },
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

/** @param {Partial<PageState>} patch An empty one draws the page again. */
export function update(patch) {
  const before = state;
  state = { ...before, ...patch };
  for (const observer of observers) observer(state, before);
}

/** @param {(now: PageState, before: PageState) => void} observer @returns {() => void} what ends it */
export function observe(observer) {
  observers.add(observer);
  return () => observers.delete(observer);
}

/** When the page is drawn again, in milliseconds. */
let due = Infinity;

/**
 * Draws the page again in `milliseconds`, for what changes with time alone. Called while drawing, so
 * that it ends when nothing asks for it any more; a hidden page is not drawn.
 * @param {number} milliseconds
 */
export function drawAgainIn(milliseconds) {
  const own = performance.now() + milliseconds;
  if (own >= due) return;
  due = own;
  setTimeout(() => {
    if (due !== own) return; // something sooner did it
    due = Infinity;
    update({});
  }, milliseconds);
}

/**
 * A state that only one part of the page knows. A change of it draws the page again.
 * @template {object} T
 * @param {T} initial
 */
export function slice(initial) {
  let own = initial;
  return {
    get: () => own,
    /** @param {Partial<T>} patch */
    set(patch) {
      own = { ...own, ...patch };
      update({});
    },
  };
}

/**
 * `after` with those parts of `before` that are equal, so that drawing code can tell by their
 * identity that nothing has changed. `after` is new, such as an event; its parts are replaced.
 * @template T
 * @param {unknown} before @param {T} after @returns {T}
 */
export function keeping(before, after) {
  if (before === after || !isObject(before) || !isObject(after)) return after;
  /** @type {Record<string, unknown>} */
  const parts = after;
  const keys = Object.keys(parts);
  let isSame = Array.isArray(before) === Array.isArray(after) && keys.length === Object.keys(before).length;
  for (const key of keys) {
    const part = keeping(before[key], parts[key]);
    isSame &&= part === before[key];
    parts[key] = part;
  }
  return isSame ? /** @type {T} */ (before) : after;
}

/** @param {unknown} value @returns {value is Record<string, unknown>} */
const isObject = (value) => typeof value === "object" && value !== null;

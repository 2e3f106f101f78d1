// @ts-check
/**
 * What the page knows; all of it is shown from here. States are replaced, never changed.
 *
 * @typedef {import("./types.js").PageState} PageState
 * @typedef {import("./types.js").Snapshot} Snapshot
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

/**
 * Takes a snapshot event. Returns whether it could: else an earlier one was missed.
 * @param {any} payload @returns {boolean}
 */
export function apply(payload) {
  const snapshot = payload.base === null ? payload.snapshot : changed(state.snapshot, payload);
  if (snapshot) update({ snapshot });
  return snapshot !== null;
}

/**
 * `old` with the changes of `payload`; null where these are not of it.
 * @param {Snapshot|null} old @param {any} payload @returns {Snapshot|null}
 */
function changed(old, { seq, base, changes }) {
  if (!old || old.seq !== base) return null;
  const { modules, order, ...whole } = changes;
  const byName = new Map([...old.modules, ...(modules ?? [])].map((m) => [m.name, m]));
  const names = order ?? [...byName.keys()];
  return { ...old, ...whole, seq, modules: names.map((/** @type {string} */ n) => byName.get(n)) };
}

// @ts-check

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

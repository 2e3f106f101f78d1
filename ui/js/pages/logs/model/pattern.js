// @ts-check
/** What is searched: how the owner is asked for it, and where it is in a text that is shown. Pure. */

/** @typedef {{text: string, isRegex: boolean, isCaseSensitive: boolean}} Search */

const SPECIAL = /[\\^$.*+?()[\]{}|]/g;

/** @param {Search} search @returns {{text?: string, pattern?: string}} For the owner, whose patterns are RE2's. */
export function asked({ text, isRegex, isCaseSensitive }) {
  if (!text) return {};
  if (isRegex) return { pattern: isCaseSensitive ? text : `(?i)${text}` };
  return isCaseSensitive ? { pattern: text.replace(SPECIAL, "\\$&") } : { text };
}

/**
 * The owner's patterns take linear time, the browser's don't: one that may take long is not shown.
 * @param {string} pattern
 */
const isQuick = (pattern) => !/\)[*+{]/.test(pattern) && (pattern.match(/[*+]|\{\d+,\}/g)?.length ?? 0) <= 3;

/** @param {Search} search @returns {RegExp|null} `null`: nothing can be marked */
export function marker({ text, isRegex, isCaseSensitive }) {
  if (!text || (isRegex && !isQuick(text))) return null;
  const pattern = isRegex ? text.replace(/^\(\?i\)/, "").replaceAll("(?P<", "(?<") : text.replace(SPECIAL, "\\$&");
  const isAnyCase = !isCaseSensitive || (isRegex && text.startsWith("(?i)"));
  try {
    return new RegExp(pattern, isAnyCase ? "gi" : "g");
  } catch {
    return null; // It may be right for the owner, who says if it is not.
  }
}

/** @typedef {[begin: number, end: number]} Place */

/** @param {string} text @param {RegExp|null} pattern @returns {Place[]} */
export function placesOf(text, pattern) {
  if (!pattern) return [];
  return [...text.matchAll(pattern)].filter(([found]) => found).map(({ index, 0: found }) => [index, index + found.length]);
}

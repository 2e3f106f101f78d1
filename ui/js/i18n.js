// @ts-check
/**
 * The page's own texts. The English text is in the code and is the key of its translation in
 * locale/zh.po, where build/dev.py translate collects what `t`, `tn` and `mark` get.
 */
import chinese from "./locale/zh.js";

/** @import { Language } from "./contract.d.ts" */

/** @type {Language} Until the owner has said which, that of the reader's system. */
let language = navigator.language.startsWith("zh") ? "zh" : "en";
document.documentElement.lang = language;

/** @param {Language} chosen */
export function setLanguage(chosen) {
  if (chosen === language) return; // the same on the root, too, would have all styles computed again
  language = chosen;
  document.documentElement.lang = chosen;
}

/**
 * `text` in the reader's language, with its values.
 * @param {string} text @param {Record<string, unknown>} [values]
 */
export function t(text, values = {}) {
  return filled(translated(text) ?? text, values);
}

/**
 * `one` or `many`, depending on `count`, in the reader's language. Both may use {count}.
 * @param {string} one @param {string} many @param {number} count
 * @param {Record<string, unknown>} [values]
 */
export function tn(one, many, count, values = {}) {
  const text = translated(one) ?? (count === 1 ? one : many);
  return filled(text, { count, ...values });
}

/**
 * `text` itself. Marks a text that reaches `t` later, by way of a table.
 * @param {string} text
 */
export const mark = (text) => text;

/** @param {string} text @returns {string|undefined} */
const translated = (text) => (language === "zh" ? chinese[text] : undefined);

/** @param {string} text @param {Record<string, unknown>} values */
const filled = (text, values) =>
  text.replace(/\{(\w+)\}/g, (_, name) => String(values[name] ?? ""));

// @ts-check
/**
 * The page's own texts. The English text is in the code and is the key of its translation in
 * locale/zh.po, where build/dev.py translate collects what `t`, `tn` and `mark` get.
 */
import { update } from "./store.js";

/** @import { Language } from "../contract.d.ts" */

/** @type {Language} */
let language = "en";

/** @type {Language} Its texts may still have to come. */
let wanted = "en";

/** @type {Record<string, string>} They come only where they are read. */
let chinese = {};

/** Whether the texts are there. Until then, the page is not drawn. */
export const hasTexts = () => wanted === language;

/** @param {Language} chosen */
export async function setLanguage(chosen) {
  if (chosen === wanted) return;
  wanted = chosen;
  if (chosen === "zh") await loadChinese();
  if (wanted !== chosen) return; // another one was chosen meanwhile
  language = chosen;
  document.documentElement.lang = chosen;
  update({});
}

async function loadChinese() {
  try {
    chinese = (await import("../locale/zh.js")).default;
  } catch {
    window.dispatchEvent(new Event("incomplete")); // browsers do not try a part again
  }
}

// Until the owner has said which, that of the reader's system.
setLanguage(navigator.language.startsWith("zh") ? "zh" : "en");

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

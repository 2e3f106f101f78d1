// @ts-check
/** The text of a line: what was searched is marked, and `key=value` has its colours. */
import { html } from "../../../vendor/lit-html/lit-html.js";

/** @import { Filter } from "./lines.js" */

const PAIR = /([A-Za-z_][\w.-]*=)("[^"]*"|[^\s,;]+)/;
const NUMBER = /^-?\d+(\.\d+)?$/;

/** Longer lines are cut in the list, and whole in the details. */
const MOST_CHARACTERS = 1000;

/** @param {string} text @param {Filter} filter */
export function shownText(text, filter) {
  const shown = text.slice(0, MOST_CHARACTERS);
  const places = placesOf(shown, filter);
  let at = 0;
  return shown.split(PAIR).map((piece, i) => {
    const content = cut(piece, at, places);
    at += piece.length;
    if (i % 3 === 0) return content;
    const kind = i % 3 === 1 ? "k" : NUMBER.test(piece) ? "n" : "s";
    return html`<span class=${kind}>${content}</span>`;
  });
}

/** @param {string} text @param {Filter} filter */
export const marked = (text, filter) => cut(text, 0, placesOf(text, filter));

/** @typedef {[begin: number, end: number]} Place */

/** @param {string} text @param {Filter} filter @returns {Place[]} where what is searched is */
function placesOf(text, { text: wanted, isCaseSensitive }) {
  if (!wanted) return [];
  const whole = isCaseSensitive ? text : text.toLowerCase();
  const part = isCaseSensitive ? wanted : wanted.toLowerCase();
  // A few letters have more or fewer characters in small: then the places are not the same.
  if (whole.length !== text.length) return [];
  /** @type {Place[]} */
  const places = [];
  for (let at = whole.indexOf(part); at >= 0; at = whole.indexOf(part, at + part.length)) {
    places.push([at, at + part.length]);
  }
  return places;
}

/** @param {string} piece @param {number} begin of it in the text @param {Place[]} places */
function cut(piece, begin, places) {
  const within = places
    .map(([from, to]) => [Math.max(from - begin, 0), Math.min(to - begin, piece.length)])
    .filter(([from = 0, to = 0]) => from < to);
  if (!within.length) return piece;
  let at = 0;
  const parts = within.flatMap(([from, to]) => {
    const before = piece.slice(at, from);
    at = to ?? at;
    return [before, html`<mark>${piece.slice(from, to)}</mark>`];
  });
  return [...parts, piece.slice(at)];
}

/**
 * The fields of a line that is JSON, or has several `key=value`.
 * @param {string} text @returns {[string, unknown][]}
 */
export function fieldsOf(text) {
  try {
    const found = JSON.parse(text);
    if (found && typeof found === "object" && !Array.isArray(found)) return Object.entries(found);
  } catch {
    // It is no JSON.
  }
  const pairs = [...text.matchAll(new RegExp(PAIR, "g"))];
  return pairs.length > 1 ? pairs.map(([, key = "", value = ""]) => [key.slice(0, -1), unquoted(value)]) : [];
}

/** @param {string} value */
function unquoted(value) {
  const plain = value.replace(/^"(.*)"$/, "$1");
  return NUMBER.test(plain) ? Number(plain) : plain;
}

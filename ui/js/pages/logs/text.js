// @ts-check
/** The text of a line: colours of terminals, fields as `key=value`, and what was searched. */
import { html } from "../../../vendor/lit-html/lit-html.js";
import { placesOf } from "./model/pattern.js";

/**
 * @import { Span } from "./model/ansi.js"
 * @import { Place } from "./model/pattern.js"
 */

const PAIR = /(?<![\w.-])([A-Za-z_][\w.-]*=)("(?:[^"\\]|\\.)*"|[^\s,;"]+)/g;
const NUMBER = /^-?\d+(?:\.\d+)?(?:ms|s|B|kB|MB|GB|%)?$/;

/** Longer lines are cut in the list, and whole in the details. */
const MOST_CHARACTERS = 1000;

/** @param {string} text @returns {Span[]} */
const fieldSpans = (text) =>
  [...text.matchAll(PAIR)].flatMap(({ index, 1: key = "", 2: value = "" }) => {
    const begin = index + key.length;
    return [
      { begin: index, end: begin, look: "k" },
      { begin, end: begin + value.length, look: NUMBER.test(value) ? "n" : "s" },
    ];
  });

/** @param {{text: string, spans: Span[]}} line @param {RegExp|null} pattern */
export function said({ text, spans }, pattern) {
  const shown = text.length > MOST_CHARACTERS ? `${text.slice(0, MOST_CHARACTERS)}…` : text;
  const places = placesOf(shown, pattern);
  const looks = spans.length || !shown.includes("=") ? spans : fieldSpans(shown);
  if (!looks.length) return cut(shown, 0, places);
  let at = 0;
  const pieces = looks.flatMap(({ begin, end, look }) => {
    const before = cut(shown.slice(at, begin), at, places);
    at = end;
    return [before, html`<span class=${look}>${cut(shown.slice(begin, end), begin, places)}</span>`];
  });
  return [...pieces, cut(shown.slice(at), at, places)];
}

/** @param {string} text @param {RegExp|null} pattern */
export const marked = (text, pattern) => cut(text, 0, placesOf(text, pattern));

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

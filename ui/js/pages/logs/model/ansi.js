// @ts-check
/**
 * What a terminal would obey, as data: colours become looks, the rest goes. Control characters, and
 * those that turn the direction of a text, become visible. Pure.
 */

/** @typedef {{begin: number, end: number, look: string}} Span where in the text a look holds: names of classes */

const ESCAPES = /\x1b\[([0-9;:]*)m|\x1b\[[0-?]*[ -/]*[@-~]|\x1b[\]PX^_][^\x07\x1b]*(?:\x07|\x1b\\)?|\x1b[ -/]*[0-~]|\x1b/g;

const CONTROLS = /[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]/g;

/** @type {Record<string, string>} */
const NAMES = {
  "\u061c": "ALM", "\u200b": "ZWSP", "\u200e": "LRM", "\u200f": "RLM", "\u202a": "LRE", "\u202b": "RLE", "\u202c": "PDF",
  "\u202d": "LRO", "\u202e": "RLO", "\u2066": "LRI", "\u2067": "RLI", "\u2068": "FSI", "\u2069": "PDI", "\ufeff": "BOM",
};

/** Joiners shape letters of some scripts and parts of emoji, and turn nothing. */
const JOINERS = "\u200c\u200d";

/** @param {string} character */
function visible(character) {
  if (JOINERS.includes(character)) return character;
  const code = character.charCodeAt(0);
  if (code < 0x20) return String.fromCharCode(0x2400 + code);
  return `⟨${NAMES[character] ?? code.toString(16).toUpperCase().padStart(2, "0")}⟩`;
}

/** @typedef {{isBold: boolean, isFaint: boolean, isItalic: boolean, isUnderlined: boolean, colour: string}} Look */

/** @type {Look} */
const PLAIN = { isBold: false, isFaint: false, isItalic: false, isUnderlined: false, colour: "" };

const COLOURS = ["black", "red", "green", "yellow", "blue", "magenta", "cyan", "white"];

/** @param {Look} look @param {number} code @returns {Look} */
function after(look, code) {
  if (code === 0) return PLAIN;
  if (code === 1) return { ...look, isBold: true };
  if (code === 2) return { ...look, isFaint: true };
  if (code === 3) return { ...look, isItalic: true };
  if (code === 4) return { ...look, isUnderlined: true };
  if (code === 22) return { ...look, isBold: false, isFaint: false };
  if (code === 23) return { ...look, isItalic: false };
  if (code === 24) return { ...look, isUnderlined: false };
  if (code === 39) return { ...look, colour: "" };
  const place = code >= 90 && code <= 97 ? code - 90 : code - 30;
  return code >= 30 && COLOURS[place] && code !== 38 ? { ...look, colour: COLOURS[place] } : look;
}

/** @param {Look} look @param {string} codes such as `1;31` */
function obeyed(look, codes) {
  const numbers = codes.split(/[;:]/).map(Number);
  let now = look;
  for (let i = 0; i < numbers.length; i += 1) {
    const code = numbers[i] ?? 0;
    if (code === 38 || code === 48) {
      const [kind, colour = 8] = numbers.slice(i + 1);
      if (code === 38 && kind === 5 && colour < 16) now = after(now, colour < 8 ? 30 + colour : 82 + colour);
      i += kind === 5 ? 2 : 4;
    } else now = after(now, code);
  }
  return now;
}

/** @param {Look} look */
const classes = ({ isBold, isFaint, isItalic, isUnderlined, colour }) =>
  [isBold && "bold", isFaint && "faintly", isItalic && "italic", isUnderlined && "underlined", colour && `ansi-${colour}`]
    .filter(Boolean).join(" ");

/** @param {string} text @returns {{text: string, spans: Span[]}} */
export function readable(text) {
  if (!/[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]/.test(text)) return { text, spans: [] };
  /** @type {Span[]} */
  const spans = [];
  let shown = "";
  let look = PLAIN;
  const add = (/** @type {string} */ piece) => {
    const begin = shown.length;
    shown += piece.replace(CONTROLS, visible);
    const name = classes(look);
    if (name && shown.length > begin) spans.push({ begin, end: shown.length, look: name });
  };
  let at = 0;
  for (const found of text.matchAll(ESCAPES)) {
    add(text.slice(at, found.index));
    if (found[1] !== undefined) look = obeyed(look, found[1]);
    at = found.index + found[0].length;
  }
  add(text.slice(at));
  return { text: shown, spans };
}

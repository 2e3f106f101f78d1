// @ts-check
/** The lines of a stack trace: those of libraries are folded, so that one's own frames are seen. Pure. */

/** @typedef {"own"|"library"|"text"} Kind */

/** Frames name a file, or a class. A frame of Python and Go has a second line. */
const PYTHON = /^\s*File "([^"]+)", line \d+/;
const NODE_OR_JAVA = /^\s*at\s+(\S.*)$/;
const GO = /^\s+(\S+\.go):\d+/;
const MORE = /^\s*\.\.\. \d+ (?:more|common)/;

const LIBRARY = new RegExp(
  [
    "site-packages|dist-packages|node_modules|<frozen |/lib/python\\d|/usr/local/go/src|/pkg/mod/|/runtime/", // folders
    "^(?:async )?(?:node:|internal/)|\\((?:node:|internal/|<anonymous>)",
    "^(?:(?:java\\.base|app)/+)?(?:java|javax|jakarta|jdk|sun|kotlin|scala|io\\.netty|org\\.springframework|org\\.apache|org\\.hibernate)\\.",
  ].join("|"),
);

/** @param {string} text @returns {Kind|null} `null`: it has no frame of its own */
function kindOf(text) {
  if (MORE.test(text)) return "library";
  const place = (PYTHON.exec(text) ?? NODE_OR_JAVA.exec(text) ?? GO.exec(text))?.[1];
  if (place === undefined) return null;
  return LIBRARY.test(place) ? "library" : "own";
}

/** @param {string} text */
const indentOf = (text) => text.length - text.trimStart().length;

/** @param {string[]} texts @returns {Kind[]} */
export function kinds(texts) {
  /** @type {Kind[]} */
  const found = [];
  let indent = 0;
  texts.forEach((text, i) => {
    const own = kindOf(text);
    const before = found[i - 1];
    if (own && GO.test(text) && before === "text") found[i - 1] = own; // the function, above its place
    // Under a frame of Python is the code of that line.
    const isCode = own === null && before !== undefined && before !== "text" && indentOf(text) > indent;
    found.push(own ?? (isCode ? before : "text"));
    if (own) indent = indentOf(text);
  });
  return found;
}

/** Lines without frames that are shown before the rest is folded. */
const MOST = 8;

/**
 * The parts of what stands under an entry's first line: lines to show, and lines that are folded.
 * @template {{text: string}} L
 * @param {L[]} lines @returns {{isFolded: boolean, isOfFrames: boolean, lines: L[]}[]}
 */
export function parts(lines) {
  const all = kinds(lines.map(({ text }) => text));
  if (!all.some((kind) => kind !== "text")) {
    if (lines.length <= MOST) return [{ isFolded: false, isOfFrames: false, lines }];
    return [
      { isFolded: false, isOfFrames: false, lines: lines.slice(0, MOST - 1) },
      { isFolded: true, isOfFrames: false, lines: lines.slice(MOST - 1) },
    ];
  }
  /** @type {{isFolded: boolean, isOfFrames: boolean, lines: L[]}[]} */
  const found = [];
  lines.forEach((line, i) => {
    const isFolded = all[i] === "library";
    const last = found.at(-1);
    if (last && last.isFolded === isFolded) last.lines.push(line);
    else found.push({ isFolded, isOfFrames: isFolded, lines: [line] });
  });
  return found;
}

/** @param {{text: string}[]} lines How many frames folded lines have. */
export const frameCount = (lines) => lines.filter(({ text }) => kindOf(text) !== null).length;

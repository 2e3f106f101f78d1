// @ts-check
/** The lines that the page has of all that are kept: some thousands around what is seen. Pure. */
import { told } from "../../../base/told.js";
import { readable } from "./ansi.js";

/**
 * @import { Level, LogGap, LogLine } from "../../../contract.d.ts"
 * @import { Span } from "./ansi.js"
 * @typedef {{cursor: string, time: number, module: string, service: string, stream: string, level: Level,
 *   continues: boolean, isCheck: boolean, text: string, spans: Span[], same: string}} Line
 *   `text`: as it is shown; `same`: what is equal in lines that say the same
 */

/** Times within a line differ though it says the same. */
const TIMES = /\d{4}[-/]\d\d[-/]\d\d[T ]\d\d:\d\d:\d\d(?:[.,]\d+)?(?:Z|[+-]\d\d:?\d\d)?|\b\d\d:\d\d:\d\d(?:[.,]\d+)?\b/g;

/** @param {LogLine} line @returns {Line} */
export function read({ cursor, time, module, service, stream, level, continues, isCheck, text: raw }) {
  const { text, spans } = readable(told(raw));
  const same = /\d:\d/.test(text) ? text.replace(TIMES, "") : text;
  return { cursor, time, module, service, stream, level, continues, isCheck, text, spans, same };
}

export class Chunk {
  /** @type {Line[]} The newest last. */
  lines = [];
  /** @type {Map<string, LogGap>} */
  gaps = new Map();
  /** Whether there may be more in this direction. */
  hasOlder = true;
  hasNewer = false;
  /** Counts its changes. */
  version = 0;
  #most;
  /** @type {Set<string>} */
  #known = new Set();

  /** @param {number} most lines that it keeps */
  constructor(most) {
    this.#most = most;
  }

  /** @param {LogLine[]} lines the newest first */
  addOlder(lines) {
    this.#insert(lines.toReversed());
    const extra = this.lines.length - this.#most;
    if (extra > 0) {
      for (const { cursor } of this.lines.splice(-extra)) this.#known.delete(cursor);
      this.hasNewer = true;
    }
  }

  /** @param {LogLine[]} lines the newest last @param {number} [most] lines to keep, of one that follows */
  addNewer(lines, most = this.#most) {
    this.#insert(lines);
    const extra = this.lines.length - most;
    if (extra > 0) {
      for (const { cursor } of this.lines.splice(0, extra)) this.#known.delete(cursor);
      this.hasOlder = true;
    }
  }

  /** @param {string} cursor */
  has(cursor) {
    return this.#known.has(cursor);
  }

  /** @param {LogGap[]} gaps */
  addGaps(gaps) {
    this.version += gaps.length;
    for (const gap of gaps) this.gaps.set(`${gap.module}/${gap.service} ${gap.begin}`, gap);
  }

  /** @param {string} cursor Whether it was not known until now. */
  #isNew(cursor) {
    const before = this.#known.size;
    return this.#known.add(cursor).size > before;
  }

  /** @param {LogLine[]} lines in any order: the owner may store old lines of a log now, as when it begins. */
  #insert(lines) {
    this.version += 1;
    const fresh = inOrder(lines.filter(({ cursor }) => this.#isNew(cursor)).map(read));
    const [first, last] = [fresh[0], this.lines.at(-1)];
    if (!first || !last || first.time >= last.time) this.lines.push(...fresh);
    else this.lines = merged(this.lines, fresh);
  }
}

/** @param {Line[]} one @param {Line[]} other @returns {Line[]} in the order of time */
function merged(one, other) {
  const first = one[0];
  const newest = other.at(-1);
  if (first && newest && newest.time <= first.time) return [...other, ...one];
  return inOrder([...one, ...other]);
}

/** @param {Line[]} lines @returns {Line[]} */
const inOrder = (lines) => lines.sort((line, next) => line.time - next.time);

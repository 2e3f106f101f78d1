// @ts-check
/** The lines that the page keeps, and which of them are shown. Knows nothing of how they look. */

/**
 * @import { Level } from "../../contract.d.ts"
 * @typedef {{id: number, time: string|null, module: string, service: string, level: Level,
 *   continues: boolean, text: string, matches: boolean}} Line
 * @typedef {{levels: ReadonlySet<Level>, service: string, text: string, isCaseSensitive: boolean}} Filter
 */

/** @type {Level[]} From the most severe to the least. */
export const LEVELS = ["error", "warn", "info", "debug", "unknown"];

export const MOST = 5000;

/** Colours of terminals, and what else a terminal would obey, or would turn the text's direction. */
const COMMANDS = /\x1b\[[0-9;:?]*[A-Za-z]|\x1b[^[]|[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]/g;

/** @type {Filter} */
const EVERYTHING = { levels: new Set(LEVELS), service: "", text: "", isCaseSensitive: false };

export class Lines {
  /** @type {Line[]} Those that match the filter, the newest last. */
  shown = [];
  /** How many entries of each level match the rest of the filter. A stack trace is one. */
  counts = zeros();
  isPaused = false;
  /** Lines that came while it is paused. */
  newer = 0;
  #filter = EVERYTHING;
  /** @type {Line[]} */
  #kept = [];
  /** @type {Line[]} Those that came while it is paused: what is looked at must not move. */
  #waiting = [];
  #lastId = 0;

  get total() {
    return this.#kept.length;
  }

  /** @param {Omit<Line, "id"|"matches">[]} lines */
  add(lines) {
    const added = lines.slice(-MOST).map((line) => this.#read(line));
    if (this.isPaused) {
      this.newer += lines.length;
      this.#waiting = [...this.#waiting, ...added].slice(-MOST);
      return;
    }
    this.#keep(added);
  }

  pause() {
    this.isPaused = true;
  }

  follow() {
    this.isPaused = false;
    this.newer = 0;
    this.#keep(this.#waiting);
    this.#waiting = [];
  }

  clear() {
    this.#kept = [];
    this.#waiting = [];
    this.follow();
  }

  /** @param {Filter} filter */
  setFilter(filter) {
    if (isSame(filter, this.#filter)) return;
    this.#filter = filter;
    for (const line of [...this.#kept, ...this.#waiting]) line.matches = matches(line, filter);
    this.#show();
  }

  /** @param {Omit<Line, "id"|"matches">} line @returns {Line} */
  #read(line) {
    this.#lastId += 1;
    const read = { ...line, id: this.#lastId, matches: false, text: line.text.replace(COMMANDS, "") };
    read.matches = matches(read, this.#filter);
    return read;
  }

  /** @param {Line[]} added */
  #keep(added) {
    this.#kept = this.#kept.concat(added).slice(-MOST);
    this.#show();
  }

  #show() {
    this.counts = zeros();
    const matching = this.#kept.filter(({ matches }) => matches);
    for (const { level, continues } of matching) this.counts[level] += continues ? 0 : 1;
    this.shown = matching.filter(({ level }) => this.#filter.levels.has(level));
  }
}

/** @returns {Record<Level, number>} */
const zeros = () => ({ error: 0, warn: 0, info: 0, debug: 0, unknown: 0 });

/** @param {Line} line @param {Filter} filter Levels are counted, so they don't count here. */
function matches({ service, text }, filter) {
  if (filter.service && service !== filter.service) return false;
  if (!filter.text) return true;
  return filter.isCaseSensitive
    ? text.includes(filter.text)
    : text.toLowerCase().includes(filter.text.toLowerCase());
}

/** @param {Filter} one @param {Filter} other */
const isSame = (one, other) =>
  one.text === other.text && one.service === other.service && one.isCaseSensitive === other.isCaseSensitive &&
  [...LEVELS].every((level) => one.levels.has(level) === other.levels.has(level));

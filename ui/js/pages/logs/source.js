// @ts-check
/** Brings the lines of the list: those around a place, more in both directions, and those that come. */
import { CONNECTION, invoke, on } from "../../base/bridge.js";
import { ask } from "./ask.js";
import { Chunk } from "./model/chunk.js";

/**
 * @import { FollowedLines, LogFilterForm, LogLine } from "../../contract.d.ts"
 * @import { Found, Place } from "./ask.js"
 * @typedef {"older"|"newer"} Direction
 */

const FIRST = 200;
const PAGE = 400;
const MOST = 4000;
/** Lines that are kept while it follows: what is above is asked again when it is scrolled to. */
const FOLLOWED = 1500;

let streams = 0;

export class Source {
  chunk = new Chunk(MOST);
  /** @type {"loading"|"searching"|"ready"|"failed"} `searching`: there is something, and more may be found */
  status = "loading";
  error = "";
  isFollowing = true;
  /** The time that was gone to. */
  at = Infinity;
  /** Lines that came while it does not follow. */
  newer = 0;
  /** @type {LogFilterForm} */
  #filter = {};
  #stream = "";
  /** Counts what the list is made anew for: answers to questions before don't count. */
  #round = 0;
  /** Lines that came while the newest ones are asked for. @type {LogLine[]|null} */
  #pending = null;
  /** Others came then that the owner left out. */
  #isMissing = false;
  /** @type {Set<Direction>} */
  #asking = new Set();
  #changed;
  #came;

  /**
   * @param {() => void} changed called when there is something to draw
   * @param {(lines: LogLine[]) => void} came called with new lines
   */
  constructor(changed, came) {
    this.#changed = changed;
    this.#came = came;
  }

  /** Listens to the owner until what is returned is called. */
  begin() {
    // Nobody looks: nothing has to come. When it is seen again, the connection is said to be up.
    const rest = () => document.hidden && this.#unfollow();
    document.addEventListener("visibilitychange", rest);
    const ends = [
      () => document.removeEventListener("visibilitychange", rest),
      on("ai/logs/followed", (event) => event.streamId === this.#stream && this.#receive(event)),
      on(CONNECTION, ({ state }) => state === "up" && this.#stream && this.#again()),
    ];
    return () => {
      for (const end of ends) end();
      this.#round += 1;
      this.#detach();
    };
  }

  /**
   * Shows other lines: the newest, which it follows then, or those around a time.
   * @param {LogFilterForm} filter @param {number|null} at
   */
  async show(filter, at) {
    this.#filter = filter;
    this.newer = 0;
    this.#attach();
    await (at === null ? this.#newest() : this.jump(at));
  }

  /** @param {number} time Shows the lines around it. */
  async jump(time) {
    const filter = this.#filter;
    this.isFollowing = false;
    this.at = time;
    await this.#fill([
      { direction: "older", filter, place: { at: time } },
      { direction: "newer", filter: { ...filter, since: Math.max(time, filter.since ?? 0) }, place: { after: "" } },
    ]);
  }

  /** Whether another page of lines would push out others: many lines may be few rows. */
  get isFull() {
    return this.chunk.lines.length > (this.isFollowing ? FOLLOWED : MOST) - PAGE;
  }

  pause() {
    this.isFollowing = false;
    this.#changed();
  }

  async follow() {
    if (this.isFollowing) return;
    if (this.chunk.hasNewer || this.status === "failed") await this.#newest();
    this.isFollowing = true;
    this.#changed();
  }

  /** @param {Direction} direction Brings more, once at a time. */
  async more(direction) {
    const isOlder = direction === "older";
    const line = isOlder ? this.chunk.lines[0] : this.chunk.lines.at(-1);
    const isThere = isOlder ? this.chunk.hasOlder : this.chunk.hasNewer;
    if (!line || !isThere || this.#asking.has(direction) || this.status !== "ready") return;
    this.#asking.add(direction);
    const [chunk, isWanted] = [this.chunk, this.#wanted()];
    const place = isOlder ? { before: line.cursor } : { after: line.cursor };
    await ask(this.#filter, place, PAGE, isWanted, (found) => {
      take(chunk, direction, found);
      this.#changed();
    });
    if (isWanted()) this.#asking.delete(direction);
  }

  /** @returns {() => boolean} whether it is still the same round */
  #wanted() {
    const own = this.#round;
    return () => own === this.#round;
  }

  async #newest() {
    this.isFollowing = true;
    this.at = Infinity;
    this.newer = 0;
    await this.#fill([{ direction: "older", filter: this.#filter, place: {} }]);
  }

  /**
   * Replaces the chunk as soon as there is something from each place; it grows until it has enough.
   * @param {{direction: Direction, filter: LogFilterForm, place: Place}[]} places
   */
  async #fill(places) {
    this.#round += 1;
    this.#asking = new Set();
    this.#pending = [];
    if (this.status === "failed") this.status = "loading";
    const isWanted = this.#wanted();
    const next = new Chunk(MOST);
    const waiting = new Set(places);
    const all = places.map((each) => ask(each.filter, each.place, FIRST, isWanted, (found) => {
      take(next, each.direction, found);
      waiting.delete(each);
      if (!waiting.size) this.#show(next);
    }));
    this.error = (await Promise.all(all)).find(Boolean) ?? "";
    if (!isWanted()) return;
    this.#pending = null;
    this.status = this.error ? "failed" : "ready";
    this.#changed();
  }

  /** @param {Chunk} next */
  #show(next) {
    this.status = "searching";
    this.chunk = next;
    if (this.isFollowing && this.#pending) next.addNewer(this.#taken());
    this.#changed();
  }

  /** @param {FollowedLines} event */
  #receive({ lines, dropped }) {
    this.#came(lines);
    if (!this.isFollowing) {
      this.newer += lines.length + dropped;
      this.chunk.hasNewer ||= this.#filter.until === undefined;
    } else if (this.#pending) {
      this.#pending = [...this.#pending, ...lines].slice(-FOLLOWED);
      this.#isMissing ||= dropped > 0;
    } else if (dropped) this.#fetchDropped(lines);
    else this.chunk.addNewer(lines, FOLLOWED);
    this.#changed();
  }

  /** Brings what the owner left out, as much of it as is kept here. @param {LogLine[]} newest */
  async #fetchDropped(newest) {
    const isWanted = this.#wanted();
    const last = this.chunk.lines.at(-1)?.time ?? 0;
    this.#pending = newest;
    /** @type {LogLine[]} */
    const found = [];
    await ask(this.#filter, {}, FOLLOWED, isWanted, ({ lines }) => found.push(...lines));
    if (!isWanted()) return;
    if ((found.at(-1)?.time ?? 0) > last) this.chunk = new Chunk(MOST); // There are still others between.
    this.chunk.addNewer([...found.reverse(), ...this.#taken()], FOLLOWED);
    this.#changed();
  }

  /** The lines that came meanwhile; if the owner left out some of them, these are brought, too. */
  #taken() {
    const pending = this.#pending ?? [];
    this.#pending = null;
    if (this.#isMissing) queueMicrotask(() => this.isFollowing && !this.#pending && this.#fetchDropped([]));
    this.#isMissing = false;
    return pending;
  }

  #attach() {
    this.#detach();
    streams += 1;
    this.#stream = `logs-${streams}`;
    const { since: _since, until: _until, ...filter } = this.#filter;
    invoke("ai/logs/follow", { streamId: this.#stream, filter });
  }

  #detach() {
    this.#unfollow();
    this.#stream = "";
  }

  #unfollow() {
    if (this.#stream) invoke("ai/logs/unfollow", { streamId: this.#stream });
  }

  /** After a break of the connection: streams ended with it, and lines may have come. */
  #again() {
    this.#attach();
    if (this.isFollowing) this.#newest();
    else this.chunk.hasNewer ||= this.#filter.until === undefined;
    this.#changed();
  }
}

/** @param {Chunk} chunk @param {Direction} direction @param {Found} found */
function take(chunk, direction, { lines, gaps, isEnd }) {
  chunk.addGaps(gaps);
  if (direction === "older") {
    chunk.hasOlder = !isEnd;
    chunk.addOlder(lines);
  } else {
    chunk.hasNewer = !isEnd;
    chunk.addNewer(lines);
  }
}

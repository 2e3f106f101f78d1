// @ts-check
/** A terminal at the owner: what is typed goes there, in order, and what it shows comes, all of it. */
import { CONNECTION, hearWhileHidden, invoke, on } from "../../../base/bridge.js";

/**
 * @import { Channels, TerminalEnd, TerminalOpened, TerminalOutput } from "../../../contract.d.ts"
 * @import { Answer } from "../../../types.d.ts"
 */

/** The owner is told of what is drawn each time it is so many characters more. */
const DRAWN_CHARACTERS = 1 << 16;
/** Of one request. */
const TYPED_CHARACTERS = 1 << 14;

/**
 * @typedef {{write: (text: string, drawn: () => void) => void, ended: (end: TerminalEnd|null) => void}} Ears
 *   `ended`: without an end, the owner no longer knows the terminal
 */

export class Session {
  #id = "";
  /** The last event that came. */
  #number = 0;
  #drawn = 0;
  #typed = "";
  /** @type {{rows: number, columns: number}|null} */
  #size = null;
  #isPassing = false;
  #hasEntered = false;
  #ears;
  /** @type {(() => void)[]} */
  #leaves = [];

  /** @param {Ears} ears */
  constructor(ears) {
    this.#ears = ears;
  }

  /** @param {Channels["ai/terminal/open"]["request"]} asked @returns {Promise<Answer<TerminalOpened>>} */
  async open(asked) {
    this.#leaves = [
      hearWhileHidden(),
      on("ai/terminal/output", (output) => this.#hear(output)),
      on(CONNECTION, ({ state }) => state === "up" && this.#attach()),
    ];
    const answer = await invoke("ai/terminal/open", asked);
    if (!answer.success) {
      this.#leave();
      return answer;
    }
    this.#id = answer.data.terminal;
    if (this.#leaves.length) {
      this.#attach(); // what came before its id was known comes again
      this.#pass();
    } else await this.close();
    return answer;
  }

  /** Whether something may run in it that its end would end: a line was entered. */
  get isUsed() {
    return this.#hasEntered && this.#id !== "";
  }

  /** @param {string} text Also what xterm.js answers the shell. */
  type(text) {
    if (!this.#leaves.length) return; // nobody reads it any more
    this.#typed += text;
    this.#hasEntered ||= text.includes("\r");
    this.#pass();
  }

  /** @param {number} rows @param {number} columns */
  resize(rows, columns) {
    this.#size = { rows, columns };
    this.#pass();
  }

  /**
   * One request after the other: they might overtake each other. What comes meanwhile goes with the next, and what
   * got no answer goes again, once the connection is back.
   */
  async #pass() {
    if (this.#isPassing) return;
    this.#isPassing = true;
    while (this.#id && (this.#typed || this.#size)) {
      const [terminal, size, text] = [this.#id, this.#size, beginning(this.#typed)];
      const answer = await (size ? invoke("ai/terminal/resize", { terminal, ...size }) : invoke("ai/terminal/input", { terminal, text }));
      if (!answer.success) break;
      if (!size) this.#typed = this.#typed.slice(text.length);
      else if (this.#size === size) this.#size = null;
    }
    this.#isPassing = false;
  }

  /** Ends it. @returns {Promise<number[]>} the processes that could not be ended */
  async close() {
    const terminal = this.#id;
    this.#leave();
    if (!terminal) return [];
    const answer = await invoke("ai/terminal/close", { terminal });
    return answer.success ? answer.data.left : [];
  }

  #leave() {
    this.#id = "";
    for (const leave of this.#leaves) leave();
    this.#leaves = [];
  }

  async #attach() {
    const terminal = this.#id;
    if (!terminal) return;
    const answer = await invoke("ai/terminal/attach", { terminal, number: this.#number });
    if (answer.success) this.#pass();
    if (answer.success || answer.code !== "E_REQUEST" || !this.#id) return;
    this.#leave();
    this.#ears.ended(null);
  }

  /** @param {TerminalOutput} output */
  #hear({ terminal, number, text, end }) {
    if (terminal !== this.#id || number <= this.#number) return;
    if (number > this.#number + 1) {
      this.#attach(); // some were lost with a connection
      return;
    }
    this.#number = number;
    if (text) this.#ears.write(text, () => this.#draw(number, text.length));
    if (!end) return;
    this.#ears.ended(end);
    this.close(); // the owner keeps it for as long as its end may have to be sent again
  }

  /** @param {number} number @param {number} length */
  #draw(number, length) {
    this.#drawn += length;
    if (this.#drawn < DRAWN_CHARACTERS || !this.#id) return;
    this.#drawn = 0;
    invoke("ai/terminal/acknowledge", { terminal: this.#id, number });
  }
}

/** @param {string} text As much of it as a request may have, with whole characters. */
function beginning(text) {
  const part = text.slice(0, TYPED_CHARACTERS);
  return /[\uD800-\uDBFF]$/.test(part) ? part.slice(0, -1) : part;
}

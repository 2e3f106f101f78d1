// @ts-check
/** Draws a terminal: xterm.js, which comes when the first one is opened. */
import { t } from "../../../base/i18n.js";
import { isMac } from "../../../base/keys.js";
import { canvasColour, followColours } from "../../../components/canvas_colours.js";
import { copy } from "../../../components/copy.js";

const XTERM = "../../../../vendor/@xterm/xterm/lib/xterm.js";

/** @returns {Promise<typeof import("@xterm/xterm")>} */
const xterm = () => import(XTERM);

const SCROLLBACK_LINES = 5000;
const SCROLLBAR_PX = 14;
const USUAL_PX = 13;
const LARGE_PX = 17;
const CONTRAST = 4.5;
const LEAST_COLUMNS = 2;

/**
 * An element whose text is a style sheet, as that of `style`, which the page's policy forbids. xterm.js
 * makes it instead: see build/vendor_ui.py.
 */
class SheetText extends HTMLElement {
  #sheet = new CSSStyleSheet();

  connectedCallback() {
    document.adoptedStyleSheets.push(this.#sheet);
  }

  disconnectedCallback() {
    document.adoptedStyleSheets = document.adoptedStyleSheets.filter((sheet) => sheet !== this.#sheet);
  }

  /** @param {string} text */
  set textContent(text) {
    this.#sheet.replaceSync(text);
  }
}

customElements.define("sheet-text", SheetText);

/** @returns {import("@xterm/xterm").ITheme} Of each colour, so much is seen that its text can be read. */
function theme() {
  /** @param {string} name */
  const colour = (name) => canvasColour(`var(--${name})`);
  return {
    background: colour("well"), foreground: colour("text"), cursor: colour("text"), cursorAccent: colour("well"),
    selectionBackground: canvasColour("var(--focus)", 0.3),
    scrollbarSliderBackground: canvasColour("var(--text-faint)", 0.4),
    black: colour("slate-9"), brightBlack: colour("text-muted"), white: colour("slate-3"), brightWhite: colour("slate-0"),
    red: colour("bad"), brightRed: colour("bad"), green: colour("ok"), brightGreen: colour("ok"),
    yellow: colour("busy"), brightYellow: colour("busy"), blue: colour("hue-blue"), brightBlue: colour("hue-blue"),
    magenta: colour("hue-violet"), brightMagenta: colour("hue-violet"), cyan: colour("hue-teal"), brightCyan: colour("hue-teal"),
  };
}

/** Copying, beside the keys of the shell. @param {KeyboardEvent} event @param {string} letter */
const isMeant = (event, letter) =>
  event.key.toLowerCase() === letter && !event.altKey && (isMac ? event.metaKey : event.ctrlKey && event.shiftKey);

/**
 * @typedef {{isLarge: boolean, isRead: boolean}} Look
 *   `isRead`: for a screen reader, which gets the lines as they come
 * @typedef {{typed: (text: string) => void, resized: (rows: number, columns: number) => void, leave: () => void}} Hands
 *   `leave`: gives the focus to what is beside the terminal
 * @typedef {Awaited<ReturnType<typeof makeScreen>>} Screen
 */

/**
 * A terminal in `host`, which is in the page.
 * @param {HTMLElement} host @param {string} name @param {Look} look @param {Hands} hands
 */
export async function makeScreen(host, name, look, hands) {
  const { Terminal } = await xterm();
  Terminal.strings.promptLabel = name;
  Terminal.strings.tooMuchOutput = t("Too much output to read it out");
  const terminal = new Terminal({
    ...options(look), fontFamily: getComputedStyle(host).fontFamily, lineHeight: 1.2, minimumContrastRatio: CONTRAST, scrollback: SCROLLBACK_LINES,
    theme: theme(),
  });
  terminal.open(host);
  terminal.onData(hands.typed);
  terminal.onResize(({ rows, cols }) => hands.resized(rows, cols));
  terminal.attachCustomKeyEventHandler((event) => handle(event, terminal));
  const guard = (/** @type {KeyboardEvent} */ event) => keep(event, hands.leave);
  host.addEventListener("keydown", guard);
  const unfollow = followColours(() => (terminal.options.theme = theme()));
  return {
    get rows() { return terminal.rows; },
    get columns() { return terminal.cols; },
    fit: () => fit(host, terminal),
    focus: () => terminal.focus(),
    clear: () => terminal.clear(),
    text: () => textOf(terminal),
    /** @param {string} text @param {() => void} drawn */
    write: (text, drawn) => terminal.write(text, drawn),
    /** @param {Look} look */
    show(look) {
      Object.assign(terminal.options, options(look));
      fit(host, terminal);
    },
    dispose() {
      unfollow();
      host.removeEventListener("keydown", guard);
      terminal.dispose();
    },
  };
}

/**
 * What is read out can't have letters that no key has, such as those of a list of emojis.
 * @param {Look} look
 */
const options = ({ isLarge, isRead }) => ({ fontSize: isLarge ? LARGE_PX : USUAL_PX, screenReaderMode: isRead });

/** Whether the shell gets a key. @param {KeyboardEvent} event @param {import("@xterm/xterm").Terminal} terminal */
function handle(event, terminal) {
  if (event.key === "F6" || isMeant(event, "v")) return false; // the browser pastes
  if (!isMeant(event, "c")) return true;
  event.preventDefault();
  if (event.type === "keydown" && terminal.hasSelection()) copy(terminal.getSelection());
  return false;
}

/** The page's shortcuts have no say in a terminal. @param {KeyboardEvent} event @param {() => void} leave */
function keep(event, leave) {
  event.stopPropagation();
  if (event.key !== "F6") return;
  event.preventDefault();
  leave();
}

/** @param {HTMLElement} host @param {import("@xterm/xterm").Terminal} terminal */
function fit(host, terminal) {
  const cells = host.querySelector(".xterm-screen")?.getBoundingClientRect();
  if (!cells?.width || !host.clientWidth) return;
  const columns = Math.floor((host.clientWidth - SCROLLBAR_PX) / (cells.width / terminal.cols));
  const rows = Math.floor(host.clientHeight / (cells.height / terminal.rows));
  terminal.resize(Math.max(LEAST_COLUMNS, columns), Math.max(1, rows));
}

/** All that is shown, and what was. @param {import("@xterm/xterm").Terminal} terminal */
function textOf({ buffer: { active } }) {
  let text = "";
  for (let row = 0; row < active.length; row += 1) {
    const line = active.getLine(row);
    if (!line) continue;
    text += `${row && !line.isWrapped ? "\n" : ""}${line.translateToString(!active.getLine(row + 1)?.isWrapped)}`;
  }
  return text.trimEnd();
}

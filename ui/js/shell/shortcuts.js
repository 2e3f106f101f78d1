// @ts-check
/** A sheet of all shortcuts. */
import { html } from "../../vendor/lit-html/lit-html.js";
import { confirm } from "../base/actions.js";
import { mark, t } from "../base/i18n.js";
import { shortcut } from "../base/keys.js";
import { PAGES } from "../pages.js";

/** @typedef {[text: string, ...keys: string[]]} Line */

/** @type {Line[]} */
const OF_PAGES = Object.values(PAGES).flatMap(({ title, keys }) =>
  (keys ? [/** @type {Line} */ ([title, shortcut(keys)])] : []));

/** @type {Line[]} */
const SHORTCUTS = [
  [mark("Search or run"), shortcut("Mod+k")],
  ...OF_PAGES,
  [mark("The modules, in their order"), `${shortcut("Mod+2")}…9`],
  [mark("Side menu to icons"), shortcut("Mod+b")],
  [mark("Find on this page"), "/"],
  [mark("Next or previous row"), "J", "K"],
  [mark("Open it"), "Enter"],
  [mark("Module: open, restart, start or stop, logs"), "O", "R", "S", "L"],
  [mark("Logs: levels on and off"), "E", "W", "I", "D", "U"],
  [mark("Logs: pause, follow"), "Space", "End"],
  [mark("Alerts: new rule"), "N"],
  [mark("Backups: back up now"), "B"],
  [mark("Logs: earlier and later match"), "F3", "Shift+F3"],
  [mark("Chart: choose a time, a part, zoom"), "← →", "Shift ← →", "Enter"],
  [mark("Apply changes"), shortcut("Mod+Enter")],
  [mark("Close, or clear the search"), "Esc"],
  [mark("Next region of the page"), "F6"],
  [mark("All shortcuts"), "?"],
];

export function showShortcuts() {
  confirm({
    title: t("Shortcuts"),
    text: "",
    more: html`<dl class="shortcuts">${SHORTCUTS.map(([text, ...keys]) => html`
      <div><dt>${t(text)}</dt><dd>${keys.map((key) => html`<kbd>${key}</kbd>`)}</dd></div>`)}</dl>`,
  });
}

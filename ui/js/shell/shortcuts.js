// @ts-check
/** A sheet of all shortcuts. */
import { html } from "../../vendor/lit-html/lit-html.js";
import { confirm } from "../base/actions.js";
import { mark, t } from "../base/i18n.js";
import { shortcut } from "../base/keys.js";

/** @type {[text: string, ...keys: string[]][]} */
const SHORTCUTS = [
  [mark("Search or run"), shortcut("K")],
  [mark("Home"), shortcut("1")],
  [mark("The modules, in their order"), `${shortcut("2")}…9`],
  [mark("Logs"), shortcut("L")],
  [mark("Monitoring"), shortcut("M")],
  [mark("Activity"), shortcut("Shift", "A")],
  [mark("Settings"), shortcut(",")],
  [mark("Side menu to icons"), shortcut("B")],
  [mark("Find on this page"), "/"],
  [mark("Next or previous row"), "J", "K"],
  [mark("Open it"), "Enter"],
  [mark("Module: open, restart, start or stop, logs"), "O", "R", "S", "L"],
  [mark("Logs: levels on and off"), "E", "W", "I", "D", "U"],
  [mark("Logs: pause, follow"), "Space", "End"],
  [mark("Chart: choose a time, a part, zoom"), "← →", "Shift ← →", "Enter"],
  [mark("Apply changes"), shortcut("Enter")],
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

// @ts-check
/** The command palette: every page, what can be done with every module now, every setting. */
import { html, nothing, render } from "../../vendor/lit-html/lit-html.js";
import { invoke } from "../base/bridge.js";
import { t } from "../base/i18n.js";
import { current, observe } from "../base/store.js";
import { recall, remember } from "../base/preferences.js";
import { icon } from "../components/icon.js";
import { tile } from "../components/tile.js";
import { loadActions } from "../pages/modules/run_action.js";
import { commands, logSearch, settingCommands } from "./commands.js";
import { found, keyOf } from "./fuzzy.js";

/** @import { Command } from "./commands.js" */

const MOST = 40;
const RECENT = "palette";
const MOST_RECENT = 20;

const dialog = /** @type {HTMLDialogElement} */ (document.getElementById("palette"));

let text = "";
let chosen = 0;
/** @type {Command[]} Asked for when the palette opens. */
let settings = [];

export async function togglePalette() {
  if (dialog.open) {
    dialog.close();
    return;
  }
  text = "";
  chosen = 0;
  draw();
  dialog.showModal();
  loadActions();
  const answer = await invoke("ai/config/get", {});
  settings = answer.success ? settingCommands(answer.data.entries, current()) : [];
  draw();
}

// It comes late: the palette may be open again.
dialog.addEventListener("close", () => dialog.open || render(nothing, dialog));
dialog.addEventListener("click", ({ target }) => target === dialog && dialog.close());
observe(() => dialog.open && draw());

/** @returns {Command[]} those that are found, best first */
function list() {
  const all = found([...commands(current()), ...settings], text, recent()).slice(0, MOST);
  return text.trim() ? [...all, logSearch(text.trim())] : all;
}

/** @returns {string[]} what was run here, the last one first */
const recent = () => JSON.parse(recall(RECENT) ?? "[]");

function draw() {
  const all = list();
  chosen = Math.min(chosen, Math.max(0, all.length - 1));
  render(content(all), dialog);
}

/** @param {Command[]} all */
const content = (all) => html`
  <div class="palette-search">
    ${icon("search", "muted")}
    <input autofocus role="combobox" aria-expanded="true" aria-controls="palette-list" aria-label=${t("Search or run…")}
      aria-activedescendant=${all.length ? `command-${chosen}` : nothing} placeholder=${t("Search or run…")}
      autocomplete="off" spellcheck="false" .value=${text}
      @input=${(/** @type {InputEvent} */ { target }) => {
        text = /** @type {HTMLInputElement} */ (target).value;
        chosen = 0;
        draw();
      }}
      @keydown=${(/** @type {KeyboardEvent} */ event) => move(event, all)}>
  </div>
  <div class="palette-list" id="palette-list" role="listbox" aria-label=${t("Commands")}>
    ${all.map((command, index) => html`
      ${command.group === all[index - 1]?.group ? nothing : html`<div class="nav-title" role="presentation">${command.group}</div>`}
      <div class="mi" role="option" id="command-${index}" aria-selected=${index === chosen}
        @click=${() => run(command)} @pointermove=${() => choose(index)}>
        ${command.module ? tile(command.module, "tiny") : html`<span class="lead">${icon(command.icon)}</span>`}
        <span class="grow cut"><span class="strong">${command.title}</span> <span class="faint">${command.hint}</span></span>
        ${command.keys ? html`<kbd>${command.keys}</kbd>` : nothing}
      </div>`)}
  </div>
  <footer class="dialog-foot small muted">
    <span class="row-flex"><kbd>↑</kbd><kbd>↓</kbd>${t("choose")}</span>
    <span class="row-flex"><kbd>↵</kbd>${t("run")}</span>
    <span class="grow"></span>
    <span class="row-flex"><kbd>?</kbd>${t("all shortcuts")}</span>
  </footer>`;

/** @param {KeyboardEvent} event @param {Command[]} all */
function move(event, all) {
  const command = all[chosen];
  if (event.key === "Enter" && command) {
    event.preventDefault(); // it would press a button that has the focus by then
    run(command);
  }
  const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  if (!step || !all.length) return;
  event.preventDefault();
  choose((chosen + step + all.length) % all.length);
  document.getElementById(`command-${chosen}`)?.scrollIntoView({ block: "nearest" });
}

/** @param {number} index */
function choose(index) {
  if (index === chosen) return;
  chosen = index;
  draw();
}

/** @param {Command} command */
function run(command) {
  dialog.close();
  const key = keyOf(command);
  remember(RECENT, JSON.stringify([key, ...recent().filter((other) => other !== key)].slice(0, MOST_RECENT)));
  command.run();
}

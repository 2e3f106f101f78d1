// @ts-check
/** The engines by name: which one is used, and the list of them. */
import { html, nothing } from "../../../vendor/lit-html/lit-html.js";
import { confirm } from "../../base/actions.js";
import { labelled } from "../../base/format.js";
import { t } from "../../base/i18n.js";
import { button } from "../../components/button.js";
import { field, input } from "../../components/field.js";
import { showToast } from "../../components/toast.js";
import { connectionTest, isTesting, test } from "../engine/connection.js";
import { askToUse, foundEngines, foundEnginesState, lookAgain } from "../engine/found.js";
import { change, own } from "./state.js";

/** @import { PageState, SettingRow } from "../../types.d.ts" */

/** @typedef {{name: string, address: string, isUsed: boolean}} Engine `name`: empty for one without; `address`: empty for the usual one */

const USED = "app.engine";
const NAMED = "app.engines";

/** @param {PageState} page @returns {SettingRow[]} */
export function engines(page) {
  const { settings, errors, about } = own.get();
  const setting = settings[USED];
  if (!setting) return [];
  const rows = list();
  return [{
    id: USED, covers: NAMED, title: t("Engines"), error: errors[USED] ?? errors[NAMED],
    help: about?.canSwitchEngine === false ? t("AI-Server Tray was started with --engine, which overrides this choice.")
      : t("AI-Server Tray uses one at a time. Each has its own modules, kept logs, charts and alerts."),
    below: html`
      <ul class="mirrors">${rows.map((engine) => row(engine, page))}</ul>
      ${addForm(page)}
      ${connectionTest()}`,
  }, {
    id: "found-engines", title: t("Found on this computer"),
    help: foundEnginesState().length ? t("Nothing is started to look for them.") : t("No engine was found."), below: html`${foundEngines(page)}${lookAgain(page)}`,
  }];
}

/** @returns {Record<string, string>} */
const named = () => Object.fromEntries((own.get().settings[NAMED]?.value ?? "").split(" ").filter(Boolean)
  .map((word) => [word.slice(0, word.indexOf("=")), word.slice(word.indexOf("=") + 1)]));

/** @param {Record<string, string>} all */
const store = (all) => change(NAMED, Object.entries(all).map(([name, address]) => `${name}=${address}`).join(" "));

/** @returns {Engine[]} */
function list() {
  const used = own.get().settings[USED]?.value ?? "";
  const all = [["", ""], ...Object.entries(named())].map(([name = "", address = ""]) => ({ name, address, isUsed: address === used }));
  return all.some(({ isUsed }) => isUsed) ? all : [...all, { name: "", address: used, isUsed: true }];
}

/** @param {Engine} engine */
const title = ({ name, address }) => name || address || t("This computer");

/** @param {Engine} engine @param {PageState} page */
const row = (engine, { connection }) => html`
  <li class="mr"><span class="grow cut" title=${engine.address || nothing}><span class="strong">${title(engine)}</span>${engine.name ? html` <span class="mono muted">${engine.address}</span>` : nothing}</span>
    ${engine.isUsed ? html`<span class="muted">${t("In use")}</span>` : button({
      text: t("Use…"), name: labelled(t("Use…"), title(engine)), size: "small",
      enabled: connection === "up" && own.get().about?.canSwitchEngine !== false, run: () => use(engine),
    })}
    ${act(t("Test the connection"), "plug-zap", engine, !isTesting() && connection === "up", () => test(engine.address))}
    ${engine.address ? act(t("Rename…"), "pencil", engine, true, () => askForName(engine, engine.name)) : nothing}
    ${engine.name && !engine.isUsed ? act(t("Remove"), "x", engine, true, () => remove(engine)) : nothing}
  </li>`;

/** @param {string} text @param {string} icon @param {Engine} engine @param {boolean} enabled @param {() => void} run */
const act = (text, icon, engine, enabled, run) => button({
  text, icon, name: labelled(text, title(engine)), kind: "quiet", size: "small", iconOnly: true, enabled, run,
});

/** @param {Engine} engine */
const use = (engine) => askToUse(title(engine), engine.address, own.get().settings["app.start_desired"]?.value === "true"
  ? t("Modules that you started on this engine, and that don't run, are started.") : "");

/** @param {Engine} engine @param {string} entered */
const askForName = (engine, entered) => confirm({
  title: t("Rename the engine"), text: engine.address,
  more: html`<div class="remedy-field">${field({
    id: "engine-name", label: t("Name"), control: input({ id: "engine-name", value: entered, change: (now) => { entered = now.trim(); } }),
  })}</div>`,
  action: t("Rename"),
  run: () => {
    const others = Object.entries(named()).map(([name, address]) => [name === engine.name ? entered : name, address]);
    store(Object.fromEntries(engine.name ? others : [...others, [entered, engine.address]]));
  },
});

/** @param {Engine} engine */
async function remove({ name }) {
  const before = named();
  const { [name]: _, ...others } = before;
  if (!(await store(others))) return;
  showToast({ text: t("Removed {name}", { name }), icon: "trash-2", undo: () => store(before) });
}

/** @param {PageState} page */
const addForm = ({ connection }) => html`
  <form class="sr-text engine-form" @submit=${add}>
    <span class="input"><input name="name" placeholder="server" aria-label=${t("Name of an engine")} autocomplete="off" spellcheck="false"></span>
    <span class="input wide"><input id=${USED} name="address" placeholder="ssh://USER@MACHINE" aria-label=${t("Address of an engine")}
      autocomplete="off" spellcheck="false"></span>
    <span class="buttons">${button({
      text: t("Test the connection"), icon: "plug-zap", size: "small", enabled: !isTesting() && connection === "up",
      run: () => test(/** @type {HTMLInputElement} */ (document.getElementById(USED)).value.trim()),
    })}<button class="button small">${t("Add")}</button></span>
  </form>`;

/** @param {SubmitEvent} event */
async function add(event) {
  event.preventDefault();
  const form = /** @type {HTMLFormElement} */ (event.target);
  const entered = new FormData(form);
  const [name, address] = ["name", "address"].map((each) => String(entered.get(each)).trim());
  if (name && address && (await store({ ...named(), [name]: address }))) form.reset();
}

// @ts-check
/** Asks for the value that a module lacks. */
import { html } from "../vendor/lit-html/lit-html.js";
import { ask, confirm } from "./base/actions.js";
import { invoke } from "./base/bridge.js";
import { t } from "./base/i18n.js";
import { field, input } from "./components/field.js";
import { tryAgain } from "./problems/remedies.js";

/**
 * @import { Remedy, Setting } from "./contract.d.ts"
 * @import { Problem } from "./problems/problems.js"
 */

/** @param {Problem} problem @param {Remedy} remedy */
export async function enter(problem, remedy) {
  const answer = await ask(problem.id, "ai/config/get", { name: remedy.setting ?? "" });
  const entry = answer.success ? answer.data.entries[0] : undefined;
  if (entry) askForValue(problem, remedy, entry, entry.type === "secret" ? "" : entry.value, "");
}

/**
 * @param {Problem} problem @param {Remedy} remedy @param {Setting} setting
 * @param {string} value what the field has @param {string} message why the owner did not take it
 */
function askForValue(problem, remedy, setting, value, message) {
  let entered = value;
  const control = input({
    id: "remedy-value", value, invalid: message !== "",
    type: setting.type === "secret" ? "password" : "text", change: (now) => { entered = now; },
  });
  confirm({
    title: remedy.text,
    text: setting.help,
    more: html`<div class="remedy-field">${field({
      id: "remedy-value", label: setting.title, control, message: message ? { text: message, tone: "bad" } : null,
    })}</div>`,
    action: t("Save and try again"),
    run: async () => {
      const answer = await invoke("ai/config/set", { name: setting.address, value: entered });
      if (answer.success) await tryAgain(problem);
      else askForValue(problem, remedy, setting, entered, answer.message);
    },
  });
}

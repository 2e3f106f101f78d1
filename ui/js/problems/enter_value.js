// @ts-check
/** Asks for the value that a module lacks. */
import { html } from "../../vendor/lit-html/lit-html.js";
import { ask, confirm } from "../base/actions.js";
import { invoke } from "../base/bridge.js";
import { t } from "../base/i18n.js";
import { field, input } from "../components/field.js";

/** @import { Remedy, Setting } from "../contract.d.ts" */

/** @param {string} key of the request @param {Remedy} remedy @param {() => unknown} then what to do once the value is taken */
export async function enter(key, remedy, then) {
  const answer = await ask(key, "ai/config/get", { name: remedy.setting ?? "" });
  const entry = answer.success ? answer.data.entries[0] : undefined;
  if (entry) askForValue(remedy, entry, entry.type === "secret" ? "" : entry.value, "", then);
}

/**
 * @param {Remedy} remedy @param {Setting} setting @param {string} value what the field has
 * @param {string} message why the owner did not take it @param {() => unknown} then
 */
function askForValue(remedy, setting, value, message, then) {
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
      if (answer.success) await then();
      else askForValue(remedy, setting, entered, answer.message, then);
    },
  });
}

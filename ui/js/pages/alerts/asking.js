// @ts-check
/** The dialog for rules, which comes when it is needed. */
import { needed } from "../../base/later.js";
import { alertList } from "./alerts.js";

/** @import { Preset } from "./rule_dialog.js" */

const dialog = () => needed(() => import("./rule_dialog.js"));

/** Asks for a new rule. @param {Preset} [preset] what the form begins with */
export const askForRule = async (preset = {}) => (await dialog())?.askForRule(preset);

/** Asks for other values of a rule. @param {string} id */
export async function askToChange(id) {
  const rule = alertList()?.rules.find((one) => one.id === id);
  if (rule) (await dialog())?.askToChange(rule);
}

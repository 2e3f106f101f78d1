// @ts-check
import { t } from "../base/i18n.js";
import { button } from "./button.js";
import { showToast } from "./toast.js";

/** @param {string} text */
export async function copy(text) {
  try {
    await navigator.clipboard.writeText(text);
    showToast({ text: t("Copied"), icon: "copy" });
  } catch {
    showToast({ text: t("The clipboard can't be used here"), icon: "circle-alert" });
  }
}

/** @param {string} text what is copied @param {string} name of the button, such as "Copy address" */
export const copyButton = (text, name) =>
  button({ text: name, icon: "copy", kind: "quiet", size: "small", iconOnly: true, run: () => copy(text) });

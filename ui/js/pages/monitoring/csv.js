// @ts-check
/** All values as a file for a spreadsheet. */
import { ask } from "../../base/actions.js";
import { isBrowser } from "../../base/bridge.js";
import { t } from "../../base/i18n.js";
import { current } from "../../base/store.js";
import { showToast } from "../../components/toast.js";
import { asked } from "./history.js";

/** A window has no downloads: there, the owner writes the file. @param {string|null} module */
export async function saveCsv(module) {
  const answer = await ask("csv", "ai/stats/csv", { ...asked(module, current().address.query), save: !isBrowser });
  if (!answer.success) return;
  const { name, text, file, canOpen } = answer.data;
  if (!file) {
    download(name, text);
    return;
  }
  showToast({ text: t("Saved as {file}", { file }), icon: "download" });
  if (canOpen) ask("exports", "ai/logs/openExports", {});
}

/** @param {string} name @param {string} text */
function download(name, text) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([text], { type: "text/csv;charset=utf-8" }));
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}

// @ts-check
/** Writes the lines that the filters show to a file. */
import { html, nothing } from "../../../vendor/lit-html/lit-html.js";
import { ask } from "../../base/actions.js";
import { invoke, isBrowser, on } from "../../base/bridge.js";
import { bytes, number, percent } from "../../base/format.js";
import { mark, t, tn } from "../../base/i18n.js";
import { slice } from "../../base/store.js";
import { button } from "../../components/button.js";
import { copy } from "../../components/copy.js";
import { menuButton } from "../../components/menu.js";
import { notice } from "../../components/notice.js";
import { formOf } from "./model/query.js";
import { view } from "./state.js";

/** @import { ExportFormat, LogExport } from "../../contract.d.ts" */

const own = slice({ now: /** @type {LogExport|null} */ (null), id: "" });

/** @type {[format: ExportFormat, text: string, icon: string][]} */
const FORMATS = [
  ["text", mark("As text"), "file-text"],
  ["jsonl", mark("As JSON lines"), "file-json"],
  ["csv", mark("As CSV table"), "table"],
];

/** @param {ExportFormat} format */
async function write(format) {
  const { wanted, bounds } = view();
  const filter = formOf(wanted, bounds, { search: !wanted.isOnlyMatching });
  const answer = await ask("export", "ai/logs/export", { filter, format });
  if (!answer.success) return;
  own.set({ id: answer.data.exportId, now: null });
  // A short one may have ended before its ID was known here.
  const list = await invoke("ai/logs/exports", {});
  const begun = list.success && list.data.exports.find(({ exportId }) => exportId === own.get().id);
  if (begun && !own.get().now) show(begun);
}

/** @param {LogExport} now */
function show(now) {
  own.set({ now });
  if (now.status === "succeeded" && isBrowser) download(now);
}

on("ai/logs/exportEvent", (event) => event.exportId === own.get().id && show(event));

/** @param {LogExport} written */
function download({ name }) {
  const link = document.createElement("a");
  link.href = `exports/${encodeURIComponent(name)}`;
  link.download = name;
  link.click();
}

async function openFolder() {
  await ask("exports", "ai/logs/openExports", {});
}

export const exportButton = () => menuButton({
  text: t("Export"), icon: "download", kind: "plain", iconOnly: false,
  items: () => FORMATS.map(([format, text, icon]) => ({ text: t(text), icon, run: () => write(format) })),
});

const close = () => own.set({ now: null, id: "" });

export function exportNotice() {
  const { now } = own.get();
  if (!now || now.status === "cancelled") return nothing;
  return html`<div class="lognotice">${now.status === "running" ? running(now) : now.status === "failed" ? failed(now) : written(now)}</div>`;
}

/** @param {LogExport} now */
const running = ({ exportId, lines, percent: share }) => notice({
  icon: "download", title: t("Writing the lines: {percent}", { percent: percent(share / 100) }),
  text: tn("{number} line so far", "{number} lines so far", lines, { number: number(lines) }),
  close: button({ text: t("Cancel"), kind: "quiet", size: "small", run: () => invoke("ai/logs/cancelExport", { id: exportId }) }),
});

/** @param {LogExport} now */
const failed = ({ message }) => notice({ tone: "bad", title: t("The lines weren't exported"), text: message, close: dismiss() });

/** @param {LogExport} now */
const written = (now) => notice({
  tone: "ok", title: t("{name} is ready ({size})", { name: now.name, size: bytes(now.size) }),
  text: tn("{number} line", "{number} lines", now.lines, { number: number(now.lines) }),
  actions: html`
    ${isBrowser ? button({ text: t("Download"), icon: "download", run: () => download(now) }) : nothing}
    ${now.file ? button({ text: t("Copy path"), icon: "copy", run: () => copy(now.file ?? "") }) : nothing}
    ${now.canOpen ? button({ text: t("Open folder"), icon: "folder-open", run: openFolder }) : nothing}`,
  close: dismiss(),
});

const dismiss = () => button({ text: t("Dismiss"), icon: "x", kind: "quiet", size: "small", iconOnly: true, run: close });

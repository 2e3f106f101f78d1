// @ts-check
/** What happened at a time: operations, restarts and exits. */
import { html, nothing } from "../../../vendor/lit-html/lit-html.js";
import { t } from "../../base/i18n.js";
import { usage } from "./history.js";

/** @import { Mark } from "../../contract.d.ts" */

/** @param {Mark} mark */
export function markText({ kind, text, modules, service }) {
  const name = [...modules, service].filter((part, i, all) => part && part !== all[i - 1]).join("/");
  if (kind === "restart") return t("{name} restarted", { name });
  return kind === "exit" ? t("{name} exited", { name }) : text ?? "";
}

/** @param {number} place of a time @param {number[]} times What happened between it and the one before, or about then. */
export function marksAt(place, times) {
  const { marks, interval } = usage();
  const time = times[place] ?? 0;
  const reach = Math.max(interval, ((times.at(-1) ?? 0) - (times[0] ?? 0)) / 150) / 2;
  return marks.filter((mark) => Math.abs(mark.time - time) <= reach);
}

/** @param {Mark[]} marks */
export const markLinks = (marks) => marks.slice(0, 3).map((mark, i) => html`${i ? ", " : nothing}${mark.activity
  ? html`<a href="#activity/${mark.activity}">${markText(mark)}</a>` : markText(mark)}`);

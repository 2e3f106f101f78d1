// @ts-check
/** What needs attention, and notes of operations. */
import { html } from "../../../vendor/lit-html/lit-html.js";
import { repeat } from "../../../vendor/lit-html/directives/repeat.js";
import { dismiss } from "../../actions.js";
import { button } from "../../components/button.js";
import { notice } from "../../components/notice.js";
import { problemCards } from "../../components/problem.js";
import { labelled } from "../../format.js";
import { t } from "../../i18n.js";

/**
 * @import { OperationSummary } from "../../contract.d.ts"
 * @import { PageState } from "../../types.d.ts"
 */

/** @param {OperationSummary} operation What its note is dismissed by; its failure is by its own id. */
const noteOf = ({ id }) => `note ${id}`;

/** @param {PageState} page */
export const attention = (page) => html`${problemCards(page)} ${notes(page)}`;

/** @param {PageState} page */
function notes({ snapshot, dismissed }) {
  const noted = (snapshot?.operations ?? []).filter(
    (operation) => operation.notices.length && !dismissed.has(noteOf(operation)));
  return repeat(noted, noteOf, (operation) => notice({
    title: t("Please note"),
    text: operation.notices.map((line) => html`<span class="note-line">${line}</span>`),
    close: button({
      text: t("Dismiss"), name: labelled(t("Dismiss"), t("Please note")), icon: "x", kind: "quiet", size: "small",
      iconOnly: true, run: () => dismiss(noteOf(operation)),
    }),
  }));
}

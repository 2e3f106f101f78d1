// @ts-check
/** Asks before what would be a nuisance if it was a slip. Escape means no. */
import { html, nothing, render } from "../../vendor/lit-html/lit-html.js";
import { confirm } from "../actions.js";
import { t } from "../i18n.js";
import { button } from "./button.js";

/** @import { Question } from "../types.d.ts" */

const dialog = /** @type {HTMLDialogElement} */ (document.getElementById("question"));
dialog.addEventListener("close", () => confirm(null));

/** @param {Question|null} question */
export function showQuestion(question) {
  render(question ? content(question) : nothing, dialog);
  if (question && !dialog.open) dialog.showModal();
}

/** @param {Question} question */
function content(question) {
  const agree = () => {
    dialog.close();
    question.run();
  };
  return html`
    <h2 id="question-title">${question.title}</h2>
    <p id="question-text">${question.text}</p>
    <div class="buttons">
      ${button({ text: t("Cancel"), run: () => dialog.close() })}
      ${button({ text: question.action, kind: "danger", run: agree })}
    </div>`;
}

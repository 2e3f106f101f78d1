// @ts-check
/** Asks before what would be a nuisance if it was a slip. Escape means no. */
import { html, nothing, render } from "../../vendor/lit-html/lit-html.js";
import { confirm } from "../base/actions.js";
import { t } from "../base/i18n.js";
import { current } from "../base/store.js";
import { button } from "./button.js";

/** @import { Question } from "../types.d.ts" */

const dialog = /** @type {HTMLDialogElement} */ (document.getElementById("question"));
/** @type {Question|null} What was asked last. */
let shown = null;

// It comes late: the next question may be there already.
dialog.addEventListener("close", () => {
  if (!dialog.open && current().question === shown) confirm(null);
});

dialog.addEventListener("keydown", (event) => {
  const { question } = current();
  const isOfField = event.target instanceof Element && event.target.matches(".remedy-field input");
  const isAgreed = event.ctrlKey || event.metaKey || isOfField;
  if (event.key !== "Enter" || !isAgreed || !question?.action) return;
  event.preventDefault(); // the focus may be on another button
  if (isReady(question)) agree(question);
});

let typed = "";

/** @param {Question} question */
const isReady = (question) => (!question.typed || typed === question.typed) && (question.ready?.() ?? true);

/** @param {Question} question */
function agree(question) {
  dialog.close();
  question.run?.();
}

/** @param {Question|null} question */
export function showQuestion(question) {
  if (!question?.typed) typed = "";
  render(question ? content(question) : nothing, dialog);
  if (question) shown = question;
  if (!question || dialog.open) return;
  dialog.showModal();
  // By a slip of Enter, nothing happens.
  const first = dialog.querySelector("input") ?? dialog.querySelector(".dialog-foot button");
  if (first instanceof HTMLElement) first.focus();
}

/** @param {Question} question What is only to be read is scrolled with the keyboard, too. */
const content = (question) => html`
  <header class="dialog-head"><h2 id="question-title">${question.title}</h2></header>
  <div class="dialog-body" role="group" aria-labelledby="question-title" tabindex=${question.action ? nothing : "0"}>
    ${question.text ? html`<p id="question-text">${question.text}</p>` : nothing}
    ${typeof question.more === "function" ? question.more() : question.more ?? nothing}
    ${question.typed ? nameToType(question, question.typed) : nothing}
  </div>
  <footer class="dialog-foot">
    ${question.note ? html`<p class="small muted grow">${question.note}</p>` : nothing}
    ${button({ text: question.action ? t("Cancel") : t("Close"), run: () => dialog.close() })}
    ${question.action
      ? button({ text: question.action, kind: question.kind ?? "primary", enabled: isReady(question), run: () => agree(question) }) : nothing}
  </footer>`;

/** @param {Question} question @param {string} name */
const nameToType = (question, name) => html`
  <label class="typed">
    <span>${t("Type {name} to confirm", { name })}</span>
    <span class="input"><input autocomplete="off" spellcheck="false" @input=${(/** @type {InputEvent} */ { target }) => {
      typed = /** @type {HTMLInputElement} */ (target).value;
      showQuestion(question);
    }}></span>
  </label>`;

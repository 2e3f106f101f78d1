// @ts-check
/** The next steps that a check offers, as buttons. */
import { html, nothing } from "../../../vendor/lit-html/lit-html.js";
import { labelled } from "../../base/format.js";
import { button } from "../../components/button.js";
import { addressOf, apply } from "../../problems/remedies.js";
import { nameOf } from "./words.js";

/**
 * @import { Check, Remedy } from "../../contract.d.ts"
 * @import { Problem } from "../../problems/problems.js"
 * @import { PageState } from "../../types.d.ts"
 */

/** @param {Check} check @param {PageState} page @param {"primary"|"tonal"} [kind] of the first button */
export function remedyButtons(check, page, kind = "primary") {
  const remedies = check.remedies.filter((remedy) => isOffered(remedy, page));
  if (!remedies.length) return nothing;
  const problem = problemOf(check);
  const enabled = page.connection === "up" && !page.asked.has(problem.id);
  return html`<div class="buttons">${remedies.map((remedy, index) => step(problem, remedy, index ? null : kind, enabled))}</div>`;
}

/** Checking again is a button of the page, which is this one. @param {Remedy} remedy @param {PageState} page */
const isOffered = ({ kind, page: place }, { canStartEngine }) =>
  kind !== "retry" && place !== "doctor" && (kind !== "start_engine" || canStartEngine);

/** @param {Problem} problem @param {Remedy} remedy @param {"primary"|"tonal"|null} kind @param {boolean} enabled */
function step(problem, remedy, kind, enabled) {
  const name = labelled(remedy.text, problem.title);
  const address = addressOf(remedy, problem.since);
  if (address) return html`<a class="button ${kind ? "" : "quiet"}" href=${address} aria-label=${name}>${remedy.text}</a>`;
  return button({
    text: remedy.text, name, kind: kind ?? "plain", enabled, run: () => apply(problem, remedy),
  });
}

/** @param {Check} check @returns {Problem} Nothing was tried that could be tried again. */
const problemOf = ({ name, message }) => ({
  id: `check ${message}`, module: null, title: nameOf(name), why: message, lines: [], since: null, remedies: [],
  again: null, code: "", raw: message, count: 1, dismissible: [],
});

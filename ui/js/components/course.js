// @ts-check
/** The card of work that takes long: what it is, its steps one below the other, and what to know beside them. */
import { html, nothing } from "../../vendor/lit-html/lit-html.js";
import { about, capitalised, duration } from "../base/format.js";
import { t } from "../base/i18n.js";
import { icon } from "./icon.js";
import { meter } from "./meter.js";
import { doing, isOver, share, span } from "./operations.js";

/** @import { OperationSummary, Step } from "../contract.d.ts" */

/** @typedef {[title: string, lines: unknown]} Side */

const SIGNS = { bad: ["x"], done: ["check"], now: ["loader-circle", "turn"], next: ["circle-dashed"] };

/**
 * @param {{id: string, sign: unknown, title: string, text: unknown, buttons?: unknown, below: unknown}} what
 */
export const courseCard = ({ id, sign, title, text, buttons = nothing, below }) => html`
  <section class="card upgrade" aria-labelledby=${id}>
    <div class="up-head">${sign}
      <div class="grow"><h2 id=${id}>${title}</h2><p class="control muted">${text}</p></div>
      <div class="buttons">${buttons}</div></div>
    ${below}
  </section>`;

/**
 * Its steps, what is beside them, and a line below.
 * @param {unknown} rows @param {Side} side @param {{more?: unknown, foot?: unknown}} [rest]
 */
export const courseBody = (rows, [title, lines], { more = nothing, foot } = {}) => html`
  <div class="up-cols">
    <ol class="steps">${rows}</ol>
    <div class="up-side"><h3>${title}</h3><ul>${lines}</ul>${more}</div>
  </div>
  ${foot ? html`<div class="card-foot bar">${foot}</div>` : nothing}`;

/** @param {string} drawing @param {string} text @param {string} [tone] */
export const sideLine = (drawing, text, tone = "") => html`<li>${icon(drawing, `s14 ${tone}`)}<span>${text}</span></li>`;

/** Something that is so. @param {string} head @param {string} [text] @param {"done"|"now"|"next"} [at] @param {string} [drawing] */
export const provenRow = (head, text = "", at = "done", drawing = "check") => html`
  <li class="step" data-step=${at}><span class="step-mark">${icon(drawing)}</span><div class="grow"><h3>${head}</h3>${text ? html`<p>${text}</p>` : nothing}</div></li>`;

/**
 * Steps that belong together: what is done, and how far and how long.
 * @param {string} title @param {Step[]} steps @param {OperationSummary} operation
 * @param {{said?: (isNow: boolean) => unknown, row?: string}} [more] what it says of them, by default what is done now
 */
export function stepsRow(title, steps, operation, { said, row } = {}) {
  const at = steps.some(({ status }) => status === "failed") ? "bad" : steps.every(isOver) ? "done" : steps.some(({ status }) => status !== "pending") ? "now" : "next";
  const usual = steps.reduce((sum, one) => sum + (one.usual ?? 0), 0);
  const isNow = at === "now";
  const [drawing = "", tone] = SIGNS[at];
  return html`
    <li class="step" data-step=${at} data-row=${row ?? nothing}>
      <span class="step-mark">${icon(drawing, tone)}</span>
      <div class="grow"><h3>${title}</h3><p>${said?.(isNow) ?? (isNow ? capitalised(doing(operation)) : nothing)}</p>
        ${isNow && share(steps) ? meter({ label: t("Progress"), parts: [{ share: share(steps) }], size: "thin" }) : nothing}</div>
      <span class="num small muted">${at === "done" ? duration(span(steps)) : usual ? about(usual) : ""}</span>
    </li>`;
}

// @ts-check
import { html, nothing } from "../../vendor/lit-html/lit-html.js";
import { icon } from "./icon.js";

/**
 * A button that keeps the keyboard's focus also when it is disabled.
 *
 * @typedef {{text: string, run: () => void, icon?: string, kind?: "primary"|"plain"|"quiet"|"danger",
 *   enabled?: boolean, why?: string|null, name?: string, iconOnly?: boolean}} Options
 *   `why`: the reason why it is disabled; `name`: a longer name if the text alone does not say which
 *   thing the button is about
 */

/** @param {Options} options */
export const button = ({ text, run, enabled = true, kind = "plain", ...more }) => html`
  <button type="button" class="button ${kind} ${more.iconOnly ? "square" : ""}"
    aria-disabled=${enabled ? nothing : "true"} aria-label=${more.name ?? nothing}
    aria-description=${more.why ?? nothing} title=${tooltip(text, more) ?? nothing}
    @click=${() => enabled && run()}>
    ${more.icon ? icon(more.icon) : nothing}
    ${more.iconOnly ? nothing : html`<span>${text}</span>`}
  </button>`;

/** @param {string} text @param {Pick<Options, "why"|"iconOnly">} more */
function tooltip(text, { why, iconOnly }) {
  if (!iconOnly) return why;
  return why ? `${text} – ${why}` : text;
}

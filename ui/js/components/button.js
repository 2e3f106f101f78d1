// @ts-check
import { html, nothing } from "../../vendor/lit-html/lit-html.js";
import { icon } from "./icon.js";

/**
 * A button that keeps the keyboard's focus also when there is nothing to do for it.
 *
 * @param {{text: string, run: () => void, icon?: string, kind?: "primary"|"plain"|"quiet"|"danger",
 *   enabled?: boolean, name?: string, hint?: string, iconOnly?: boolean}} options
 *   `name`: how it is called where its text alone does not tell which thing it is about
 */
export const button = ({ text, run, enabled = true, kind = "plain", ...more }) => html`
  <button type="button" class="button ${kind} ${more.iconOnly ? "square" : ""}"
    aria-disabled=${enabled ? nothing : "true"} aria-label=${more.name ?? nothing}
    title=${more.hint ?? (more.iconOnly ? text : nothing)} @click=${() => enabled && run()}>
    ${more.icon ? icon(more.icon) : nothing}
    ${more.iconOnly ? nothing : html`<span>${text}</span>`}
  </button>`;

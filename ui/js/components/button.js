// @ts-check
import { html, nothing } from "../../vendor/lit-html/lit-html.js";
import { icon } from "./icon.js";

/**
 * A button that keeps the keyboard's focus also when it is disabled.
 *
 * @typedef {"primary"|"start"|"plain"|"tonal"|"quiet"|"danger"|"link"} Kind
 * @typedef {{text: string, run: (event: MouseEvent) => void, icon?: string, kind?: Kind,
 *   size?: "small"|"large", enabled?: boolean, why?: string|null, name?: string, keys?: string,
 *   iconOnly?: boolean, pressed?: boolean}} Options
 *   `why`: the reason why it is disabled; `name`: a longer name if the text alone does not say which
 *   thing the button is about; `keys`: its shortcut, for its tip; `pressed`: of one that stays down
 */

/** @param {Options} options */
export const button = ({ text, run, enabled = true, kind = "plain", ...more }) => html`
  <button type="button" class="button ${kind} ${more.size ?? ""} ${more.iconOnly ? "square" : ""}"
    aria-disabled=${enabled ? nothing : "true"} aria-label=${more.name ?? (more.iconOnly ? text : nothing)}
    aria-description=${more.why ?? nothing} title=${tip(text, more) ?? nothing}
    aria-pressed=${more.pressed ?? nothing}
    @click=${(/** @type {MouseEvent} */ event) => enabled && run(event)}>
    ${more.icon ? icon(more.icon) : nothing}
    ${more.iconOnly ? nothing : html`<span>${text}</span>`}
  </button>`;

/** @param {string} text @param {Pick<Options, "why"|"iconOnly"|"keys">} more */
function tip(text, { why, iconOnly, keys }) {
  const said = [iconOnly || keys ? text : "", why ?? keys ?? ""].filter(Boolean);
  return said.length ? said.join(" – ") : null;
}

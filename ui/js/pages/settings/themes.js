// @ts-check
/** The choice of a theme, each as a small picture. */
import { html, svg, nothing } from "../../../vendor/lit-html/lit-html.js";

/** @import { Setting } from "../../contract.d.ts" */

const COLOURS = { light: ["#f5f6f9", "#e7eaf1", "#ffffff"], dark: ["#11141b", "#0b0d12", "#242a36"] };

/** @param {Setting} setting @param {(value: string) => void} change */
export const themes = ({ address, value, choices, title }, change) => html`
  <div class="themes" role="radiogroup" aria-label=${title}>
    ${Object.entries(choices).map(([name, text]) => html`
      <label class="theme">
        <input type="radio" class="unseen" name=${address} value=${name} .checked=${name === value} @change=${() => change(name)}>
        <svg viewBox="0 0 92 54" aria-hidden="true">
          ${page(name === "dark" ? "dark" : "light")}
          ${name === "system" ? svg`<svg x="46" width="46" height="54" viewBox="46 0 46 54">${page("dark")}</svg>` : nothing}
        </svg>${text}
      </label>`)}
  </div>`;

/** @param {"light"|"dark"} name */
function page(name) {
  const [ground, side, card] = COLOURS[name];
  return svg`
    <rect width="92" height="54" fill=${ground}></rect><rect width="24" height="54" fill=${side}></rect>
    <rect x="31" y="8" width="54" height="17" rx="3" fill=${card}></rect>
    <rect x="31" y="29" width="25" height="18" rx="3" fill=${card}></rect>
    <rect x="60" y="29" width="25" height="18" rx="3" fill=${card}></rect>
    <rect x="5" y="8" width="14" height="3" rx="1.5" fill="#4f5bd5"></rect>`;
}

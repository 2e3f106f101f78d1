// @ts-check
import { html } from "../../vendor/lit-html/lit-html.js";

/** @param {string} name of vendor/lucide-static/sprite.svg */
export const icon = (name) => html`
  <svg class="icon" aria-hidden="true">
    <use href="vendor/lucide-static/sprite.svg#${name}"></use>
  </svg>`;

// @ts-check
/** Tabs within a page: links, so that each has its address. */
import { html, nothing } from "../../vendor/lit-html/lit-html.js";

/** @typedef {{text: string, href: string, current: boolean, count?: number}} Tab */

/** @param {string} label @param {Tab[]} items */
export const tabs = (label, items) => html`
  <nav class="tabs" aria-label=${label} @keydown=${moveAlong}>
    ${items.map(({ text, href, current, count }) => html`
      <a href=${href} aria-current=${current ? "page" : nothing}>${text}${
        count === undefined ? nothing : html`<span class="count num">${count}</span>`}</a>`)}
  </nav>`;

/** @param {KeyboardEvent} event Arrow keys move along links in a row. */
export function moveAlong(event) {
  const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
  if (!step) return;
  const row = /** @type {HTMLElement} */ (event.currentTarget);
  const links = /** @type {HTMLElement[]} */ ([...row.querySelectorAll("a, button")].filter(isSeen));
  const at = links.indexOf(/** @type {HTMLElement} */ (document.activeElement));
  if (at < 0) return;
  event.preventDefault();
  links[(at + step + links.length) % links.length]?.focus();
}

/** @param {Element} element */
const isSeen = (element) => element.getClientRects().length > 0;

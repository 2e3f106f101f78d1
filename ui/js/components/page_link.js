// @ts-check
/** Links to the web pages of modules. */
import { html, nothing } from "../../vendor/lit-html/lit-html.js";

/** @param {string} address without what is the same everywhere */
export const short = (address) => address.replace(/^https?:\/\//, "").replace(/\/$/, "").replace(/^127\.0\.0\.1(?=:|$)/, "localhost");

/** The text, as a link if there is a web page. @param {string|null} address @param {unknown} text @param {string} [tip] */
export const pageLink = (address, text, tip) => (address
  ? html`<a href=${address} title=${tip || nothing} target="_blank" rel="noopener noreferrer">${text}</a>`
  : html`<span title=${tip || nothing}>${text}</span>`);

// @ts-check
/** A module's icon in its hue. */
import { html } from "../../vendor/lit-html/lit-html.js";
import { icon } from "./icon.js";

/** Names in tokens.css. Neighbours are easy to tell apart. */
const HUES = [
  "blue", "pink", "teal", "violet", "amber", "slate", "olive", "orchid", "orange", "green", "sky", "crimson",
];

/** @param {number} i A hue for each of several things that are shown together. */
export const hueAt = (i) => `var(--hue-${HUES[i % HUES.length]})`;

/** @param {string} name The hue of a module, as a CSS colour. It follows from the name alone. */
export const hue = (name) => hueAt(Math.floor((hash(name) / 2 ** 32) * HUES.length));

/** @param {string} name FNV-1a, with a start that gives the modules of the first release different hues. */
const hash = (name) =>
  [...name].reduce((sum, letter) => Math.imul(sum ^ letter.charCodeAt(0), 16777619), 3686265249) >>> 0;

/** @param {string} name What sets `--hue` for an element and what is in it. */
export const hueStyle = (name) => `--hue: ${hue(name)}`;

/** @param {{name: string, icon?: string}} module @param {"big"|"tiny"|""} [size] */
export const tile = ({ name, icon: drawing }, size = "") => html`
  <span class="tile ${size}" .style=${hueStyle(name)}>${icon(drawing ?? "package")}</span>`;

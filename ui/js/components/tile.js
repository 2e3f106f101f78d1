// @ts-check
/** A module's icon in its hue. */
import { html } from "../../vendor/lit-html/lit-html.js";
import { icon } from "./icon.js";

const HUES = [
  "n8n", "dify", "oneapi", "ragflow", "ollama", "postgres", "redis", "mysql", "minio",
  "elasticsearch", "qdrant", "meilisearch",
];

/**
 * The hue of a module, as a CSS colour. Modules without one of their own get one by their name.
 * @param {string} name
 */
export function hue(name) {
  const own = HUES.includes(name) ? name : HUES[[...name].reduce(mixed, 7) % HUES.length];
  return `var(--m-${own})`;
}

/** @param {number} sum @param {string} letter */
const mixed = (sum, letter) => (sum * 31 + letter.charCodeAt(0)) >>> 0;

/** @param {string} name What sets `--hue` for an element and what is in it. */
export const hueStyle = (name) => `--hue: ${hue(name)}`;

/** @param {{name: string, icon?: string}} module @param {"big"|"tiny"|""} [size] */
export const tile = ({ name, icon: drawing }, size = "") => html`
  <span class="tile ${size}" .style=${hueStyle(name)}>${icon(drawing ?? "package")}</span>`;

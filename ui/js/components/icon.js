// @ts-check
import { html } from "../../vendor/lit-html/lit-html.js";

const SPRITE = "vendor/lucide-static/sprite.svg";

/** Brings the icons into the page, which needs some of them when its server is gone. */
export async function loadIcons() {
  const drawing = await (await fetch(SPRITE)).text();
  const sprite = new DOMParser().parseFromString(drawing, "image/svg+xml").documentElement;
  sprite.setAttribute("hidden", "");
  document.body.append(sprite);
}

/** @param {string} name of the sprite's symbols @param {string} [look] classes, such as `s14` */
export const icon = (name, look = "") => html`
  <svg class="icon ${look}" aria-hidden="true"><use href="#${name}"></use></svg>`;

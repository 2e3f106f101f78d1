// @ts-check
import { html } from "../../vendor/lit-html/lit-html.js";

/**
 * Brings icons into the page, which needs some of them when its server is gone.
 * @param {"first"|"more"} name those of the frame and of Home, or all others
 */
export async function loadIcons(name) {
  const drawing = await (await fetch(`vendor/lucide-static/${name}.svg`)).text();
  const sprite = new DOMParser().parseFromString(drawing, "image/svg+xml").documentElement;
  sprite.setAttribute("hidden", "");
  document.body.append(sprite);
}

/** @param {string} name of the sprites' symbols @param {string} [look] classes, such as `s14` */
export const icon = (name, look = "") => html`
  <svg class="icon ${look}" aria-hidden="true"><use href="#${name}"></use></svg>`;

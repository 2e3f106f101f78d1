// @ts-check
/** Colours of the style sheets for a canvas, which knows no CSS variables. */

const probe = document.createElement("i");
probe.hidden = true;

/** @type {Map<string, string>} */
const known = new Map();

/** @type {Set<() => void>} */
const followers = new Set();

/** Colours were read in another theme: who drew with them draws again. */
function renew() {
  known.clear();
  for (const follower of followers) follower();
}

for (const media of ["(prefers-color-scheme: dark)", "(forced-colors: active)"]) {
  matchMedia(media).addEventListener("change", renew);
}
new MutationObserver(renew).observe(document.documentElement, { attributeFilter: ["data-theme"] });

/** @param {string} colour in CSS, such as `var(--focus)` @param {number} [share] of it, from 0 to 1 */
export function canvasColour(colour, share = 1) {
  const found = known.get(colour) ?? computed(colour);
  known.set(colour, found);
  return share === 1 ? found : found.replace(/^rgb\((.+)\)$/, `rgba($1, ${share})`);
}

/** @param {string} colour */
function computed(colour) {
  if (!probe.isConnected) document.body.append(probe);
  probe.style.color = colour;
  return getComputedStyle(probe).color;
}

/** @param {() => void} redraw is called when colours have changed @returns {() => void} what ends it */
export function followColours(redraw) {
  followers.add(redraw);
  return () => followers.delete(redraw);
}

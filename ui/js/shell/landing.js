// @ts-check
/**
 * The last step of a way that names one part of a page, such as `settings?at=app.theme`: the part is
 * scrolled to, gets the focus and is marked for a moment. Then the address names only the page.
 */
import { setQuery } from "../base/address.js";
import { observe } from "../base/store.js";

/** In which the page comes; a part that is not there by then is not on it. */
const PATIENCE_MS = 10_000;
const MARK_MS = 2_400;
const CONTROLS = "input:checked, input:not([type=radio]), select, textarea, button, a[href]";

/** @type {() => void} */
let end = () => {};

observe(({ address }, before) => {
  if (address === before.address) return;
  end();
  const name = address.query["at"];
  if (name) end = landLater(name);
});

/** Lands on the part once it is drawn. @param {string} name @returns {() => void} ends that */
function landLater(name) {
  const attempt = () => {
    const part = find(name);
    if (!part) return;
    end();
    setQuery({ at: "" });
    land(part);
  };
  const watch = new MutationObserver(attempt);
  watch.observe(document.body, { childList: true, subtree: true });
  const timer = setTimeout(() => end(), PATIENCE_MS);
  const frame = requestAnimationFrame(attempt);
  return () => {
    cancelAnimationFrame(frame);
    watch.disconnect();
    clearTimeout(timer);
  };
}

/** The part, or that in which it is. @param {string} name @returns {HTMLElement|null} */
const find = (name) =>
  document.querySelector(`main [data-setting="${CSS.escape(name)}"], main [data-covers="${CSS.escape(name)}"]`);

/** @param {HTMLElement} part */
function land(part) {
  part.closest("details")?.setAttribute("open", "");
  part.scrollIntoView({ block: "center" });
  /** @type {HTMLElement|null} */
  const control = part.matches(CONTROLS) ? part : part.querySelector(CONTROLS);
  if (!control) part.tabIndex = -1;
  (control ?? part).focus({ preventScroll: true });
  part.dataset["landed"] = "";
  setTimeout(() => delete part.dataset["landed"], MARK_MS);
}

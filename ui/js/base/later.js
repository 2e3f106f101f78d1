// @ts-check
/**
 * What is needed only after something was pressed. It comes soon after the first page in any case,
 * as the server may be gone later.
 */
import { loadIcons } from "../components/icon.js";
import { report } from "./actions.js";
import { bind } from "./keys.js";
import { update } from "./store.js";

/** In which the first page is drawn. */
const BREAK_MS = 300;

/** @type {typeof import("../shell/palette.js")|undefined} */
let palettePart;
const palette = async () => (palettePart = await import("../shell/palette.js"));
const shortcuts = () => import("../shell/shortcuts.js");
const addModule = () => import("../components/add_module.js");

/** Once it has come, it opens at once: keys that are pressed before are lost. */
export const togglePalette = async () => (palettePart ?? (await needed(palette)))?.togglePalette();
export const showShortcuts = async () => (await needed(shortcuts))?.showShortcuts();
export const showAddModule = async () => (await needed(addModule))?.showAddModule();

/**
 * What a part of the page exports, once it has come. The page is drawn again then.
 * @template T
 * @param {() => Promise<T>} load @returns {() => T|undefined}
 */
export function part(load) {
  /** @type {T|undefined} */
  let come;
  let isAsked = false;
  return () => {
    if (!isAsked) needed(load).then((found) => {
      come = found;
      update({});
    });
    isAsked = true;
    return come;
  };
}

/**
 * What a part of the page exports. Where it can't be loaded, the page is loaded again.
 * @template T
 * @param {() => Promise<T>} load @returns {Promise<T|undefined>}
 */
export async function needed(load) {
  try {
    return await load();
  } catch (error) {
    report(`a part of the page can't be loaded: ${error}`);
    location.reload(); // browsers do not try a part again
    return undefined;
  }
}

export function loadTheRest() {
  setTimeout(() => {
    for (const load of [() => loadIcons("more"), palette, addModule]) load().catch(() => {}); // it may not be needed
  }, BREAK_MS);
}

bind({ "Mod+k": togglePalette, "?": showShortcuts });

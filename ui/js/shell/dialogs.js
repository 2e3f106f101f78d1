// @ts-check
/**
 * What opens above any page: the palette, the sheet of shortcuts, the dialog for a folder. It comes
 * soon after the first page in any case, as the server may be gone later.
 */
import { bind } from "../base/keys.js";
import { needed } from "../base/later.js";
import { observe } from "../base/store.js";
import { loadIcons } from "../components/icon.js";
import "./landing.js";

/** In which the first page is drawn. */
const BREAK_MS = 300;

/** @type {typeof import("./palette.js")|undefined} */
let palettePart;
const palette = async () => (palettePart = await import("./palette.js"));
const shortcuts = () => import("./shortcuts.js");
const addModule = () => import("../components/add_module.js");

/** Once it has come, it opens at once: keys that are pressed before are lost. */
export const togglePalette = async () => (palettePart ?? (await needed(palette)))?.togglePalette();

bind({
  "Mod+k": togglePalette,
  "?": async () => (await needed(shortcuts))?.showShortcuts(),
});

observe(async ({ address }, before) => {
  if (address === before.address || address.page !== "home" || !("add" in address.query)) return;
  (await needed(addModule))?.showAddModule();
});

export function loadTheRest() {
  setTimeout(() => {
    for (const load of [() => loadIcons("more"), palette, addModule]) load().catch(() => {}); // it may not be needed
  }, BREAK_MS);
}

// @ts-check
import { isBrowser } from "../bridge.js";
import { copy } from "./copy.js";

/** Saves a file in a browser; a window has no downloads, so there it goes to the clipboard. @param {string} name @param {string} text @param {string} type */
export function save(name, text, type) {
  if (!isBrowser) {
    copy(text);
    return;
  }
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([text], { type: `${type};charset=utf-8` }));
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}

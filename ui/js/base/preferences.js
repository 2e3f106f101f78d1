// @ts-check
/** What this page keeps by itself: how it looks here. A window has no lasting store of its own. */

const store = typeof localStorage === "undefined" ? sessionStorage : localStorage;

/** @param {string} key */
export const recall = (key) => store.getItem(key);

/** @param {string} key @param {string} value */
export const remember = (key, value) => store.setItem(key, value);

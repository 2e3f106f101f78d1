// @ts-check
/** Parts of the page that come only when they are needed. */
import { report } from "./actions.js";
import { update } from "./store.js";

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
    window.dispatchEvent(new Event("incomplete")); // browsers do not try a part again
    return undefined;
  }
}

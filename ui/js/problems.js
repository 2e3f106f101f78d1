// @ts-check
/** What needs the user's attention. */

/** @import { PageState } from "./types.d.ts" */

/** @param {PageState} page @returns {{id: string}[]} */
export function problems({ snapshot }) {
  const failed = (snapshot?.modules ?? []).filter(({ state }) => state === "error");
  return failed.map(({ name }) => ({ id: name }));
}

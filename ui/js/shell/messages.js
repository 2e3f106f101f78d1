// @ts-check
/** Says at once that a request was refused, where its card is on another page. */
import { observe } from "../base/store.js";
import { showToast } from "../components/toast.js";

/**
 * @import { Address } from "../base/address.js"
 * @import { Error } from "../contract.d.ts"
 */

/** @param {Address} address @param {Error} failure */
function isShown({ page, rest: [name, tab = "overview"] }, { data }) {
  const isOwn = page === "modules" && name === data.module && ["overview", "services"].includes(tab);
  return isOwn || page === "home" || page === "doctor";
}

observe(({ address, failures }, before) => {
  for (const failure of failures) {
    if (before.failures.includes(failure) || isShown(address, failure)) continue;
    showToast({ text: failure.message, icon: "circle-alert" });
  }
});

// @ts-check
/** A new home begins with the first steps. */
import { go } from "../../base/address.js";
import { CONNECTION, invoke, on } from "../../base/bridge.js";
import { current } from "../../base/store.js";

const forget = on(CONNECTION, async ({ state }) => {
  if (state !== "up") return;
  forget();
  const answer = await invoke("ai/app/welcome", {});
  const { page, query } = current().address;
  if (answer.success && answer.data.pending && page === "home" && !("add" in query)) go("welcome");
});

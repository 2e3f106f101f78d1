// @ts-check
/** What a new home begins with, and the dialog that an address opens. */
import { go } from "../../base/address.js";
import { CONNECTION, invoke, on } from "../../base/bridge.js";
import { showAddModule } from "../../base/later.js";
import { current, observe } from "../../base/store.js";

const forget = on(CONNECTION, async ({ state }) => {
  if (state !== "up") return;
  forget();
  const answer = await invoke("ai/app/welcome", {});
  const { page, query } = current().address;
  if (answer.success && answer.data.pending && page === "home" && !("add" in query)) go("welcome");
});

observe((now, before) => {
  if (now.address !== before.address && now.address.page === "home" && "add" in now.address.query) showAddModule();
});

// @ts-check
/** Settings by the titles that people know. */
import { invoke } from "../../base/bridge.js";
import { t } from "../../base/i18n.js";
import { current, slice } from "../../base/store.js";

const own = slice({ titles: /** @type {ReadonlyMap<string, string>} */ (new Map()) });

export async function loadSettingNames() {
  const answer = await invoke("ai/config/get", {});
  if (answer.success) own.set({ titles: new Map(answer.data.entries.map(({ address, title }) => [address, title])) });
}

/** @param {string} address The address itself, as long as its title is not known. */
export function settingName(address) {
  const title = own.get().titles.get(address);
  const module = current().snapshot?.modules.find(({ name }) => address.startsWith(`${name}.`));
  if (!title) return address;
  return module ? t("{title} ({module})", { title, module: module.title }) : title;
}

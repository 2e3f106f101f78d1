// @ts-check
/** What is said below a setting. */
import { bytes, capitalised } from "../../../base/format.js";
import { t } from "../../../base/i18n.js";
import { current } from "../../../base/store.js";
import { folderError } from "../../../components/folder_picker.js";
import { isUp } from "../service_state.js";
import { checkOf, draft, form } from "./form.js";
import { idOf, shown } from "./words.js";

/** @import { Field } from "../../../contract.d.ts" */

/** @param {Field} field @returns {{text: string, tone: "bad"|"ok"|"busy"|"muted", icon?: string}|null} */
export function messageOf(field) {
  const check = checkOf(field.address);
  const unlisted = folderError(idOf(field.address));
  if (unlisted) return { text: unlisted, tone: "bad" };
  if (check?.error) return { text: capitalised(check.error), tone: "bad" };
  const was = field.address in draft() && field.type !== "secret" ? t("was {value}", { value: shown(field, field.value) }) : "";
  if (check?.port?.owner) return { text: t("In use by {owner}", { owner: check.port.owner }), tone: "bad" };
  if (was && check?.port && !check.port.ours) return { text: t("Free · was {value}", { value: shown(field, field.value) }), tone: "ok" };
  if (field.upgraded) return { text: t("Only an upgrade changes it"), tone: "muted", icon: "lock" };
  if (field.locked) return { text: t("Fixed: stored data depends on it"), tone: "muted", icon: "lock" };
  const text = [usage(field), was].filter(Boolean).join(" · ");
  return text ? { text, tone: "muted", icon: "" } : null;
}

/** @param {Field} field The most that a service uses whose memory it limits. */
function usage({ services }) {
  const module = current().snapshot?.modules.find(({ name }) => name === form().module);
  const up = module?.services.filter((service) => services.includes(service.name) && isUp(service)) ?? [];
  const used = Math.max(0, ...up.map(({ name }) => form().memory[name] ?? 0));
  return used ? t("Uses {size} now", { size: bytes(used) }) : "";
}

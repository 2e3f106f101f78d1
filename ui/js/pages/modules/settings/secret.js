// @ts-check
/** A secret: masked, shown for a while on request, generated again, or replaced. */
import { html, nothing } from "../../../../vendor/lit-html/lit-html.js";
import { confirm } from "../../../base/actions.js";
import { list } from "../../../base/format.js";
import { t } from "../../../base/i18n.js";
import { current, slice } from "../../../base/store.js";
import { button } from "../../../components/button.js";
import { input } from "../../../components/field.js";
import { copySecret, hideSecret, plainOf, showSecret } from "../../../components/secret.js";
import { change, checkOf, draft, undo, valueOf } from "./form.js";
import { isLacking, tokenButton } from "./token.js";
import { idOf } from "./words.js";

/** @import { Field } from "../../../contract.d.ts" */

const own = slice({ isSeen: false, edited: "" });

/** When the form is left. */
export const hideTyped = () => own.set({ isSeen: false, edited: "" });

/** @param {Field} field */
export function secret(field) {
  const drafted = draft()[field.address];
  if (drafted === null) return note(field);
  const isEmpty = field.origin === "none" && isSetByUser(field);
  return isEmpty || drafted !== undefined || own.get().edited === field.address ? typed(field) : stored(field);
}

/** @param {Field} field Neither generated nor issued by another module. */
const isSetByUser = ({ generated, tokenOf }) => !generated && !tokenOf;

/** @param {Field} field */
const note = ({ generated }) => html`
  <p class="control muted secret-note">${generated
    ? t("A new value is generated when you apply the change.") : t("It has no value after you apply the change.")}</p>`;

/** @param {Field} field @param {string} text */
const type = (field, text) => (text ? change(field, text) : undo(field.address));

/** @param {Field} field */
const typed = (field) => html`
  <div class="setsecret ${own.get().isSeen ? "" : "masked"}">${input({
    id: idOf(field.address), value: valueOf(field),
    change: (text) => type(field, text), placeholder: t("Not set"),
    invalid: Boolean(checkOf(field.address)?.error),
    after: button({
      text: own.get().isSeen ? t("Hide") : t("Show"), icon: own.get().isSeen ? "eye-off" : "eye", kind: "quiet",
      size: "small", iconOnly: true, run: () => own.set({ isSeen: !own.get().isSeen }),
    }),
  })}</div>`;

/** @param {Field} field */
function stored(field) {
  const plain = plainOf(field.address);
  const { address, title, generated, locked } = field;
  return html`
    <div class="row-flex setsecret">
      <span class="input grow">
        <output id=${idOf(address)} class="grow mono text cut" aria-label=${title}>${plain ?? (field.origin === "none" ? t("No value yet") : "••••••••••••••••••••")}</output>
        ${field.origin === "none" ? nothing : html`
          ${button({
            text: plain ? t("Hide") : t("Show"), name: plain ? t("Hide {name}", { name: title }) : t("Show {name}", { name: title }),
            icon: plain ? "eye-off" : "eye", kind: "quiet", size: "small", iconOnly: true,
            run: () => (plain ? hideSecret(address) : showSecret(address)),
          })}
          ${button({
            text: t("Copy"), name: t("Copy {name}", { name: title }), icon: "copy", kind: "quiet", size: "small",
            iconOnly: true, run: () => copySecret(address),
          })}`}
      </span>
      ${isLacking(field) ? tokenButton(field) : nothing}
      ${generated ? button({
        text: t("Regenerate"), name: t("Regenerate {name}", { name: title }), icon: "refresh-cw", enabled: !locked,
        why: locked ? t("Stored data depends on it") : null, run: () => regenerate(field),
      }) : nothing}
      ${isSetByUser(field) ? html`
        ${button({
          text: t("Change"), name: t("Change {name}", { name: title }), run: () => own.set({ edited: address }),
        })}
        ${button({
          text: t("Remove"), name: t("Remove {name}", { name: title }), icon: "trash-2", kind: "quiet", iconOnly: true,
          run: () => change(field, null),
        })}` : nothing}
    </div>`;
}

/** @param {Field} field Says what breaks first. */
function regenerate(field) {
  const users = field.readBy.map((name) => current().snapshot?.modules.find((one) => one.name === name)?.title ?? name);
  confirm({
    title: t("Regenerate {name}?", { name: field.title }),
    text: [
      t("Programs and people that use the current value need the new one. Services of this computer get it when you apply the change."),
      ...(users.length ? [t("Also used by {users}.", { users: list(users) })] : []),
    ].join("\n\n"),
    action: t("Regenerate"),
    run: () => change(field, null),
  });
}

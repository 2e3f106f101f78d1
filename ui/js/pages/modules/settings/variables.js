// @ts-check
/** Further variables of services, as a table: those that are there, those that are about to be, and a row for a new one. */
import { repeat } from "../../../../vendor/lit-html/directives/repeat.js";
import { html, nothing } from "../../../../vendor/lit-html/lit-html.js";
import { capitalised } from "../../../base/format.js";
import { t } from "../../../base/i18n.js";
import { button } from "../../../components/button.js";
import { input, select, toggle } from "../../../components/field.js";
import { addTyped, change, checkOf, draft, form, isOnlyTyped, type, typedAddress, typedService, undo } from "./form.js";
import { messageOf } from "./message.js";
import { secret } from "./secret.js";
import { idOf } from "./words.js";

/** @import { Field } from "../../../contract.d.ts" */

/** @param {Field[]} found Those to show. */
export const variables = (found) => html`
  <section class="fs">
    <h2>${t("Further variables")}</h2>
    <p class="small muted">${t("Environment variables that services get in addition. What the module itself sets can't be set here.")}</p>
    <div class="tablehold" role="region" aria-label=${t("Further variables")} tabindex="0">
      <table class="table variables">
        <thead><tr>
          <th scope="col">${t("Service")}</th><th scope="col">${t("Name")}</th><th scope="col">${t("Value")}</th>
          <th scope="col">${t("Secret")}</th><th scope="col"><span class="unseen">${t("Actions")}</span></th>
        </tr></thead>
        <tbody>
          ${repeat(found.filter(({ address }) => !isOnlyTyped(address)), ({ address }) => address, row)}
          ${newRow()}
        </tbody>
      </table>
    </div>
  </section>`;

/** @param {Field} field */
function row(field) {
  const [, , service, ...name] = field.address.split(".");
  return html`
    <tr ?data-changed=${field.address in draft()}>
      <td>${service}</td><td class="mono text">${name.join(".")}</td>
      <td>${value(field)}${note(idOf(field.address), messageOf(field))}</td>
      <td>${field.type === "secret" ? html`<span class="tag">${t("Secret")}</span>` : nothing}</td>
      <td>${takeBack(field)}</td>
    </tr>`;
}

/** @param {string} id of the control @param {{text: string, tone: string}|null} message */
const note = (id, message) => message ? html`
  <p class="msg ${message.tone}" id="${id}-message" role=${message.tone === "bad" ? "alert" : "status"}>${message.text}</p>` : nothing;

/** @param {Field} field */
const value = (field) => field.type === "secret" ? secret(field)
  : draft()[field.address] === null ? html`<p class="control muted">${t("It is removed when you apply the change.")}</p>`
    : input({
      id: idOf(field.address), value: draft()[field.address] ?? field.value, label: field.title,
      change: (text) => change(field, text),
    });

/** @param {Field} field */
function takeBack(field) {
  const { address, title, type } = field;
  if (address in draft()) {
    return button({
      text: t("Undo"), name: t("Undo {name}", { name: title }), icon: "undo-2", kind: "quiet", size: "small", iconOnly: true,
      run: () => undo(address),
    });
  }
  return type === "secret" ? nothing : button({
    text: t("Remove"), name: t("Remove {name}", { name: title }), icon: "trash-2", kind: "quiet", size: "small", iconOnly: true,
    run: () => change(field, null),
  });
}

function newRow() {
  const { services, typed: { name, value: text, isSecret } } = form();
  const address = typedAddress();
  const error = address && checkOf(address)?.error;
  return html`
    <tr class="new" @keydown=${addOnEnter}>
      <td>${select({
        id: "variable-service", value: typedService(), label: t("Service"), choices: services.map((one) => ({ value: one, text: one })),
        change: (service) => type({ service }),
      })}</td>
      <td>${input({ id: "variable-name", value: name, label: t("Name"), placeholder: "NAME", change: (typed) => type({ name: typed }) })}</td>
      <td><div class="setsecret ${isSecret ? "masked" : ""}">${input({
        id: "variable-value", value: text, label: t("Value"), invalid: Boolean(error), change: (typed) => type({ value: typed }),
      })}</div>${note("variable-value", error ? { text: capitalised(error), tone: "bad" } : null)}</td>
      <td data-title=${t("Secret")}>${toggle({ id: "variable-secret", on: isSecret, label: t("Secret"), change: (on) => type({ isSecret: on }) })}</td>
      <td>${button({ text: t("Add"), icon: "plus", size: "small", enabled: address !== undefined, run: add })}</td>
    </tr>`;
}

function add() {
  addTyped();
  document.getElementById("variable-name")?.focus();
}

/** @param {KeyboardEvent} event An Enter with Ctrl applies; one of an input method chooses a word. */
function addOnEnter({ key, target, ctrlKey, metaKey, isComposing }) {
  if (key !== "Enter" || ctrlKey || metaKey || isComposing || !(target instanceof HTMLInputElement)) return;
  if (typedAddress()) add();
}

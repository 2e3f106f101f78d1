// @ts-check
/** Further variables of services, as a table: those that are there, those that are about to be, and a row for a new one. */
import { repeat } from "../../../../vendor/lit-html/directives/repeat.js";
import { html, nothing } from "../../../../vendor/lit-html/lit-html.js";
import { t } from "../../../base/i18n.js";
import { slice } from "../../../base/store.js";
import { button } from "../../../components/button.js";
import { input, select, toggle } from "../../../components/field.js";
import { change, draft, form, newVariable, undo } from "./form.js";
import { messageOf } from "./message.js";
import { secret } from "./secret.js";
import { idOf } from "./words.js";

/** @import { Field } from "../../../contract.d.ts" */

/** The row for a new one. */
const EMPTY = { service: "", name: "", value: "", isSecret: false };
const own = slice(EMPTY);

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
          ${repeat(found, ({ address }) => address, row)}
          ${added()}
        </tbody>
      </table>
    </div>
  </section>`;

/** @param {Field} field */
function row(field) {
  const [, , service, ...name] = field.address.split(".");
  const message = messageOf(field);
  return html`
    <tr ?data-changed=${field.address in draft()}>
      <td>${service}</td><td class="mono text">${name.join(".")}</td>
      <td>${value(field)}${message ? html`
        <p class="msg ${message.tone}" id="${idOf(field.address)}-message" role=${message.tone === "bad" ? "alert" : "status"}>${message.text}</p>` : nothing}</td>
      <td>${field.type === "secret" ? html`<span class="tag">${t("Secret")}</span>` : nothing}</td>
      <td>${takeBack(field)}</td>
    </tr>`;
}

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

function added() {
  const services = form().services;
  const { name, value: text, isSecret } = own.get();
  const service = services.includes(own.get().service) ? own.get().service : services[0] ?? "";
  return html`
    <tr>
      <td>${select({
        id: "variable-service", value: service, label: t("Service"), choices: services.map((one) => ({ value: one, text: one })),
        change: (chosen) => own.set({ service: chosen }),
      })}</td>
      <td>${input({ id: "variable-name", value: name, label: t("Name"), placeholder: "NAME", change: (typed) => own.set({ name: typed }) })}</td>
      <td><div class="setsecret ${isSecret ? "masked" : ""}">${input({
        id: "variable-value", value: text, label: t("Value"), change: (typed) => own.set({ value: typed }),
      })}</div></td>
      <td>${toggle({ id: "variable-secret", on: isSecret, label: t("Secret"), change: (on) => own.set({ isSecret: on }) })}</td>
      <td>${button({
        text: t("Add"), icon: "plus", size: "small", enabled: Boolean(name.trim() && (text || !isSecret)), run: () => {
          change(newVariable([form().module, isSecret ? "secret" : "variable", service, name.trim()].join(".")), text);
          own.set(EMPTY);
        },
      })}</td>
    </tr>`;
}

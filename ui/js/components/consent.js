// @ts-check
/** What a module that is not built in does, and what of it goes beyond its own containers: the question at its first start. */
import { html, nothing } from "../../vendor/lit-html/lit-html.js";
import { t } from "../base/i18n.js";
import { icon } from "./icon.js";

/** @import { Consent, Permission, Remedy } from "../contract.d.ts" */

/** @type {Record<string, string>} */
const ICONS = {
  containers: "container", modules: "package", internet: "globe", port: "plug", data: "database", memory: "memory-stick", download: "cloud-download",
};

/** Only what is new, if the user has allowed some of it before. @param {Consent} consent */
function asked({ permissions }) {
  const added = permissions.filter(({ isNew }) => isNew);
  return added.length ? added : permissions;
}

/** @param {Consent} consent */
export const consentView = (consent) => html`
  <h3 class="does-head">${t("What it does")}</h3>
  <ul class="does">${consent.does.map(({ kind, text }) => html`<li>${icon(ICONS[kind] ?? "circle", "s16")}<span>${text}</span></li>`)}</ul>
  ${consent.permissions.length
    ? html`<h3 class="does-head busy">${t("What goes beyond its own containers")}</h3><ul class="beyond">${asked(consent).map(row)}</ul>`
    : html`<div class="within">${icon("shield-check", "ok s16")}<p>${t("It stays within its own containers. It can't reach your files or other modules.")}</p></div>`}`;

/** @param {Permission} permission */
const row = ({ text, note, services, isNew }) => html`
  <li>${icon("triangle-alert", "busy s16")}
    <div class="grow"><p class="strong">${t("Can {what}", { what: text })}${isNew ? html` <span class="tag">${t("New")}</span>` : nothing}</p>
      ${note ? html`<p class="muted small">${note}</p>` : nothing}</div>
    <span class="small muted mono">${services.join(", ")}</span></li>`;

/** The words of the button that means yes to all of them. @param {Consent[]} consents */
export function yes(consents) {
  const count = consents.flatMap(asked).length;
  if (!count) return t("Allow and start");
  return count === 1 ? t("Allow this and start") : count === 2 ? t("Allow both and start") : t("Allow all and start");
}

/** What an answer asks for, if it says no for that. @param {{data?: unknown}} answer */
export const consentIn = ({ data }) => /** @type {{remedies?: Remedy[]}|undefined} */ (data)?.remedies?.[0]?.consent ?? null;

/** What to think of before that. @param {Consent[]} consents */
export const advice = (consents) => consents.some(({ permissions }) => permissions.length)
  ? t("Nobody has checked it. Allow this only if you trust who wrote it.")
  : t("You can take it away again at any time.");

// @ts-check
/** The first accounts of a module. Their secrets are asked for one by one, and hidden again. */
import { html, nothing } from "../../../vendor/lit-html/lit-html.js";
import { addressTo } from "../../base/address.js";
import { t } from "../../base/i18n.js";
import { copyButton } from "../../components/copy.js";
import { secret } from "../../components/secret.js";

/** @import { Account, Module } from "../../contract.d.ts" */

/** @param {Module} module @param {Account[]} accounts */
export const accountCard = ({ name }, accounts) => html`
  <section class="card">
    <div class="card-head"><h2 class="h3">${t("First accounts")}</h2><span class="grow"></span>
      <a class="link small" href="#${addressTo("modules", [name, "settings"])}">${t("Settings")}</a></div>
    <ul class="accounts">${accounts.map(account)}</ul>
  </section>`;

/** @param {Account} account */
const account = ({ title, user, setting, note }) => html`
  <li>
    <h3>${title}</h3>
    ${user ? html`<div class="row-flex"><span class="muted">${t("User")}</span><code class="text">${user}</code>
      ${copyButton(user, t("Copy {text}", { text: user }))}</div>` : nothing}
    ${setting ? html`<div class="row-flex"><span class="muted">${user ? t("Password") : t("Secret")}</span>${secret(setting, title)}</div>` : nothing}
    ${note ? html`<p class="muted small">${note}</p>` : nothing}
  </li>`;

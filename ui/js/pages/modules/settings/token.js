// @ts-check
/** The access token that another module issues: what is lacking, as a button. */
import { html, nothing } from "../../../../vendor/lit-html/lit-html.js";
import { invoke } from "../../../base/bridge.js";
import { t } from "../../../base/i18n.js";
import { current, slice } from "../../../base/store.js";
import { button } from "../../../components/button.js";
import { startModule } from "../actions.js";
import { form, reload } from "./form.js";

/** @import { Field, Module } from "../../../contract.d.ts" */

/** `error`: why no token was created for `module`. */
const own = slice({ isBusy: false, module: "", error: "" });

/** @param {unknown} address The field, if it is that of an access token. */
export const tokenAt = (address) => form().settings?.find((field) => field.address === address && field.tokenOf);

/** @param {Field} field Whether it is an access token that is still to be created. */
export const isLacking = ({ tokenOf, origin }) => Boolean(tokenOf) && origin === "none";

/** @param {Field} field */
export function tokenButton({ tokenOf }) {
  const provider = current().snapshot?.modules.find(({ name }) => name === tokenOf);
  if (!provider) return nothing;
  const { module, error } = own.get();
  return html`
    ${provider.state === "running" ? createButton() : startButton(provider)}
    ${error && module === form().module ? html`<p class="small bad text" role="alert">${error}</p>` : nothing}`;
}

const createButton = () => button({
  text: t("Create access token"), icon: "plus", size: "small", run: create,
  enabled: current().connection === "up" && !own.get().isBusy,
});

/** @param {Module} provider */
const startButton = (provider) => button({
  text: t("Start {name}", { name: provider.title }), icon: "play", size: "small", run: () => startModule(provider),
  why: provider.abilities.start, enabled: current().connection === "up" && provider.abilities.start === null,
});

async function create() {
  const { module } = form();
  own.set({ isBusy: true, module, error: "" });
  const answer = await invoke("ai/module/connect", { module });
  own.set({ isBusy: false, error: answer.success ? "" : answer.message });
  if (!answer.success) return;
  await reload();
  void invoke("ai/models/check", {}); // does it answer? Refused if the stack uses no model server
}

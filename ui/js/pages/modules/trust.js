// @ts-check
/** What the user allows a module that is not built in, and the way to take it back. */
import { html } from "../../../vendor/lit-html/lit-html.js";
import { ask, confirm, start } from "../../base/actions.js";
import { t } from "../../base/i18n.js";
import { button } from "../../components/button.js";
import { advice, consentView, yes } from "../../components/consent.js";
import { barePill } from "../../components/state.js";

/** @import { Consent, Module } from "../../contract.d.ts" */

/** @param {Module} module @param {Consent} consent @param {boolean} isAllowed @param {() => unknown} changed */
export const trustCard = (module, consent, isAllowed, changed) => html`
  <section class="card">
    <div class="card-head">
      <h2 class="h3">${t("Permissions")}</h2><span class="grow"></span>
      ${isAllowed ? barePill("running", t("You allowed this")) : barePill("degraded", t("Not allowed yet"))}
    </div>
    <div class="trust">
      ${consentView(consent)}
      <div class="buttons">${isAllowed
        ? button({ text: t("Stop trusting"), icon: "shield-x", run: () => takeBack(module, changed) })
        : button({ text: yes([consent]), icon: "shield-check", kind: "primary", run: () => allow(module, consent, changed) })}</div>
    </div>
  </section>`;

/** @param {Module} module @param {() => unknown} changed */
const takeBack = (module, changed) => confirm({
  title: t("Stop trusting {name}?", { name: module.title }),
  text: t("It is stopped, with the modules that use it. Its data stays. It starts again only after you allow it again."),
  action: t("Stop trusting"), kind: "danger",
  run: async () => (await ask(module.name, "ai/module/distrust", { name: module.name })).success && changed(),
});

/** @param {Module} module @param {Consent} consent @param {() => unknown} changed */
const allow = ({ name, title }, consent, changed) => confirm({
  title: t("Allow {name}?", { name: title }), text: advice([consent]), action: yes([consent]),
  run: async () => {
    const answer = await ask(name, "ai/module/trust", { name, hash: consent.hash });
    changed();
    if (answer.success) await start(name);
  },
});

// @ts-check
/** Models: who answers the stack, and which servers of this computer could. */
import { html, nothing } from "../../vendor/lit-html/lit-html.js";
import { addressTo } from "../base/address.js";
import { list } from "../base/format.js";
import { t } from "../base/i18n.js";
import { button } from "../components/button.js";
import { icon } from "../components/icon.js";
import { notice } from "../components/notice.js";
import { emblem } from "../components/state.js";
import { foundCard } from "./models/found.js";
import { follow, listError, lookAgain, modelList, usedServers } from "./models/list.js";
import { modelProblems } from "./models/problems.js";
import { talkCard } from "./models/talk.js";
import { wiring } from "./models/wiring.js";
import { CHECK, worksView } from "./models/works.js";

/** @import { PageState } from "../types.d.ts" */

export const enter = () => follow();

/** @param {PageState} page */
export function view(page) {
  if (page.address.rest[0] === CHECK) return worksView(page);
  const isUsed = usedServers().length > 0;
  return html`
    <header class="top"><h1>${t("Models")}</h1><span class="grow"></span>
      ${isUsed ? html`<a class="button" href=${`#${addressTo("models", [CHECK])}`}>${icon("activity")}<span>${t("Does it really work?")}</span></a>` : nothing}
    </header>
    <div class="scroll"><div class="content models-page">${content(page, isUsed)}</div></div>`;
}

/** @param {PageState} page @param {boolean} isUsed */
function content({ snapshot }, isUsed) {
  if (listError()) {
    return notice({
      tone: "bad", title: t("The model servers can't be read"), text: listError(), actions: button({ text: t("Try again"), run: lookAgain }),
    });
  }
  if (!modelList() || !snapshot) return html`<div class="skeleton for-cards"></div>`;
  if (isUsed) {
    return html`${modelProblems()}<div class="model-cols"><div class="stack">${wiring(snapshot)}</div>
      <div class="stack">${foundCard()}${talkCard()}</div></div>`;
  }
  return html`${none()}<div class="model-cols"><div class="stack">${foundCard()}</div><div class="stack">${talkCard()}</div></div>`;
}

function none() {
  const there = (modelList()?.servers ?? []).filter(({ state, models }) => state === "on" && models.length);
  return html`
    <section class="card"><div class="big" data-state="stopped">${emblem("stopped", "sparkles")}
      <h2>${t("No model answers yet")}</h2>
      <p>${there.length ? t("{names} runs here. Let the stack use it: no key, no account, nothing leaves this computer.", { names: list(there.map(({ title }) => title)) })
        : t("Start a model server on this computer, such as Ollama or LM Studio, then look again. Providers with a key are added in OneAPI.")}</p>
    </div></section>`;
}

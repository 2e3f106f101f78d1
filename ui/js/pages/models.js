// @ts-check
/** Models: who answers the stack, and which servers of this computer could. */
import { html, nothing } from "../../vendor/lit-html/lit-html.js";
import { addressTo } from "../base/address.js";
import { bytes, list } from "../base/format.js";
import { t } from "../base/i18n.js";
import { current } from "../base/store.js";
import { button } from "../components/button.js";
import { icon } from "../components/icon.js";
import { notice } from "../components/notice.js";
import { emblem } from "../components/state.js";
import { refusals } from "../problems/card.js";
import { askToDisconnect, askToUseEverywhere, foundServers, isEverywhere, isWiring, leftToDo, useEverywhere } from "./models/everywhere.js";
import { foundCard } from "./models/found.js";
import { follow, listError, lookAgain, modelList, usedServers } from "./models/list.js";
import { firstChoice, ownCard } from "./models/own.js";
import { installed, loadOwn, pullModel, pulls } from "./models/own_list.js";
import { modelProblems } from "./models/problems.js";
import { talkCard } from "./models/talk.js";
import { wiring } from "./models/wiring.js";
import { CHECK, worksView } from "./models/works.js";

/** @import { PageState } from "../types.d.ts" */

export function enter() {
  void loadOwn({});
  return follow();
}

/** @param {PageState} page */
export function view(page) {
  if (page.address.rest[0] === CHECK) return worksView(page);
  const isUsed = usedServers().length > 0;
  return html`
    <header class="top"><h1>${t("Models")}</h1><span class="grow"></span>
      ${isUsed ? html`<a class="button" href=${`#${addressTo("models", [CHECK])}`}>${icon("activity")}<span>${t("Does it really work?")}</span></a>` : nothing}
      ${isEverywhere() ? button({ text: t("Disconnect all…"), kind: "quiet", enabled: page.connection === "up" && !isWiring(), run: () => void askToDisconnect() })
        : installed().length ? everywhereButton() : nothing}
    </header>
    <div class="scroll"><div class="content models-page">${refusals(page)}${content(page, isUsed)}</div></div>`;
}

const everywhereButton = () => button({
  text: isWiring() ? t("Connecting…") : t("Use everywhere"), icon: "waypoints", kind: "primary",
  enabled: current().connection === "up" && !isWiring(), run: () => void askToUseEverywhere(),
});

/** @param {PageState} page @param {boolean} isUsed */
function content({ snapshot }, isUsed) {
  if (listError()) {
    return notice({
      tone: "bad", title: t("The model servers can't be read"), text: listError(), actions: button({ text: t("Try again"), run: lookAgain }),
    });
  }
  if (!modelList() || !snapshot) return html`<div class="skeleton for-cards"></div>`;
  if (isUsed) {
    return html`${modelProblems()}${leftToDo()}<div class="model-cols"><div class="stack">${wiring(snapshot)}${ownCard()}</div>
      <div class="stack">${talkCard()}${foundCard()}</div></div>`;
  }
  return html`${none()}<div class="model-cols"><div class="stack">${ownCard()}</div><div class="stack">${talkCard()}${foundCard()}</div></div>`;
}

function none() {
  const there = foundServers();
  if (installed().length) return nothing;
  const first = firstChoice();
  const isBusy = pulls().length > 0 || (first && current().asked.has(`pull ${first.name}`));
  return html`
    <section class="card"><div class="big" data-state="stopped">${emblem("stopped", "sparkles")}
      <h2>${t("No model answers yet")}</h2>
      <p>${there.length ? t("{names} runs here. Let the stack use it: no key, no account, nothing leaves this computer.", { names: list(there.map(({ title }) => title)) })
        : t("The modules need one to answer. Download one: no key, no account, nothing leaves this computer.")}</p>
      ${there.length ? html`<div class="buttons">${everywhereButton()}</div>` : !first ? nothing : html`<div class="buttons">
        ${button({
          text: t("Get {name} ({size})", { name: first.title, size: bytes(first.size) }), icon: "download", kind: "primary", enabled: !isBusy,
          run: async () => { if (await pullModel(first.name)) await useEverywhere(); },
        })}
        <a class="button" href=${`#${addressTo("modules", ["oneapi"])}`}>${icon("key-round")}<span>${t("I have a key of a provider")}</span></a></div>
        <p class="small muted">${t("Then OneAPI gets it, and running modules that can ask OneAPI are connected and restart.")}</p>`}
    </div></section>`;
}

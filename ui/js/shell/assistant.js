// @ts-check
/** A change that an assistant asks for, on every page, until somebody has answered. */
import { html, nothing } from "../../vendor/lit-html/lit-html.js";
import { ask } from "../base/actions.js";
import { on } from "../base/bridge.js";
import { t } from "../base/i18n.js";
import { current, slice } from "../base/store.js";
import { button } from "../components/button.js";
import { icon } from "../components/icon.js";

/** @import { Proposal } from "../contract.d.ts" */

const own = slice({ waiting: /** @type {Proposal[]} */ ([]) });

on("ai/assistant/event", ({ waiting }) => own.set({ waiting }));

/** @param {Proposal} proposal */
function question({ client, kind, subject, value }) {
  const name = current().snapshot?.modules.find((module) => module.name === subject)?.title ?? subject;
  if (kind === "start") return t("“{client}” wants to start {name}", { client, name });
  if (kind === "stop") return t("“{client}” wants to stop {name}", { client, name });
  return value === null ? t("“{client}” wants to reset {name}", { client, name }) : t("“{client}” wants to set {name} to “{value}”", { client, name, value });
}

/** A click meant for the one before must not answer the next one, whose buttons are in the same place. */
const UNSEEN_MS = 1000;

let shown = { id: "", since: 0 };

/** @param {Proposal} proposal @param {boolean} allow */
function answer({ id }, allow) {
  if (id === shown.id && performance.now() - shown.since < UNSEEN_MS) return;
  void ask(id, "ai/assistant/answer", { id, allow });
}

export function proposals() {
  const [first] = own.get().waiting;
  if (first && first.id !== shown.id) shown = { id: first.id, since: performance.now() };
  return first ? html`
    <div class="notice busy proposal" role="alert" data-proposal=${first.id}>
      ${icon("bot")}
      <div class="notice-text grow"><strong>${question(first)}</strong><p>${t("An assistant asks for this. Nothing happens without your yes.")}</p></div>
      <span class="row-flex">${button({ text: t("Refuse"), size: "small", run: () => answer(first, false) })}
        ${button({ text: t("Allow"), kind: "primary", size: "small", run: () => answer(first, true) })}</span>
    </div>` : nothing;
}

// @ts-check
/** Alerts: what is active, the rules, and what was active before. */
import { repeat } from "../../vendor/lit-html/directives/repeat.js";
import { html, nothing } from "../../vendor/lit-html/lit-html.js";
import { duration } from "../base/format.js";
import { t, tn } from "../base/i18n.js";
import { bind } from "../base/keys.js";
import { slice } from "../base/store.js";
import { button } from "../components/button.js";
import { notice } from "../components/notice.js";
import { dot, emblem } from "../components/state.js";
import { activeAlerts, alertList, kindOf, mutedText, shortTime, tryRules } from "./alerts/alerts.js";
import { askForRule } from "./alerts/asking.js";
import { alertRows } from "./alerts/rows.js";
import { rulesCard } from "./alerts/rules.js";
import { openWebhook } from "./alerts/webhook.js";

/**
 * @import { Alert, RuleList } from "../contract.d.ts"
 * @import { PageState } from "../types.d.ts"
 */

/** What is shown of earlier alerts at first. */
const FEW = 8;

const own = slice({ isAll: false });

export const enter = () => bind({ n: () => askForRule() });

/** @param {PageState} page */
export function view(page) {
  const list = alertList();
  return html`
    <header class="top"><h1>${t("Alerts")}</h1><span class="grow"></span>
      ${button({ text: t("Webhook…"), icon: "webhook", kind: "quiet", run: openWebhook })}
      ${button({ text: t("New rule"), icon: "plus", keys: "N", run: () => askForRule() })}
    </header>
    <div class="scroll"><div class="content alerts">
      ${list ? content(list, page) : html`<div class="skeleton for-cards"></div>`}
    </div></div>`;
}

/** @param {RuleList} list @param {PageState} page */
function content(list, page) {
  const active = activeAlerts();
  const past = list.alerts.filter(({ ended }) => ended !== null);
  return html`
    ${list.muted ? allMuted(mutedText(list.muted)) : nothing}
    ${active.length ? activeSection(active, list, page) : quiet(list, past)}
    <div class="two-cols">${rulesCard(list)}${history(past, list)}</div>`;
}

/** @param {string} title */
const allMuted = (title) => notice({
  icon: "bell-off", title, text: t("Nobody is notified of any alert. They are still listed."),
  actions: button({ text: t("Unmute"), icon: "bell", size: "small", run: () => void tryRules("ai/rules/mute", { span: "off" }) }),
});

/** @param {Alert[]} active @param {RuleList} list @param {PageState} page */
const activeSection = (active, list, page) => html`
  <section aria-labelledby="active-title">
    <div class="section-head"><h2 id="active-title">${t("Active")}</h2><span class="num grow">${active.length}</span>
      ${list.muted ? nothing : button({
        text: t("Mute all for 1 hour"), icon: "bell-off", kind: "quiet", size: "small",
        run: () => void tryRules("ai/rules/mute", { span: "hour" }),
      })}</div>
    ${alertRows(active, page)}
  </section>`;

/** @param {RuleList} list @param {Alert[]} past */
function quiet({ rules }, past) {
  const ends = past.flatMap(({ ended }) => ended ?? []);
  const watching = rules.filter(({ on }) => on).length;
  return html`
    <section class="card quiet-card" data-state="running">
      ${emblem("running", "bell")}
      <div class="grow"><h2>${t("No alerts")}</h2>
        <p class="control muted">${[
          tn("{count} rule watches", "{count} rules watch", watching),
          ...(ends.length ? [t("the last alert ended {time}", { time: shortTime(Math.max(...ends)) })] : []),
        ].join(" · ")}</p></div>
    </section>`;
}

/** @param {Alert[]} past @param {RuleList} list */
function history(past, { keptDays }) {
  const shown = own.get().isAll ? past : past.slice(0, FEW);
  return html`
    <section class="card history" aria-labelledby="history-title">
      <div class="card-head"><h2 class="grow" id="history-title">${t("History")}</h2>
        <a class="link small" href="#activity?kind=alert">${t("All in Activity")}</a></div>
      <ul class="rows">${repeat(shown, ({ id }) => id, pastRow)}</ul>
      <div class="card-foot"><span class="grow">${past.length
        ? tn("Kept for {count} day", "Kept for {count} days", keptDays) : t("No alert has ended yet")}</span>
        ${past.length > FEW ? button({
          text: own.get().isAll ? t("Show fewer") : t("Show all {count}", { count: past.length }), kind: "quiet", size: "small",
          run: () => own.set({ isAll: !own.get().isAll }),
        }) : nothing}</div>
    </section>`;
}

/** @param {Alert} alert */
function pastRow(alert) {
  const { title, text, page, begun, ended } = alert;
  return html`
    <li class="hist">${dot(kindOf(alert)?.failure ? "error" : "degraded", "beside")}
      <div><h3><a href="#${page}">${title}</a></h3><p>${text} · ${t("lasted {time}", { time: duration((ended ?? begun) - begun) })}</p></div>
      <span class="small muted num">${shortTime(begun)}</span></li>`;
}

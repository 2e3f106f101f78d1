// @ts-check
/** The card of alerts: what is active, and that all else is well. */
import { html, nothing } from "../../../vendor/lit-html/lit-html.js";
import { labelled, timeOfDay } from "../../base/format.js";
import { t } from "../../base/i18n.js";
import { current } from "../../base/store.js";
import { icon } from "../../components/icon.js";
import { menuButton } from "../../components/menu.js";
import { dot } from "../../components/state.js";
import { alertList, muteItems, mutedText } from "./alerts.js";

/** @import { Alert, Rule } from "../../contract.d.ts" */

/** Lines of the card. */
const MOST = 4;

/** A page that shows it calls `followAlerts`. */
export function alertsCard() {
  const list = alertList();
  const active = (list?.alerts ?? []).filter(({ ended }) => ended === null);
  const failures = (list?.kinds ?? []).filter(({ failure }) => failure).map(({ kind }) => kind);
  const isBroken = active.some(({ kind }) => failures.includes(kind));
  const quiet = (list?.rules ?? []).filter(({ id, kind, on }) =>
    on && !active.some(({ rule }) => rule === id) && !(isBroken && failures.includes(kind)));
  const shown = active.slice(0, MOST);
  return html`
    <section class="card alerts-card" aria-labelledby="alerts-title">
      <div class="stat-line"><h2 class="grow" id="alerts-title">${t("Alerts")}</h2>
        <a class="link small" href="#settings/alerts">${icon("plus")}${t("Add")}</a></div>
      ${list ? html`<ul class="alerts">
        ${shown.map((alert) => activeAlert(alert, failures.includes(alert.kind)))}${mostUseful(quiet).slice(0, MOST - shown.length).map(quietRule)}
      </ul>` : html`<div class="skeleton"></div>`}
      ${active.length > MOST ? html`<a class="link small" href="#settings/alerts">${t("{count} more", { count: active.length - MOST })}</a>` : nothing}
    </section>`;
}

/** @param {Rule[]} rules Those that show a value come first, then one's own. */
const mostUseful = (rules) => [...rules].sort((one, other) => rank(one) - rank(other));

/** @param {Rule} rule */
const rank = ({ state, builtIn }) => (state === null ? 2 : 0) - (builtIn ? 0 : 1);

/** @param {string|null} name */
const titleOf = (name) => current().snapshot?.modules.find((one) => one.name === name)?.title ?? name;

/** @param {Alert} alert @param {boolean} isFailure */
function activeAlert(alert, isFailure) {
  const time = timeOfDay(new Date(alert.begun * 1000).toISOString());
  return html`
    <li class="alert">${dot(isFailure ? "error" : "degraded", "beside")}
      <a class="cut" href="#${alert.page}" title=${labelled(alert.title, alert.text)}><b class="strong">${alert.title}</b> ${alert.text}</a>
      <span class="tag ${alert.muted ? "" : isFailure ? "bad" : "busy"}"
        title=${alert.muted ? t("Muted") : nothing}>${alert.muted ? t("Muted") : time}</span>
      ${menuButton({
        text: t("Mute"), name: t("Mute: {title}", { title: alert.title }), size: "small",
        items: () => muteItems({ alert: alert.id }, alert.muted),
      })}</li>`;
}

/** @param {Rule} rule */
function quietRule(rule) {
  const name = titleOf(rule.module);
  return html`
    <li class="alert">${dot(rule.muted ? "stopped" : "running", "beside")}
      <span class="cut muted" title=${rule.text}>${name ? html`<b>${name}</b> ` : nothing}${rule.text}</span>
      <span class="faint num" title=${rule.muted ? mutedText(rule.muted) : nothing}>${rule.muted ? t("Muted") : rule.state ?? t("OK")}</span></li>`;
}

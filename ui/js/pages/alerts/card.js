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

/** Kinds of alerts that say that something does not work. */
const BROKEN = ["memory_out", "restarts", "ended", "unhealthy"];

/** A page that shows it calls `followAlerts`. */
export function alertsCard() {
  const list = alertList();
  const active = (list?.alerts ?? []).filter(({ ended }) => ended === null);
  const isBroken = active.some(({ kind }) => BROKEN.includes(kind));
  const quiet = (list?.rules ?? []).filter(({ id, kind, on }) =>
    on && !active.some(({ rule }) => rule === id) && !(isBroken && BROKEN.includes(kind)));
  const shown = active.slice(0, MOST);
  return html`
    <section class="card alerts-card" aria-labelledby="alerts-title">
      <div class="stat-line"><h2 class="grow" id="alerts-title">${t("Alerts")}</h2>
        <a class="link small" href="#settings/alerts">${icon("plus")}${t("Add")}</a></div>
      ${list ? html`<ul class="alerts">
        ${shown.map((alert) => activeAlert(alert, list.rules.find(({ id }) => id === alert.rule)))}${mostUseful(quiet).slice(0, MOST - shown.length).map(quietRule)}
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

/** An excess is said by its rule, which is shorter. @param {Alert} alert @param {Rule|undefined} rule */
function activeAlert(alert, rule) {
  const isExcess = (alert.kind === "cpu" || alert.kind === "memory") && rule;
  const [name, what] = isExcess ? [titleOf(alert.module), rule.text] : [alert.title, alert.text];
  const time = timeOfDay(new Date(alert.begun * 1000).toISOString());
  return html`
    <li class="alert">${dot(BROKEN.includes(alert.kind) ? "error" : "degraded", "beside")}
      <a class="cut" href="#${alert.page}" title=${labelled(alert.title, alert.text)}><b class="strong">${name}</b> ${what}</a>
      <span class="tag ${alert.muted ? "" : BROKEN.includes(alert.kind) ? "bad" : "busy"}"
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

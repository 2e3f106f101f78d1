// @ts-check
/** Active alerts as rows: what happened, since when, and the one thing to do about it. */
import { repeat } from "../../../vendor/lit-html/directives/repeat.js";
import { html, nothing } from "../../../vendor/lit-html/lit-html.js";
import { labelled } from "../../base/format.js";
import { t, tn } from "../../base/i18n.js";
import { button } from "../../components/button.js";
import { icon } from "../../components/icon.js";
import { menuButton } from "../../components/menu.js";
import { tile } from "../../components/tile.js";
import { remedyButton } from "../../problems/remedies.js";
import { restartModule } from "../modules/actions.js";
import { kindOf, muteItems, shortTime, tryRules } from "./alerts.js";
import { askToChange } from "./asking.js";

/**
 * @import { Alert, Module } from "../../contract.d.ts"
 * @import { PageState } from "../../types.d.ts"
 */

/** @param {Alert[]} alerts @param {PageState} page */
export const alertRows = (alerts, page) => html`
  <ul class="card rows">${repeat(alerts, ({ id }) => id, (alert) => row(alert, page))}</ul>`;

/** @param {Alert} alert @param {PageState} page */
function row(alert, page) {
  const { id, title, text, begun, count, muted } = alert;
  const module = page.snapshot?.modules.find(({ name }) => name === alert.module);
  const tone = kindOf(alert)?.failure ? "bad" : "busy";
  return html`
    <li class="item alert" data-alert=${id}>
      ${module ? tile(module, "tiny") : html`<span class="tile tiny">${icon("bell")}</span>`}
      <div class="grow"><h3>${title}
          ${count > 1 ? html`<span class="tag ${tone}">${tn("{count} line", "{count} lines", count)}</span>` : nothing}
          ${muted ? html`<span class="tag">${icon("bell-off")}${t("Muted")}</span>` : nothing}</h3>
        <p>${text} · ${t("since {time}", { time: shortTime(begun) })}</p></div>
      <span class="buttons">${remedies(alert, module, page)}
        ${button({
          text: muted ? t("Unmute") : t("Mute for 1 hour"), name: labelled(muted ? t("Unmute") : t("Mute for 1 hour"), title),
          icon: muted ? "bell" : "bell-off", kind: "quiet", size: "small", iconOnly: true,
          run: () => void tryRules("ai/rules/mute", { alert: id, span: muted ? "off" : "hour" }),
        })}
        ${menuButton({
          text: t("More"), name: labelled(t("More"), title), size: "small",
          items: () => [...muteItems({ alert: id }, muted), null, { text: t("Change the rule…"), icon: "pencil", run: () => askToChange(alert.rule) }],
        })}</span>
    </li>`;
}

/** The next step of its module comes first. @param {Alert} alert @param {Module|undefined} module @param {PageState} page */
function remedies(alert, module, page) {
  const remedy = module?.remedy ? remedyButton(module, page, { kind: "primary", size: "small" }) : nothing;
  const isDown = kindOf(alert)?.failure && module?.state === "error" && remedy === nothing;
  const again = isDown && module.abilities.restart === null ? button({
    text: t("Restart"), name: labelled(t("Restart"), module.title), icon: "rotate-cw", kind: "primary", size: "small",
    enabled: page.connection === "up" && !page.asked.has(module.name), run: () => restartModule(module),
  }) : nothing;
  const isSecond = remedy !== nothing || again !== nothing;
  return [remedy, again, where(alert, isSecond ? "quiet" : "plain")];
}

/** @param {Alert} alert @param {"quiet"|"plain"} kind The page where it is seen. */
function where(alert, kind) {
  const { page, title } = alert;
  const isOfLogs = page.includes("/logs") || page.startsWith("logs/");
  const [text, drawing] = isOfLogs
    ? [kindOf(alert)?.preview ? t("Show the lines") : t("Logs"), "scroll-text"]
    : page.startsWith("monitoring") ? [t("Show the use"), "chart-area"] : [t("Show"), "arrow-right"];
  return html`<a class="button small ${kind}" href="#${page}" aria-label=${labelled(text, title)}>${icon(drawing)}<span>${text}</span></a>`;
}

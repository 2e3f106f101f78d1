// @ts-check
/** What needs attention, and notes of operations. */
import { repeat } from "../../../vendor/lit-html/directives/repeat.js";
import { html, nothing } from "../../../vendor/lit-html/lit-html.js";
import { dismiss } from "../../base/actions.js";
import { capitalised, labelled } from "../../base/format.js";
import { t } from "../../base/i18n.js";
import { button } from "../../components/button.js";
import { notice } from "../../components/notice.js";
import { problemCards } from "../../problems/card.js";
import { problems } from "../../problems/problems.js";
import { activeAlerts } from "../alerts/alerts.js";
import { alertRows } from "../alerts/rows.js";
import { isOverdue } from "../backups/list.js";
import { stopModule } from "../modules/actions.js";
import { logsLink } from "./actions.js";

/**
 * @import { OperationSummary } from "../../contract.d.ts"
 * @import { PageState } from "../../types.d.ts"
 */

/** @param {OperationSummary} operation What its note is dismissed by; its failure is by its own id. */
const noteOf = ({ id }) => `note ${id}`;

/** @param {PageState} page */
export const attention = (page) => html`${problemCards(page)} ${comingBack(page)} ${alerts(page)} ${notes(page)}`;

/** The alerts that no card says already. @param {PageState} page */
export function unsaid(page) {
  const said = new Set(problems(page).map(({ module }) => module));
  for (const { name, services } of page.snapshot?.modules ?? []) if (services.some((service) => service.comingBack)) said.add(name);
  const hasCard = (/** @type {string} */ kind) => kind === "home" || kind === "models" || (kind === "backup" && isOverdue());
  return activeAlerts().filter(({ kind, module, muted }) => !muted && !hasCard(kind) && !(module && said.has(module)));
}

/** @param {PageState} page */
function alerts(page) {
  const active = unsaid(page);
  return active.length ? html`
    <section aria-labelledby="alerts-title">
      <div class="section-head"><h2 id="alerts-title">${t("Alerts")}</h2><span class="num grow">${active.length}</span>
        <a class="link small" href="#alerts">${t("All alerts")}</a></div>
      ${alertRows(active, page)}
    </section>` : nothing;
}

/** @param {PageState} page The modules that their restart policy brings back. */
function comingBack({ snapshot, connection, asked }) {
  const back = (snapshot?.modules ?? []).filter(({ services }) => services.some((service) => service.comingBack));
  return repeat(back, ({ name }) => name, (module) => notice({
    tone: "busy", icon: "rotate-cw", title: t("{module} stopped and is being started again", { module: module.title }),
    text: [
      module.reason ? `${capitalised(module.reason)}.` : "",
      module.services.find(({ attempt }) => attempt)?.attempt, t("You get an alert only if this fails."),
    ].filter(Boolean).join(document.documentElement.lang === "zh" ? "" : " "),
    actions: html`${logsLink(module)} ${button({
      text: t("Don't start it again"), name: labelled(t("Don't start it again"), module.title), kind: "quiet", size: "small",
      why: module.abilities.stopWithUsers, enabled: module.abilities.stopWithUsers === null && connection === "up" && !asked.has(module.name),
      run: () => stopModule(module, snapshot),
    })}`,
  }));
}

/** @param {PageState} page */
function notes({ snapshot, dismissed }) {
  const noted = (snapshot?.operations ?? []).filter(
    (operation) => operation.notices.length && !dismissed.has(noteOf(operation)));
  return repeat(noted, noteOf, (operation) => notice({
    title: t("Please note"),
    text: operation.notices.map((line) => html`<span class="note-line">${line}</span>`),
    close: button({
      text: t("Dismiss"), name: labelled(t("Dismiss"), t("Please note")), icon: "x", kind: "quiet", size: "small",
      iconOnly: true, run: () => dismiss(noteOf(operation)),
    }),
  }));
}

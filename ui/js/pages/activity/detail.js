// @ts-check
/** The details of one entry. */
import { html, nothing } from "../../../vendor/lit-html/lit-html.js";
import * as actions from "../../base/actions.js";
import { addressTo, format, go } from "../../base/address.js";
import { invoke } from "../../base/bridge.js";
import { bytes, day, exactTime, labelled, list } from "../../base/format.js";
import { mark, t, tn } from "../../base/i18n.js";
import { slice } from "../../base/store.js";
import { button } from "../../components/button.js";
import { copy } from "../../components/copy.js";
import { icon } from "../../components/icon.js";
import { empty, notice } from "../../components/notice.js";
import { problems } from "../../problems/problems.js";
import { own } from "./data.js";
import { report } from "./report.js";
import { stepList } from "./steps.js";
import { waterfall } from "./waterfall.js";
import { ACTORS, moduleTitle, result, sign, title } from "./words.js";

/**
 * @import { Activity, ActivityOperation, ActivityStatus, Carrier, Operation, OperationStart, State } from "../../contract.d.ts"
 * @import { PageState } from "../../types.d.ts"
 */

/** Of more modules, the logs of all are shown. */
const MANY = 8;

/** @type {Record<ActivityStatus, State>} What the emblem's colour is. */
const STATES = { succeeded: "running", failed: "error", cancelled: "stopped", interrupted: "degraded", running: "starting" };

/** @type {Record<Carrier, string>} */
const CARRIERS = { control: mark("Control channel"), http: mark("Browser mode") };

const repeat = slice({
  /** the id of the entry that is run again */
  busy: "",
  failed: /** @type {{id: string, message: string}|null} */ (null),
});

/** @param {PageState} page @param {string|undefined} id */
export function detail(page, id) {
  const known = id === undefined ? undefined : own.get().details[id];
  if (id === undefined || known === undefined) return nothing;
  if (!known) return empty({ icon: "history", title: t("This entry is no longer kept") });
  const entry = live(known, page.progress);
  return html`
    ${head(entry, page)}
    ${entry.operation ? operationDetail(entry, entry.operation, page) : facts(entry)}`;
}

/** A running operation of this owner has its steps from its events. @param {Activity} entry @param {Operation[]} progress */
function live(entry, progress) {
  const now = progress.find(({ id }) => id === entry.id);
  if (!now || entry.operation?.status !== "running") return entry;
  return { ...entry, operation: { ...entry.operation, modules: now.modules, steps: now.steps } };
}

/** @param {Activity} entry @param {PageState} page */
function head(entry, page) {
  const { icon: drawing } = sign(entry);
  const { operation } = entry;
  const state = operation ? STATES[operation.status] : "stopped";
  return html`
    <div class="detail-head">
      <a class="button quiet square back" href="#${format({ ...page.address, rest: [] })}" aria-label=${t("Back to the list")}
        title=${t("Back to the list")}>${icon("arrow-left")}</a>
      <span class="emblem" data-state=${state}>${icon(drawing, operation?.status === "running" ? "turn" : "")}</span>
      <div class="grow"><h2 class="text">${title(entry)}</h2><p class="control muted num">${subtitle(entry)}</p></div>
      ${operation ? logsLink(entry, operation) : nothing}
      ${button({ text: t("Copy report"), icon: "copy", iconOnly: true, run: () => copy(report(entry)) })}
      ${operation ? act(entry, operation, page) : nothing}
    </div>`;
}

/** What was written meanwhile. @param {Activity} entry @param {ActivityOperation} operation */
function logsLink({ time }, { modules, seconds }) {
  const from = Date.parse(time) / 1000;
  const query = { of: modules.length > MANY ? "" : modules.join(","), at: "", from: "", until: "" };
  if (seconds === null) query.at = String(from);
  else Object.assign(query, { from: String(from), until: String(from + seconds + 1) });
  const address = addressTo("logs", [], query);
  return html`<a class="button square" href="#${address}" aria-label=${t("Logs of this time")} title=${t("Logs of this time")}>${icon("scroll-text")}</a>`;
}

/** @param {Activity} entry */
function subtitle(entry) {
  const when = [`${day(entry.time)} ${exactTime(entry.time)}`, result(entry)].filter(Boolean).join(", ");
  const count = entry.operation?.modules.length ?? 0;
  const modules = count ? tn("{count} module", "{count} modules", count) : "";
  const actor = entry.actor && ACTORS[entry.actor.kind];
  const by = actor ? t(entry.operation ? actor.began : actor.word) : "";
  return [when, by, modules].filter(Boolean).join(" · ");
}

/** @param {Activity} entry @param {ActivityOperation} operation @param {PageState} page */
function act(entry, operation, { snapshot, connection, asked }) {
  if (operation.status === "running") {
    const isOwn = snapshot?.operations.some(({ id, foreign }) => id === entry.id && !foreign);
    return isOwn ? button({
      text: t("Cancel"), enabled: connection === "up" && !asked.has(`cancel ${entry.id}`), run: () => actions.cancel(entry.id),
    }) : nothing;
  }
  const { kind } = operation;
  if (kind === "backup" || kind === "move" || kind === "restore") return html`<a class="button plain" href="#backups">${t("Show backups")}</a>`;
  if (kind === "adopt") return html`<a class="button plain" href="#adopt">${t("Bring your own")}</a>`;
  if (kind === "rehearse" || kind === "upgrade") return html`<a class="button plain" href=${`#modules/${operation.asked[0] ?? ""}`}>${t("Show the module")}</a>`;
  const isOff = !snapshot?.engine.running;
  return button({
    text: t("Run again"), icon: "play", enabled: connection === "up" && !isOff && !repeat.get().busy,
    why: isOff ? t("Docker is off") : null, run: () => runAgain(entry, kind, operation),
  });
}

/** @param {Activity} entry @param {OperationStart["kind"]} kind @param {ActivityOperation} operation */
function runAgain(entry, kind, { asked, services, all, cascade, recreate, modules }) {
  // An automatic start asks for no modules: it finds out which ones it can start.
  const meant = entry.actor?.kind === "owner" ? modules : asked;
  const run = async () => {
    repeat.set({ busy: entry.id, failed: null });
    const payload = { kind, modules: meant, services, all, cascade, recreate };
    const answer = await invoke("ai/operation/start", payload);
    repeat.set({ busy: "", failed: answer.success ? null : { id: entry.id, message: answer.message } });
    if (answer.success) go(`activity/${answer.data.operationId}`);
  };
  if (kind !== "down") {
    run();
    return;
  }
  actions.confirm({
    title: labelled(title(entry), t("run again?")),
    text: t("Containers and networks are removed. Your data is kept."),
    action: t("Remove"),
    run,
  });
}

/** @param {Activity} entry @param {ActivityOperation} operation @param {PageState} page */
function operationDetail(entry, operation, page) {
  const { error, steps, status } = operation;
  const now = (Date.now() - Date.parse(entry.time)) / 1000;
  const { failed } = repeat.get();
  return html`
    ${failed?.id === entry.id ? notice({ tone: "bad", title: t("It can't run again now"), text: failed.message }) : nothing}
    ${error && status === "failed" ? notice({
      tone: "bad", title: t("Why it failed"), text: html`<span class="message">${error.message}</span><code>${error.code}</code>`,
      actions: isOpen(entry, page) ? html`<a class="button" href="#home">${t("Show the next steps")}</a>` : null,
    }) : nothing}
    ${status === "interrupted" ? notice({
      tone: "busy", title: t("It didn't finish"),
      text: t("Its process ended before it did. Run it again to continue."),
    }) : nothing}
    ${waterfall(steps, now)} ${stepList({ ...entry, operation })}`;
}

/** Whether Home still has a card with its next steps. @param {Activity} entry @param {PageState} page */
const isOpen = ({ id }, page) => problems(page).some((problem) => problem.id.startsWith(`${id}/`));

/** @param {Activity} entry */
function facts({ setting, revealed, chosen, trusted, permissions, distrusted, terminal, refused, alert, owner, cleaned, action, hostKey, models }) {
  /** @type {[string, unknown][]} */
  let rows = [];
  if (setting) {
    const value = setting.reset ? t("its default") : setting.value ?? t("hidden, because it is a secret");
    rows = [[t("Setting"), setting.address], [t("New value"), value]];
  } else if (revealed !== null) rows = [[t("Secret"), revealed]];
  else if (chosen) rows = [[t("Modules"), list(chosen.map(moduleTitle))]];
  else if (trusted !== null) {
    const beyond = permissions.length ? html`<ul>${permissions.map((text) => html`<li>${text}</li>`)}</ul>` : t("nothing");
    rows = [[t("Module"), moduleLink(trusted)], [t("Beyond its own containers"), beyond]];
  } else if (distrusted !== null) rows = [[t("Module"), moduleLink(distrusted)]];
  else if (hostKey !== null) rows = [[t("Host key"), hostKey]];
  else if (models) rows = [[t("Address"), models.address], [t("Models"), list(models.models)]];
  else if (terminal) {
    rows = [
      [t("Module"), moduleLink(terminal.module)], [t("Service"), terminal.service], [t("User"), terminal.user],
      ...(terminal.left.length ? [/** @type {[string, unknown]} */ ([t("Processes that could not be ended"), list(terminal.left.map(String))])] : []),
    ];
  } else if (refused) {
    rows = [
      [t("Reason"), refused.reason], [t("Connection"), t(CARRIERS[refused.carrier])], [t("Times"), refused.count],
      [t("Last time"), `${day(refused.last)} ${exactTime(refused.last)}`],
    ];
  } else if (alert) {
    rows = [
      [t("Reason"), alert.text], ...(alert.module === null ? [] : [/** @type {[string, unknown]} */ ([t("Module"), moduleLink(alert.module)])]),
      [t("Where"), html`<a href="#${alert.page}">${t("Show")}</a>`],
    ];
  } else if (cleaned) {
    rows = [[t("Became free"), bytes(cleaned.bytes)], [t("Removed"), listed(cleaned.removed)]];
    if (cleaned.kept.length) rows.push([t("Still there"), listed(cleaned.kept)]);
  } else if (action) {
    rows = [[t("Module"), moduleLink(action.module)]];
    if (action.error) rows.push([t("Why it failed"), html`<span class="message">${action.error.message}</span> <code>${action.error.code}</code>`]);
    if (action.left.length) rows.push([t("Processes that could not be ended"), list(action.left.map(String))]);
  } else if (owner) rows = [[t("Process"), owner.pid]];
  return html`
    <section class="card entry-facts">
      <dl>${rows.map(([name, value]) => html`<dt>${name}</dt><dd class="text">${value}</dd>`)}</dl></section>`;
}

/** @param {string[]} names */
const listed = (names) => html`<ul>${names.map((name) => html`<li class="text">${name}</li>`)}</ul>`;

/** @param {string} name */
const moduleLink = (name) => html`<a href="#${addressTo("modules", [name])}">${moduleTitle(name)}</a>`;

// @ts-check
/** What other parts of the page say about upgrades. */
import { html, nothing } from "../../../vendor/lit-html/lit-html.js";
import { addressTo } from "../../base/address.js";
import { bytes, dayAndMonth, duration, labelled, list, versionIn } from "../../base/format.js";
import { t, tn } from "../../base/i18n.js";
import { recall, remember } from "../../base/preferences.js";
import { update } from "../../base/store.js";
import { button } from "../../components/button.js";
import { icon } from "../../components/icon.js";
import { notice } from "../../components/notice.js";
import { within } from "../backups/list.js";
import { askForAll, askToForget, askUndo } from "./asking.js";
import { canBegin, keyOf, offered, runningUpgrade, unfit, upgradeList, upgradeOf } from "./list.js";

/**
 * @import { Module, ModuleUpgrade } from "../../contract.d.ts"
 * @import { PageState } from "../../types.d.ts"
 */

/** In the head of a module's page. @param {Module} module @param {PageState} page */
export function upgradeTag({ name }, { snapshot }) {
  const [known, operation] = [upgradeOf(name), runningUpgrade(name, snapshot)];
  const href = `#${addressTo("modules", [name])}`;
  if (operation) {
    return html`<a class="tag busy" href=${href}>${operation.kind === "rehearse" ? html`${icon("flask-conical")}${t("Rehearsing")}`
      : html`${icon("circle-arrow-up")}${t("Upgrading")}`}</a>`;
  }
  if (!known?.offer) return nothing;
  return html`<a class="tag info" href=${href}>${icon("arrow-up")}${known.offer.version === known.version ? t("Update available")
    : t("{version} available", { version: versionIn(known.offer.version) })}</a>`;
}

/** @param {ModuleUpgrade|undefined} known */
const showLink = (known) => html`<a class="button plain" href=${`#${addressTo("modules", [known?.name ?? ""])}`}>${t("Show")}</a>`;

/** On Home: what can be upgraded, and what turned out not to fit. @param {PageState} page */
export const upgradeNotices = ({ snapshot }) => (snapshot?.engine.running ? html`${(upgradeList()?.modules ?? []).map(unfitNotice)}${offerNotice()}` : nothing);

/** @param {ModuleUpgrade} known */
function unfitNotice(known) {
  const failed = unfit(known);
  if (!failed) return nothing;
  const said = { name: known.title, version: versionIn(failed.version), before: versionIn(known.version) };
  return html`<div class="wide-notice">${notice({
    tone: "busy", icon: "flask-conical", title: t("{name} {version} doesn't fit your data yet", said), text: t("{name} stays at {before}.", said),
    close: html`<span class="buttons">${showLink(known)}</span>`,
  })}</div>`;
}

function offerNotice() {
  const all = offered();
  if (!all.length) return nothing;
  const names = list(all.map(({ title, offer, version }) => (offer?.version === version ? title : `${title} ${versionIn(offer?.version ?? "")}`)));
  const [first, ...others] = all;
  return html`<div class="wide-notice">${notice({
    icon: "circle-arrow-up", title: tn("{count} upgrade is available", "{count} upgrades are available", all.length),
    text: t("{names}. Each is rehearsed on a copy first.", { names }),
    close: html`<span class="buttons">${others.length ? button({ text: t("Upgrade all…"), enabled: canBegin("upgrade"), run: askForAll })
      : showLink(first)}</span>`,
  })}</div>`;
}

/** @param {ModuleUpgrade} known */
const undoButton = (known) => button({ text: t("Undo this upgrade…"), icon: "undo-2", enabled: canBegin(keyOf(known.name)), run: () => askUndo(known) });

/** @param {ModuleUpgrade} known What its notice is dismissed by, for good. */
const dismissedKey = ({ name }) => `upgraded ${name}`;

/** That an upgrade is done, until that is dismissed. @param {ModuleUpgrade} known */
export function doneNotice(known) {
  const { title, version, undo } = known;
  if (!undo || recall(dismissedKey(known)) === undo.upgradedAt) return nothing;
  const until = { date: dayAndMonth(undo.until), size: bytes(undo.bytes ?? 0), time: duration(undo.seconds) };
  const head = t("{name} runs on {version}", { name: title, version: versionIn(version) });
  return html`<div class="wide-notice">${notice({
    tone: "ok", title: head,
    text: undo.bytes === null ? t("It stood still for {time}. The data from before is kept until {date}.", until)
      : t("It stood still for {time}. The data from before is kept until {date} ({size}).", until),
    close: html`<span class="buttons">${undoButton(known)}${button({
      text: t("Dismiss"), name: labelled(t("Dismiss"), head), icon: "x", kind: "quiet", iconOnly: true, run: () => {
        remember(dismissedKey(known), undo.upgradedAt);
        update({});
      },
    })}</span>`,
  })}</div>`;
}

/** Among the backups of a module: the way back from its last upgrade. @param {string} name */
export function undoNotice(name) {
  const known = upgradeOf(name);
  const undo = known?.undo;
  if (!undo) return nothing;
  const said = { name: known.title, version: versionIn(known.version), date: dayAndMonth(undo.until), when: within(undo.upgradedAt), size: bytes(undo.bytes ?? 0) };
  return html`<div class="wide-notice">${notice({
    icon: "undo-2", title: t("You can undo the upgrade to {version} until {date}", said),
    text: undo.bytes === null ? t("The data from before it is kept on this computer. Undo loses what {name} stored since {when}.", said)
      : t("The data from before it is kept on this computer ({size}). Undo loses what {name} stored since {when}.", said),
    close: html`<span class="buttons">${button({ text: t("Delete that copy…"), kind: "quiet", run: () => askToForget(known) })}${undoButton(known)}</span>`,
  })}</div>`;
}

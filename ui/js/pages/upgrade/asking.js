// @ts-check
/** Asks before an upgrade that stops something, is not rehearsed, or is undone. */
import { html, nothing } from "../../../vendor/lit-html/lit-html.js";
import { ask, confirm } from "../../base/actions.js";
import { about, list, uptime, versionIn } from "../../base/format.js";
import { t, tn } from "../../base/i18n.js";
import { current, slice } from "../../base/store.js";
import { input } from "../../components/field.js";
import { icon } from "../../components/icon.js";
import { within } from "../backups/list.js";
import { keyOf, loadUpgrades, offered, planFor, rehearse, upgrade } from "./list.js";

/** @import { ModuleUpgrade, Version } from "../../contract.d.ts" */

/** When a night's upgrade begins. */
export const NIGHT = "03:00";

/** @param {string[]} modules */
const titlesOf = (modules) => list(modules.map((name) => current().snapshot?.modules.find((module) => module.name === name)?.title ?? name));

/** The modules that stop with it, in words. @param {ModuleUpgrade} known */
export const usersOf = ({ users }) => tn("{names} stands still with it", "{names} stand still with it", users.length, { names: titlesOf(users) });

/** What is not put back, in words. @param {ModuleUpgrade} known */
export const sharedOf = ({ title, shared }) => t("The data of {name} in {stores} is not put back", { name: title, stores: titlesOf(shared) });

/** @param {ModuleUpgrade} known */
const sharedToo = (known) => (known.shared.length ? item("triangle-alert", sharedOf(known), t("Other modules have data there, too. A backup has it"), "amber") : nothing);

/** @param {ModuleUpgrade} known */
const usersToo = (known) => (known.users.length ? item("square", usersOf(known), "", "amber") : nothing);

/** @param {string} drawing @param {string} title @param {string} text @param {"amber"|""} [tone] */
const item = (drawing, title, text, tone = "") => html`
  <div class="item ${tone}">${icon(drawing, tone ? "busy" : "muted")}<div class="grow"><h3>${title}</h3><p>${text}</p></div></div>`;

/** @param {ModuleUpgrade} known @param {Version} version */
export function askDirect(known, { version }) {
  const said = { name: known.title, version: versionIn(version) };
  confirm({
    title: t("Upgrade {name} to {version} without a rehearsal?", said),
    text: known.seconds === null ? t("{name} stands still meanwhile.", said) : t("{name} stands still for {time}.", { ...said, time: about(known.seconds) }),
    more: html`<div class="rows framed">
      ${item("undo-2", t("If it fails, everything is put back"), t("The data from before is kept, so you can also undo it later"))}${sharedToo(known)}${usersToo(known)}</div>`,
    action: t("Upgrade"), run: () => void upgrade(known.name, version, "direct"),
  });
}

/** @param {ModuleUpgrade} known @param {Version} version */
export function askStopped(known, { version }) {
  const said = { name: known.title, version: versionIn(version) };
  confirm({
    title: t("Stop {name} for the rehearsal?", said),
    text: t("{name} stands still until {version} has shown on a copy of its data whether it fits. Then {name} starts again as it is.", said),
    action: t("Stop and rehearse"), run: () => void rehearse(known.name, version, "stopped"),
  });
}

const chosen = slice({ time: NIGHT });

/** @param {ModuleUpgrade} known @param {Version} version */
export function askTime(known, version) {
  chosen.set({ time: NIGHT });
  confirm({
    title: t("Upgrade {name} to {version} later", { name: known.title, version: versionIn(version.version) }),
    text: t("It is rehearsed first, and only upgraded if it fits."),
    more: () => html`<label class="up-time"><span>${t("Time")}</span>${input({ id: "upgrade-time", type: "time", value: chosen.get().time, change: (time) => chosen.set({ time }) })}</label>`,
    action: t("Plan the upgrade"), ready: () => chosen.get().time !== "", run: () => void planFor(known, version, chosen.get().time),
  });
}

/** @param {ModuleUpgrade} known */
export function askUndo(known) {
  const { name, title, undo, seconds } = known;
  if (!undo) return;
  const said = { name: title, version: versionIn(undo.version), when: within(undo.upgradedAt), since: uptime(undo.upgradedAt), time: about(seconds ?? undo.seconds) };
  confirm({
    title: t("Go back to {name} {version}?", said),
    text: t("{name} becomes what it was just before the upgrade, {when}. It stands still for {time}.", said),
    more: html`<h3 class="label">${t("What you lose, and keep")}</h3><div class="rows framed">
      ${item("triangle-alert", t("What {name} stored in the last {since} is lost", said), t("What other modules stored stays as it is"), "amber")}
      ${item("archive", t("It is backed up first"), t("You can look things up in it, or come back to it"))}${sharedToo(known)}${usersToo(known)}</div>`,
    action: t("Back up and go back"), run: () => void ask(keyOf(name), "ai/upgrade/undo", { module: name }),
  });
}

/** @param {ModuleUpgrade} known */
export function askToForget({ name, title, undo }) {
  confirm({
    title: t("Delete the data from before the upgrade?"),
    text: t("{name} stays as it is. The upgrade from {version} can't be undone any more.", { name: title, version: versionIn(undo?.version ?? "") }),
    action: t("Delete"), kind: "danger", run: async () => {
      await ask(keyOf(name), "ai/upgrade/forget", { module: name });
      await loadUpgrades();
    },
  });
}

/** Upgrades everything that is offered. */
export function askForAll() {
  const all = offered();
  confirm({
    title: tn("Upgrade {count} module?", "Upgrade {count} modules?", all.length),
    text: t("Each one is rehearsed on a copy of its data first. One that doesn't fit stays as it is."),
    more: html`<div class="rows framed">${all.map((known) => item(
      "circle-arrow-up", `${known.title} ${versionIn(known.version)} → ${versionIn(known.offer?.version ?? "")}`,
      known.seconds === null ? "" : t("stands still for {time}", { time: about(known.seconds) }),
    ))}</div>`,
    action: t("Upgrade"), run: () => void ask("upgrade", "ai/upgrade/all", {}),
  });
}

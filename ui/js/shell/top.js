// @ts-check
/** The top bar: tabs of Home and of every feature, search, and the state of the whole. */
import { html, nothing } from "../../vendor/lit-html/lit-html.js";
import { STATES, percent, wordOf } from "../base/format.js";
import { t, tn } from "../base/i18n.js";
import { shortcut } from "../base/keys.js";
import { button } from "../components/button.js";
import { icon } from "../components/icon.js";
import { active, shareDone, shownInHero } from "../components/operations.js";
import { backupPhases } from "../pages/home/steps.js";
import { brokenLink, brokenServers } from "../pages/models/problems.js";
import { overallState, problems } from "../problems/problems.js";
import { togglePalette } from "./dialogs.js";
import { toggleSide } from "./side.js";
import { tabBar } from "./tabs.js";

/**
 * @import { Snapshot } from "../contract.d.ts"
 * @import { PageState } from "../types.d.ts"
 */

/** @param {PageState} page */
export const topBar = (page) => html`
  <header class="topbar">
    <div class="brand">
      <img class="logo" src="favicon.svg" alt=""><span>AI-Server Tray</span>
      ${button({
        text: t("Collapse or expand the side menu"), keys: shortcut("Mod+b"), icon: "panel-left", kind: "quiet",
        iconOnly: true, run: toggleSide,
      })}
    </div>
    ${tabBar(page)}
    <button type="button" class="search" title=${`${t("Search or run…")} – ${shortcut("Mod+k")}`}
      @click=${togglePalette}>
      ${icon("search", "s14")}<span>${t("Search or run…")}</span><kbd aria-hidden="true">${shortcut("Mod+k")}</kbd>
    </button>
    ${page.snapshot && page.connection === "up" ? overall(page, page.snapshot) : nothing}
  </header>`;

/** @param {PageState} page @param {Snapshot} snapshot */
function overall(page, snapshot) {
  const word = overallWord(page, snapshot);
  const isBackup = !problems(page).length && backupPhases(shownInHero(active(snapshot))?.kind ?? "up");
  const state = isSilent(page, snapshot) ? "degraded" : isBackup || snapshot.engine.reconnecting ? "starting" : overallState(page, snapshot.state);
  return html`
    <a class="pill overall" href="#home" data-state=${state} aria-label=${word} title=${word}>
      ${icon(STATES[state].icon, state === "starting" ? "turn" : "")}<span>${word}</span></a>`;
}

/** All runs, but models of the stack give no answer. @param {PageState} page @param {Snapshot} snapshot */
const isSilent = (page, snapshot) => snapshot.state === "running" && !problems(page).length && !active(snapshot).length
  && Boolean(brokenServers().length || brokenLink());

/** @param {PageState} page @param {Snapshot} snapshot */
function overallWord(page, snapshot) {
  const { state, modules } = snapshot;
  const count = problems(page).length || Number(isSilent(page, snapshot));
  if (count && state !== "engine_down") return tn("{count} problem", "{count} problems", count);
  const begun = shownInHero(active(snapshot));
  if (begun?.kind === "backup") return t("Backing up, {percent}", { percent: percent(shareDone(begun)) });
  if (begun?.kind === "move") return t("Packing, {percent}", { percent: percent(shareDone(begun)) });
  if (begun?.kind === "restore") return t("Restoring, {percent}", { percent: percent(shareDone(begun)) });
  if (begun?.kind === "adopt") return t("Copying, {percent}", { percent: percent(shareDone(begun)) });
  if (begun?.kind === "upgrade") return t("Upgrading, {percent}", { percent: percent(shareDone(begun)) });
  if (begun && state === "starting") return t("Starting, {percent}", { percent: percent(shareDone(begun)) });
  const all = modules.every((module) => module.state === "running");
  return state === "running" && all ? t("All running") : wordOf(snapshot);
}

// @ts-check
/** What is said at once, whatever page is shown. */
import { html, nothing } from "../../vendor/lit-html/lit-html.js";
import { isBrowser } from "../base/bridge.js";
import { labelled, wordOf } from "../base/format.js";
import { t } from "../base/i18n.js";
import { observe } from "../base/store.js";
import { icon } from "../components/icon.js";
import { showToast } from "../components/toast.js";

/**
 * @import { Address } from "../base/address.js"
 * @import { Error } from "../contract.d.ts"
 * @import { PageState } from "../types.d.ts"
 */

/** That what is shown is not the present. @param {PageState} page */
export function connectionBanner({ connection, snapshot }) {
  if (connection === "ended") {
    return banner(
      t("This session has ended"),
      t("Open the dashboard again: choose “Open dashboard” in the icon's menu, run aiserver-tray open, or open the address that aiserver-tray serve printed last."),
    );
  }
  if (connection !== "lost") return nothing;
  return banner(
    snapshot ? t("AI-Server Tray has stopped") : t("AI-Server Tray isn't running"),
    isBrowser
      ? t("You're seeing the last known state. Start AI-Server Tray and this page reconnects. If it doesn't, choose “Open dashboard” in the icon's menu, or open the address that aiserver-tray serve printed.")
      : t("Start AI-Server Tray and this window reconnects."),
  );
}

/** @param {string} title @param {string} text */
const banner = (title, text) => html`
  <div class="notice warning" role="alert">
    ${icon("unplug")}
    <div class="notice-text"><strong>${title}</strong><p>${text}</p></div>
  </div>`;

/** Tells screen readers which states have changed. @param {PageState} now @param {PageState} before */
function announce(now, before) {
  const region = document.getElementById("announcer");
  if (!region || now.snapshot === before.snapshot || !now.snapshot) return;
  const old = new Map(before.snapshot?.modules.map((module) => [module.name, module.state]));
  const changes = now.snapshot.modules
    .filter(({ name, state }) => old.has(name) && old.get(name) !== state)
    .map((module) => labelled(module.title, wordOf(module)));
  if (changes.length) region.textContent = changes.join("; ");
}

/** Whether the page has a card for a refused request. @param {Address} address @param {Error} failure */
function isShown({ page, rest: [name, tab = "overview"] }, { data }) {
  const isOwn = page === "modules" && name === data.module && ["overview", "services"].includes(tab);
  return isOwn || page === "home" || page === "doctor";
}

/** @param {PageState} now @param {PageState} before */
function sayRefused({ address, failures }, before) {
  for (const failure of failures) {
    if (before.failures.includes(failure) || isShown(address, failure)) continue;
    showToast({ text: failure.message, icon: "circle-alert" });
  }
}

observe(announce);
observe(sayRefused);

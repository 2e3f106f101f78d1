// @ts-check
/** Says that what is shown is not the present. */
import { html, nothing } from "../../vendor/lit-html/lit-html.js";
import { isBrowser } from "../base/bridge.js";
import { t } from "../base/i18n.js";
import { icon } from "./icon.js";

/** @import { PageState } from "../types.d.ts" */

/** @param {PageState} page */
export function connectionBanner({ connection, snapshot }) {
  if (connection === "ended") {
    return banner(
      t("This session has ended"),
      t("Open the address that aiserver-tray serve printed last."),
    );
  }
  if (connection !== "lost") return nothing;
  return banner(
    snapshot ? t("AI-Server Tray has stopped") : t("AI-Server Tray isn't running"),
    isBrowser
      ? t("You're seeing the last known state. To restart: aiserver-tray serve")
      : t("Start AI-Server Tray and this window reconnects."),
  );
}

/** @param {string} title @param {string} text */
const banner = (title, text) => html`
  <div class="notice warning" role="alert">
    ${icon("unplug")}
    <div class="notice-text"><strong>${title}</strong><p>${text}</p></div>
  </div>`;

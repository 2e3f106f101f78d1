// @ts-check
/** Says that what is shown is not the present. */
import { html, nothing } from "../../vendor/lit-html/lit-html.js";
import { isBrowser } from "../bridge.js";
import { t } from "../i18n.js";
import { icon } from "./icon.js";

/** @typedef {import("../types.js").Connection} Connection */

/** @param {Connection} connection */
export function connectionBanner(connection) {
  if (connection === "lost") {
    return banner(
      t("AI-Server Tray is not running any more"),
      isBrowser
        ? t("What you see is how it was. Start it again with: aiserver-tray serve")
        : t("What you see is how it was. Start AI-Server Tray again; this window then goes on by itself."),
    );
  }
  if (connection === "ended") {
    return banner(
      t("This session is over"),
      t("Open the address that aiserver-tray serve has printed last."),
    );
  }
  return nothing;
}

/** @param {string} title @param {string} text */
const banner = (title, text) => html`
  <div class="notice warning" role="alert">
    ${icon("unplug")}
    <div class="notice-text"><strong>${title}</strong><p>${text}</p></div>
  </div>`;

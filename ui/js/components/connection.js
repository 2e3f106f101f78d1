// @ts-check
/** Says that what is shown is not the present. */
import { html, nothing } from "../../vendor/lit-html/lit-html.js";
import { isBrowser } from "../bridge.js";
import { t } from "../i18n.js";
import { icon } from "./icon.js";

/** @typedef {import("../types.js").PageState} PageState */

/** @param {PageState} page */
export function connectionBanner({ connection, snapshot }) {
  if (connection === "ended") {
    return banner(
      t("This session is over"),
      t("Open the address that aiserver-tray serve has printed last."),
    );
  }
  if (connection !== "lost") return nothing;
  return banner(
    snapshot ? t("AI-Server Tray is not running any more") : t("AI-Server Tray is not running"),
    isBrowser
      ? t("What you see is how it was. Start it again with: aiserver-tray serve")
      : t("Start AI-Server Tray; this window then goes on by itself."),
  );
}

/** @param {string} title @param {string} text */
const banner = (title, text) => html`
  <div class="notice warning" role="alert">
    ${icon("unplug")}
    <div class="notice-text"><strong>${title}</strong><p>${text}</p></div>
  </div>`;

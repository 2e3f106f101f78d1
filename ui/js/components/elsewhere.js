// @ts-check
/** Pages that are asked for and are not in this window: where else it is to be had. */
import { html, nothing } from "../../vendor/lit-html/lit-html.js";
import * as actions from "../actions.js";
import { labelled } from "../format.js";
import { t } from "../i18n.js";
import { button } from "./button.js";
import { icon } from "./icon.js";

/** @import { PageState } from "../types.d.ts" */

/** @param {PageState} page */
export function elsewhere({ page }) {
  const [name, module = ""] = page.split("/");
  if (name !== "settings" && name !== "logs") return nothing;
  const isLogs = name === "logs";
  const title = isLogs ? t("This window can't show logs yet") : t("This window can't change settings yet");
  const command = isLogs ? `aiserver-tray logs ${module} --follow`.replace("  ", " ") : "aiserver-tray config list";
  return html`
    <div class="notice info" data-page=${name}>
      ${icon("info")}
      <div class="notice-text">
        <strong>${title}</strong>
        <p>${t("Use the command line: {command}", { command })}</p>
      </div>
      ${button({
        text: t("Dismiss"), name: labelled(t("Dismiss"), title), icon: "x", kind: "quiet",
        iconOnly: true, run: actions.goHome,
      })}
    </div>`;
}

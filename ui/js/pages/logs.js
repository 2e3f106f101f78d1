// @ts-check
import { html } from "../../vendor/lit-html/lit-html.js";
import { t } from "../i18n.js";
import { enterLogs, logButtons, logPanel } from "./logs/panel.js";

/**
 * @import { Address } from "../address.js"
 * @import { PageState } from "../types.d.ts"
 */

/** @param {Address} address */
export const enter = ({ rest }) => enterLogs(rest[0] ?? null);

/** @param {PageState} page */
export const view = (page) => html`
  <header class="top"><h1>${t("Logs")}</h1><span class="grow"></span>${logButtons()}</header>
  ${logPanel(page, page.address.rest[0] ?? null)}`;

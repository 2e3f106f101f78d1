// @ts-check
import { html } from "../../vendor/lit-html/lit-html.js";
import { t } from "../base/i18n.js";
import { enterLogs } from "./logs/keys.js";
import { logButtons, logPanel } from "./logs/panel.js";

export const enter = enterLogs;

export const view = () => html`
  <header class="top"><h1>${t("Logs")}</h1><span class="grow"></span><span class="row-flex log-tools">${logButtons()}</span></header>
  ${logPanel(null)}`;

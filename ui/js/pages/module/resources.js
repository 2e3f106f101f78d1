// @ts-check
import { html } from "../../../vendor/lit-html/lit-html.js";
import { t } from "../../i18n.js";
import { followUsage } from "../monitoring/history.js";
import { partsOf, usageButtons, usagePanel } from "../monitoring/panel.js";

/**
 * @import { Address } from "../../address.js"
 * @import { Module } from "../../contract.d.ts"
 * @import { PageState } from "../../types.d.ts"
 */

/** @param {Address} address */
export const enter = ({ rest }) => followUsage(rest[0] ?? null);

/** @param {PageState} page @param {Module} module */
export function view(page, module) {
  const parts = partsOf(page, module);
  return html`
    <div class="scroll"><div class="content monitoring">
      <div class="row-flex"><span class="muted control">${t("Last 30 minutes")}</span><span class="grow"></span>${usageButtons(parts)}</div>
      ${usagePanel(page, module, parts)}
    </div></div>`;
}

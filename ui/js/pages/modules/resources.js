// @ts-check
import { html } from "../../../vendor/lit-html/lit-html.js";
import { watchUsage } from "../monitoring/history.js";
import { usageButtons, usagePanel } from "../monitoring/panel.js";
import { partsOf } from "../monitoring/parts.js";
import { rangeButtons } from "../monitoring/range.js";

/**
 * @import { Address } from "../../base/address.js"
 * @import { Module } from "../../contract.d.ts"
 * @import { PageState } from "../../types.d.ts"
 */

/** @param {Address} address */
export const enter = ({ rest }) => watchUsage(rest[0] ?? "");

/** @param {PageState} page @param {Module} module */
export function view(page, module) {
  const parts = partsOf(page, module);
  return html`
    <div class="scroll"><div class="content monitoring">
      <div class="row-flex"><span class="grow"></span>${rangeButtons()} ${usageButtons(module)}</div>
      ${usagePanel(page, module, parts)}
    </div></div>`;
}

// @ts-check
/** The test of the connection to an engine, and its question about a host key. */
import { html, nothing } from "../../../vendor/lit-html/lit-html.js";
import { confirm } from "../../base/actions.js";
import { invoke } from "../../base/bridge.js";
import { t } from "../../base/i18n.js";
import { slice } from "../../base/store.js";
import { button } from "../../components/button.js";
import { icon } from "../../components/icon.js";

/** @import { ConnectionTest } from "../../contract.d.ts" */

const own = slice({ isRunning: false, address: "", error: "", found: /** @type {ConnectionTest|null} */ (null) });

/** What was found may have changed since. */
export const forgetTest = () => own.set({ error: "", found: null });

export const isTesting = () => own.get().isRunning;

/** @param {string} address */
export async function test(address) {
  own.set({ isRunning: true, address, error: "", found: null });
  const answer = await invoke("ai/doctor/connection", { address });
  own.set({ isRunning: false, ...(answer.success ? { found: answer.data } : { error: answer.message }) });
}

/** @param {string} hostKey */
const askToTrust = (hostKey) => confirm({
  title: t("Trust this host key?"), text: t("It is then stored in the known hosts of ssh. Trust it only if it is the same as on that computer."),
  more: html`<p class="mono host-key">${own.get().address}<br>${hostKey}</p>`, action: t("Trust"),
  run: async () => {
    const answer = await invoke("ai/doctor/trustHostKey", { hostKey });
    if (answer.success) test(own.get().address);
    else own.set({ error: answer.message, found: null });
  },
});

/** What was found. */
export function connectionTest() {
  const { isRunning, address, found, error } = own.get();
  const hostKey = found?.hostKey;
  return html`<div class="connection">
    <div role="status">
      ${isRunning ? html`<p class="row-flex">${icon("loader-circle", "turn s14")}${t("Checking…")}</p>` : nothing}
      ${found ? html`<p class="mono">${address || t("This computer")}</p><ul>${found.checks.map(({ grade, message }) => html`
        <li>${grade === "ok" ? icon("circle-check", "ok s14") : icon("circle-x", "bad s14")}<span>${message}</span></li>`)}</ul>` : nothing}
      ${error ? html`<p class="bad">${error}</p>` : nothing}
    </div>
    ${hostKey ? button({ text: t("Trust this host key…"), icon: "shield-check", size: "small", run: () => askToTrust(hostKey) }) : nothing}
  </div>`;
}

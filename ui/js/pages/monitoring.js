// @ts-check
import { html } from "../../vendor/lit-html/lit-html.js";
import { go } from "../address.js";
import { select } from "../components/field.js";
import { t } from "../i18n.js";
import { followUsage } from "./monitoring/history.js";
import { partsOf, usageButtons, usagePanel } from "./monitoring/panel.js";

/**
 * @import { Address } from "../address.js"
 * @import { PageState } from "../types.d.ts"
 */

/** @param {Address} address */
export const enter = ({ rest }) => followUsage(rest[0] ?? null);

/** @param {PageState} page */
export function view(page) {
  const modules = page.snapshot?.modules ?? [];
  const module = modules.find(({ name }) => name === page.address.rest[0]) ?? null;
  const parts = partsOf(page, module);
  return html`
    <header class="top"><h1>${t("Monitoring")}</h1><span class="muted control">${t("Last 30 minutes")}</span><span class="grow"></span>
      ${select({
        id: "usage-module", label: t("Module"), value: module?.name ?? "",
        change: (chosen) => go(chosen ? `monitoring/${encodeURIComponent(chosen)}` : "monitoring"),
        choices: [{ value: "", text: t("All modules") }, ...modules
          .filter(({ name, state }) => name === module?.name || state !== "stopped")
          .map(({ name, title }) => ({ value: name, text: title }))],
      })}
      ${usageButtons(parts)}
    </header>
    <div class="scroll"><div class="content monitoring">${usagePanel(page, module, parts)}</div></div>`;
}

// @ts-check
import { html } from "../../vendor/lit-html/lit-html.js";
import { format, go } from "../base/address.js";
import { t } from "../base/i18n.js";
import { select } from "../components/field.js";
import { followUsage, watchUsage } from "./monitoring/history.js";
import { usageButtons, usagePanel } from "./monitoring/panel.js";
import { partsOf } from "./monitoring/parts.js";
import { rangeButtons } from "./monitoring/range.js";
import { followStorage } from "./monitoring/storage.js";

/**
 * @import { Address } from "../base/address.js"
 * @import { PageState } from "../types.d.ts"
 */

/** @param {Address} address */
export function enter({ rest }) {
  if (rest[0]) return watchUsage(rest[0]);
  const leaves = [followUsage(null), followStorage()];
  return () => leaves.forEach((leave) => leave());
}

/** @param {PageState} page */
export function view(page) {
  const modules = page.snapshot?.modules ?? [];
  const module = modules.find(({ name }) => name === page.address.rest[0]) ?? null;
  const parts = partsOf(page, module);
  const { service: _service, ...query } = page.address.query;
  return html`
    <header class="top"><h1>${t("Monitoring")}</h1><span class="grow"></span>
      ${rangeButtons()}
      ${select({
        id: "usage-module", label: t("Module"), value: module?.name ?? "",
        change: (chosen) => go(format({ page: "monitoring", rest: chosen ? [chosen] : [], query })),
        choices: [{ value: "", text: t("All modules") }, ...modules
          .filter(({ name, state }) => name === module?.name || state !== "stopped")
          .map(({ name, title }) => ({ value: name, text: title }))],
      })}
      ${usageButtons(module)}
    </header>
    <div class="scroll"><div class="content monitoring">${usagePanel(page, module, parts)}</div></div>`;
}

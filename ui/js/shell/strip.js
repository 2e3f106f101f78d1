// @ts-check
/** What is being done, as a strip at the lower edge of each page: it comes and goes, and moves nothing. */
import { repeat } from "../../vendor/lit-html/directives/repeat.js";
import { html, nothing } from "../../vendor/lit-html/lit-html.js";
import { t } from "../base/i18n.js";
import { icon } from "../components/icon.js";
import { progress } from "../components/meter.js";
import { active, cancelButton, countText, doing, leftOf, shareDone, shownInHero, titleOf } from "../components/operations.js";
import { runningBackup } from "../pages/backups/list.js";
import { runningUpgrade } from "../pages/upgrade/list.js";

/**
 * @import { OperationSummary } from "../contract.d.ts"
 * @import { PageState } from "../types.d.ts"
 */

/** @param {PageState} page All but the one that the page shows by itself. */
export function strips(page) {
  const { snapshot, address: { page: name, rest: [module = "", tab] } } = page;
  if (!snapshot) return nothing;
  const running = active(snapshot);
  const backup = runningBackup(snapshot);
  const upgrade = name === "modules" && !tab ? runningUpgrade(module, snapshot) : undefined;
  const isOfBackup = name === "backups" || (name === "modules" && tab === "backups" && backup?.modules.includes(module));
  const adoption = name === "adopt" ? running.find(({ kind }) => kind === "adopt") : undefined;
  const hero = upgrade ?? adoption ?? (isOfBackup ? backup : name === "home" && snapshot.engine.running ? shownInHero(running) : undefined);
  return repeat(running.filter((one) => one !== hero), ({ id }) => id, (operation) =>
    strip(operation, titleOf(operation, snapshot.modules), page));
}

/** @param {OperationSummary} operation @param {string} what @param {PageState} page */
function strip(operation, what, page) {
  const more = [countText(operation), doing(operation), leftOf(operation), operation.delay];
  const text = more.filter(Boolean).join(" · ");
  return html`
    <section class="operation strip" aria-label=${what} data-operation=${operation.id}>
      ${progress(t("Progress"), shareDone(operation))}
      <span class="busy">${icon("loader-circle", "turn s14")}</span><h2 class="control strong">${what}</h2>
      <p class="control muted num grow cut" title=${text}>${text}</p>
      ${cancelButton(operation, what, page)}
    </section>`;
}

// @ts-check
/** Home: is all well, and the way to each module. */
import { html, nothing } from "../../vendor/lit-html/lit-html.js";
import { list } from "../base/format.js";
import { t } from "../base/i18n.js";
import { empty, notice } from "../components/notice.js";
import { active, shownInHero } from "../components/operations.js";
import { problems } from "../problems/problems.js";
import { openCard } from "./access/open.js";
import { backupNotices } from "./backups/hero.js";
import { basics } from "./home/basics.js";
import { engineCard } from "./home/engine.js";
import { features } from "./home/features.js";
import { hero } from "./home/hero.js";
import { attention } from "./home/problems.js";
import { progressOf } from "./home/progress.js";
import { roomNotice } from "./home/room.js";
import { readyNotice } from "./models/everywhere.js";
import { modelProblems } from "./models/problems.js";
import { upgradeNotices } from "./upgrade/notices.js";

/**
 * @import { Snapshot } from "../contract.d.ts"
 * @import { PageState } from "../types.d.ts"
 */

/** @param {PageState} page */
export const view = (page) => html`
  <div class="scroll"><div class="content home">
    ${page.snapshot ? stack(page, page.snapshot) : nothing}
  </div></div>`;

/** @param {PageState} page @param {Snapshot} snapshot */
function stack(page, snapshot) {
  const { modules, engine } = snapshot;
  const main = shownInHero(active(snapshot));
  return html`
    ${engine.running ? main ? progressOf(main, page, snapshot) : hero(page, snapshot) : engineCard({ ...page, snapshot })}
    ${roomNotice()} ${attention(page)} ${openCard(page)} ${backupNotices(page)} ${modelProblems("home")} ${readyNotice()} ${upgradeNotices(page)}
    ${problems(page).length ? nothing : firstSteps(snapshot)}
    ${modules.length || !engine.running ? nothing : empty({ icon: "boxes", title: t("There are no modules in the catalog") })}
    ${features(page, modules.filter(({ kind }) => kind === "feature"))}
    ${basics(page, modules.filter(({ kind }) => kind === "basic"))}`;
}

/** @param {Snapshot} snapshot */
function firstSteps({ engine, modules, chosen }) {
  const isAtRest = modules.every(({ state, wanted }) => state === "stopped" && !wanted);
  const meant = modules.filter(({ name }) => chosen.includes(name));
  if (!engine.running || !isAtRest || !meant.length) return nothing;
  const names = list(meant.map(({ title }) => title));
  return notice({
    title: t("Ready to start"),
    text: t("Start all starts {names} with the required basic services. The first start downloads images and can take several minutes.", { names }),
  });
}

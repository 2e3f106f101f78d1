// @ts-check
/** The first step: what the doctor says about this computer. */
import { html, nothing } from "../../../vendor/lit-html/lit-html.js";
import { ask } from "../../base/actions.js";
import { go } from "../../base/address.js";
import { mark, t, tn } from "../../base/i18n.js";
import { current } from "../../base/store.js";
import { button } from "../../components/button.js";
import { icon } from "../../components/icon.js";
import { notice } from "../../components/notice.js";
import { remedyButtons } from "../doctor/remedies.js";
import { engineChoice, engineSetup, wslText } from "../engine/setup.js";
import { engineSetupState, needsSetup, setupTitle } from "../engine/state.js";
import { check, own } from "./state.js";

/**
 * @import { Check, Grade } from "../../contract.d.ts"
 * @import { PageState } from "../../types.d.ts"
 */

/** @type {Record<string, {ok: string, wrong: string}>} In this order; the rest is the doctor's. */
const TITLES = {
  engine: { ok: mark("Docker is running"), wrong: mark("Docker isn't ready") },
  memory: { ok: mark("Memory"), wrong: mark("Memory") },
  disk: { ok: mark("Disk space"), wrong: mark("Disk space is low") },
  ports: { ok: mark("All ports are free"), wrong: mark("A port is in use") },
  names: { ok: mark("All names are free"), wrong: mark("A name is in use") },
  resources: { ok: mark("Resources and kernel settings"), wrong: mark("Something is too low") },
  graphics: { ok: mark("Graphics card"), wrong: mark("Graphics card") },
};
/** @type {Record<string, string>} */
const ONLY_WRONG = { modules: mark("A module can't start"), catalog: mark("A module's file is wrong"), connection: mark("Docker isn't ready"), settings: mark("A setting is wrong") };

/** @param {Check[]} checks */
function shown(checks) {
  const order = [...Object.keys(TITLES), ...Object.keys(ONLY_WRONG)];
  const wanted = checks.filter(({ name, grade }) => name in TITLES || (name in ONLY_WRONG && grade === "problem"));
  return wanted.sort((one, other) => order.indexOf(one.name) - order.indexOf(other.name));
}

/** @param {PageState} page @param {() => unknown} skip */
export function checksView(page, skip) {
  const { checks, isChecking, error } = own.get();
  const isMissing = needsSetup(page.snapshot);
  const why = page.snapshot?.engine.running ? null : t("Docker has to run first.");
  const rows = shown(checks ?? []).filter(({ name }) => !(isMissing && name === "engine"));
  const wrong = rows.filter((one) => !isFine(one)).length;
  return html`
    <div class="wiz-body">
      <div class="wiz-head">
        <div class="grow"><h2>${t("Let's check your computer")}</h2><p class="muted" role="status">${summary(wrong, isMissing)}</p></div>
        ${button({ text: t("Check again"), icon: "refresh-cw", kind: "quiet", enabled: !isChecking && page.connection === "up", run: check })}
      </div>
      ${isMissing ? engineSetup(page, html`<h3 id="engine-setup">${setupTitle(page.snapshot)}</h3>`) : engineChoice(page)}
      ${error ? notice({ tone: "bad", title: t("The checks couldn't run"), text: error }) : nothing}
      ${checks || error ? nothing : html`<p class="empty">${icon("loader-circle", "turn s24")}${t("Checking…")}</p>`}
      <ul class="card cks">${rows.map((one) => row(one, page))}${wslRow(isMissing)}</ul>
      <p class="small muted wiz-note">${t("Nothing changes on your computer until you click one of the buttons.")}</p>
    </div>
    <footer class="wiz-foot">
      ${languages()}<span class="grow"></span>
      ${skip()}
      ${why ? html`<span class="small muted">${why}</span>` : nothing}
      ${button({
        text: t("Continue"), icon: "arrow-right", kind: "primary", size: "large", enabled: !why, why, run: () => go("welcome/modules"),
      })}
    </footer>`;
}

/** @param {number} wrong @param {boolean} isMissing */
function summary(wrong, isMissing) {
  if (!own.get().checks) return t("Checking…");
  if (isMissing) return t("First Docker. Everything else can wait.");
  return wrong ? tn("{count} thing to look at", "{count} things to look at", wrong) : t("Everything is ready");
}

/** @type {Record<Grade, {icon: string, tone: string}>} */
const GRADES = {
  ok: { icon: "circle-check", tone: "ok" },
  fact: { icon: "circle", tone: "muted" },
  note: { icon: "info", tone: "busy" },
  problem: { icon: "triangle-alert", tone: "busy" },
};

const isFine = (/** @type {Check} */ { grade }) => grade === "ok" || grade === "fact";

/** @param {Check} one @param {PageState} page */
function row(one, page) {
  const title = TITLES[one.name]?.[isFine(one) ? "ok" : "wrong"] ?? ONLY_WRONG[one.name] ?? one.name;
  return html`
    <li class="ck ${isFine(one) ? "" : "fix"}">
      ${icon(GRADES[one.grade].icon, GRADES[one.grade].tone)}
      <div><h3>${t(title)}</h3><p class="text">${one.message}</p></div>
      ${remedyButtons(one, page, "tonal")}
    </li>`;
}

/** @param {boolean} isMissing The card has it then. */
function wslRow(isMissing) {
  const wsl = engineSetupState()?.wsl;
  if (!wsl || isMissing) return nothing;
  return html`<li class="ck">${icon("info", "muted")}<div><h3>${t("WSL")}</h3><p class="text">${wslText(wsl)}</p></div></li>`;
}

function languages() {
  const isChinese = current().snapshot?.language === "zh";
  const set = () => ask("language", "ai/config/set", { name: "app.language", value: isChinese ? "en" : "zh" });
  return button({ text: isChinese ? "English" : "中文", icon: "globe", kind: "quiet", run: set });
}

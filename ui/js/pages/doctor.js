// @ts-check
/** Checks of the installation and its engine, with a fix for each problem. */
import { html, nothing } from "../../vendor/lit-html/lit-html.js";
import { invoke, on } from "../base/bridge.js";
import { t, tn } from "../base/i18n.js";
import { observe, slice } from "../base/store.js";
import { button } from "../components/button.js";
import { icon } from "../components/icon.js";
import { notice } from "../components/notice.js";
import { refusals } from "../problems/card.js";
import { bundleButton, bundleNotice } from "./doctor/bundle.js";
import { remedyButtons } from "./doctor/remedies.js";
import { nameOf } from "./doctor/words.js";

/**
 * @import { Check, Grade } from "../contract.d.ts"
 * @import { PageState } from "../types.d.ts"
 */

const BATCH_MS = 300;

const own = slice({
  checks: /** @type {Check[]|null} */ (null),
  isRunning: false,
  error: "",
});

async function check() {
  if (own.get().isRunning) return;
  own.set({ isRunning: true });
  const answer = await invoke("ai/doctor/run", {});
  own.set(answer.success
    ? { isRunning: false, error: "", checks: answer.data.checks }
    : { isRunning: false, error: answer.message, checks: null });
}

/** @type {ReturnType<typeof setTimeout>|undefined} */
let due;

function checkSoon() {
  clearTimeout(due);
  due = setTimeout(() => (own.get().isRunning ? checkSoon() : check()), BATCH_MS);
}

export function enter() {
  check();
  const ends = [
    // A setting has changed, or an operation has ended.
    on("ai/activity/added", checkSoon),
    // The owner's texts are in the language that it was asked in.
    observe((now, before) => {
      if (before.snapshot && now.snapshot?.language !== before.snapshot.language) checkSoon();
    }),
  ];
  return () => {
    clearTimeout(due);
    ends.forEach((end) => end());
  };
}

/** @param {PageState} page */
export const view = (page) => html`
  <header class="top">
    <h1>${t("Doctor")}</h1><span class="grow"></span>
    ${bundleButton(page)}
    ${button({
      text: t("Check again"), icon: "refresh-cw", enabled: !own.get().isRunning && page.connection === "up", run: check,
    })}
  </header>
  <div class="scroll" tabindex="0" role="region" aria-label=${t("Doctor")}><div class="content doctor">
    ${bundleNotice()}
    ${refusals(page)}
    ${own.get().error ? notice({ tone: "bad", title: t("The checks couldn't run"), text: own.get().error }) : nothing}
    ${results(page)}
  </div></div>`;

/** @param {PageState} page */
function results(page) {
  const { checks } = own.get();
  if (!checks) return own.get().error ? nothing : running();
  const of = (/** @type {Grade} */ grade) => checks.filter((one) => one.grade === grade);
  return html`
    ${summary(of("problem").length, of("note").length, of("ok").length)}
    ${group("problem", t("Problems"), of("problem"), page)}
    ${group("note", t("Worth knowing"), of("note"), page)}
    ${group("ok", t("In order"), of("ok"), page)}
    ${group("fact", t("About this installation"), of("fact"), page)}`;
}

const running = () => html`<p class="empty">${icon("loader-circle", "turn s24")}${t("Checking…")}</p>`;

/** @param {number} problems @param {number} notes @param {number} passed */
function summary(problems, notes, passed) {
  const state = problems ? "error" : "running";
  const title = problems
    ? tn("{count} problem needs your attention", "{count} problems need your attention", problems)
    : t("No problems found");
  const text = [
    notes ? tn("{count} thing worth knowing", "{count} things worth knowing", notes) : "",
    passed ? tn("{count} check passed", "{count} checks passed", passed) : "",
  ].filter(Boolean).join(" · ");
  return html`
    <div class="doctor-head" role="status">
      <span class="emblem" data-state=${state}>${icon(own.get().isRunning ? "loader-circle" : problems ? "circle-x" : "circle-check", own.get().isRunning ? "turn" : "")}</span>
      <div><h2>${title}</h2><p class="control muted">${own.get().isRunning ? t("Checking…") : text}</p></div>
    </div>`;
}

/** @type {Record<Grade, {icon: string, tone: string}>} */
const GRADES = {
  problem: { icon: "circle-x", tone: "bad" },
  note: { icon: "info", tone: "info" },
  ok: { icon: "circle-check", tone: "ok" },
  fact: { icon: "circle", tone: "muted" },
};

/** @param {Grade} grade @param {string} title @param {Check[]} checks @param {PageState} page */
const group = (grade, title, checks, page) => checks.length ? html`
  <section aria-labelledby="checks-${grade}">
    <div class="section-head"><h2 id="checks-${grade}">${title}</h2><span class="num">${checks.length}</span></div>
    <ul class="doctor-checks ${grade === "problem" ? "" : "card"}">
      ${checks.map((one) => html`<li class="check-row ${grade === "problem" ? "card problem" : ""}">${row(one, page)}</li>`)}
    </ul>
  </section>` : nothing;

/** @param {Check} one @param {PageState} page */
const row = (one, page) => html`
  ${icon(GRADES[one.grade].icon, GRADES[one.grade].tone)}
  <div class="grow">
    <h3>${nameOf(one.name)}</h3>
    <p class="text">${one.message}</p>
    ${remedyButtons(one, page)}
  </div>`;

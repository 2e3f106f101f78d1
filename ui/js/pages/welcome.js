// @ts-check
/** The first steps: check the computer, choose modules, start. */
import { html, nothing } from "../../vendor/lit-html/lit-html.js";
import { go } from "../base/address.js";
import { invoke, on } from "../base/bridge.js";
import { mark, t } from "../base/i18n.js";
import { observe } from "../base/store.js";
import { button } from "../components/button.js";
import { icon } from "../components/icon.js";
import { restoreFromFile } from "./backups/restore.js";
import { lookForEngines } from "./engine/found.js";
import { loadEngineSetup } from "./engine/state.js";
import { checksView } from "./welcome/checks.js";
import { chooseView } from "./welcome/choose.js";
import { check, load, own } from "./welcome/state.js";

/**
 * @import { Address } from "../base/address.js"
 * @import { PageState } from "../types.d.ts"
 */

const STEPS = [mark("Check your computer"), mark("Choose modules"), mark("Start")];

/** @param {Address} address */
export function enter({ rest: [step] }) {
  const isFirst = step !== "modules";
  if (isFirst) [check, lookForEngines, loadEngineSetup].forEach((look) => look());
  if (isFirst || !own.get().version) load();
  const ends = [
    on("ai/activity/added", check), // a remedy has changed a setting
    observe((now, before) => {
      const [engine, earlier] = [now.snapshot?.engine, before.snapshot?.engine];
      const isOther = engine?.running !== earlier?.running || now.snapshot?.language !== before.snapshot?.language;
      if (before.snapshot && isOther) check();
    }),
  ];
  return () => ends.forEach((end) => end());
}

/** It does not open by itself again. */
async function leave() {
  await invoke("ai/app/welcome", { done: true });
  go("home");
}

/** @param {PageState} page */
export function view(page) {
  const place = page.address.rest[0] === "modules" ? 1 : 0;
  return html`
    <div class="wiz">
      <aside class="wiz-side">
        <img src="favicon.svg" alt="">
        <h1>${t("Welcome to {name}", { name: "AI\u2011Server Tray" })}</h1>
        <p>${t("Your own AI tools, on your own computer. Nothing leaves it unless you say so.")}</p>
        <ol class="wiz-steps">${STEPS.map((text, index) => html`
          <li class=${index === place ? "on" : index < place ? "done" : ""} aria-current=${index === place ? "step" : nothing}>
            <b>${index < place ? icon("check") : index + 1}</b><span>${t(text)}</span></li>`)}</ol>
        <span class="grow"></span>
        ${own.get().version ? html`<p class="small">AI-Server Tray ${own.get().version}</p>` : nothing}
      </aside>
      <div class="wiz-main">${place ? chooseView(page) : checksView(page, () => skip(page))}</div>
    </div>`;
}

/** @param {PageState} page */
const skip = ({ connection, snapshot }) => html`
  ${button({
    text: t("Restore from a file…"), icon: "archive-restore", kind: "quiet", enabled: connection === "up" && Boolean(snapshot?.engine.running),
    why: snapshot?.engine.running ? null : t("Docker has to run first."), run: () => void restoreFromFile(leave),
  })}
  ${button({ text: t("Skip for now"), kind: "quiet", run: leave })}`;

// @ts-check
/** The modules of an operation that takes long, with the phase of each. */
import { repeat } from "../../../vendor/lit-html/directives/repeat.js";
import { html } from "../../../vendor/lit-html/lit-html.js";
import { duration, list, percent } from "../../base/format.js";
import { mark, t } from "../../base/i18n.js";
import { isOver, share, span } from "../../components/operations.js";
import { dot } from "../../components/state.js";
import { tile } from "../../components/tile.js";
import { backupPhases, modulesOf, ofPhase, phasesOf, track } from "./steps.js";

/**
 * @import { Module, OperationKind, Step } from "../../contract.d.ts"
 * @import { BackupPhase } from "./steps.js"
 */

/** @type {Record<BackupPhase, string>} What happens to a module. */
const DOING = {
  copy: mark("Stopped and being copied"), write: mark("Runs again · being written"), check: mark("Its databases are opened on a copy"),
  keep: mark("Its data is copied"), try: mark("The new version is tried on a copy"), renew: mark("Stopped and changing over"),
  unpack: mark("The backup is unpacked beside it"), swap: mark("Stopped and changing over"), save: mark("Runs again · what it had is being written"),
};

/** @param {OperationKind} kind */
const caption = (kind) => (kind === "backup" || kind === "move" ? t("copied · written · verified")
  : kind === "restore" ? t("unpacked · changed over · backed up") : kind === "upgrade" ? t("copied · rehearsed · changed over") : t("download · start · healthy"));

/** @param {OperationKind} kind @param {Step[]} steps @param {Module[]} modules */
export const startingModules = (kind, steps, modules) => html`
  <section class="card" aria-labelledby="starting">
    <div class="card-head"><h3 id="starting">${t("Modules")}</h3><span class="grow"></span>
      <span class="small muted">${caption(kind)}</span></div>
    <ul class="rows">
      ${repeat(modulesOf(steps, phasesOf(kind)), (name) => name, (name) =>
        row(kind, name, modules, steps))}
    </ul>
  </section>`;

/** @param {OperationKind} kind @param {string} name @param {Module[]} modules @param {Step[]} all */
function row(kind, name, modules, all) {
  const steps = all.filter((step) => step.module === name);
  const module = modules.find((one) => one.name === name);
  const phases = backupPhases(kind);
  const awaited = modules.filter((one) => module?.requires.includes(one.name) && one.state !== "running");
  return html`
    <li class="sv" data-starting=${name}>
      ${tile(module ?? { name }, "tiny")}
      <div class="grow"><h3 class="cut">${module?.title ?? name}</h3><p class="small muted">${phases ? backupText(steps, phases) : phaseText(steps, awaited)}</p></div>
      <span class="track" aria-hidden="true">${track(all.filter((step) => step.module === name || !step.module), phasesOf(kind)).map((at) => html`<i class=${at}></i>`)}</span>
      ${dot(module?.state ?? "stopped")}
    </li>`;
}

/** @param {Step[]} steps of one module @param {BackupPhase[]} phases */
function backupText(steps, phases) {
  if (steps.some(({ status }) => status === "failed")) return t("Failed");
  if (!steps.some(({ began }) => began !== null)) return t("Waiting");
  const now = phases.find((phase) => !ofPhase(steps, phase).every(isOver));
  return now ? t(DOING[now]) : t("Done");
}

/** @param {Step[]} steps of one module @param {Module[]} awaited what it requires, and isn't running */
function phaseText(steps, awaited) {
  const [get, start, wait] = [ofPhase(steps, "get"), ofPhase(steps, "start"), ofPhase(steps, "wait")];
  if (steps.some(({ status }) => status === "failed")) return t("Failed");
  if (!get.every(isOver)) return getting(get);
  if (!start.every(isOver)) {
    const done = start.filter(isOver).length;
    const isBegun = start.some(({ status }) => status !== "pending");
    if (isBegun) return t("Starting containers: {done} of {total}", { done, total: start.length });
    return awaited.length ? t("Waits for {names}", { names: list(awaited.map(({ title }) => title)) }) : t("Waits for other modules");
  }
  if (!wait.every(isOver)) return waiting(wait);
  const took = span([...start, ...wait]);
  return took ? t("Healthy after {time}", { time: duration(took) }) : t("Ready");
}

/** @param {Step[]} steps */
function getting(steps) {
  if (steps.every(({ status }) => status === "pending")) return t("Waits for its download");
  if (steps.length === 1 && share(steps) === 1) return t("Unpacking…");
  if (steps.length === 1 && !steps[0]?.total) return t("Downloading…");
  if (steps.length === 1) return t("Downloading: {percent}", { percent: percent(Math.floor(share(steps) * 100) / 100) });
  return t("Downloading: {done} of {total} images", { done: steps.filter(isOver).length, total: steps.length });
}

/** @param {Step[]} steps The slowest one counts. */
function waiting(steps) {
  const usual = Math.max(0, ...steps.filter((step) => !isOver(step)).map((step) => step.usual ?? 0));
  return usual ? t("Waiting until healthy, usually {time}", { time: duration(usual) }) : t("Waiting until healthy");
}

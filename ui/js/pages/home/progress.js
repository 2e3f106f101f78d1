// @ts-check
/** An operation that takes long, step by step: how long it takes, and what takes so long. */
import { html, nothing } from "../../../vendor/lit-html/lit-html.js";
import { about, bytes, percent, rate } from "../../base/format.js";
import { mark, t } from "../../base/i18n.js";
import { icon } from "../../components/icon.js";
import { meter, ring } from "../../components/meter.js";
import { cancelButton, countText, doing, downloadsLeftOf, isOver, leftOf, share, shareDone, titleOf } from "../../components/operations.js";
import { downloads } from "./downloads.js";
import { startingModules } from "./starting.js";
import { backupPhases, modulesOf, ofPhase } from "./steps.js";

/**
 * @import { Download, Module, OperationSummary, Snapshot, Step } from "../../contract.d.ts"
 * @import { BackupPhase } from "./steps.js"
 * @import { PageState } from "../../types.d.ts"
 */

/** @type {Record<BackupPhase, [icon: string, name: string]>} */
const OF_BACKUPS = {
  copy: ["copy", mark("Copy while stopped")], write: ["lock", mark("Encrypt and write")], check: ["shield-check", mark("Check the file")],
  keep: ["copy", mark("Copy the data")], try: ["flask-conical", mark("Rehearse on a copy")], renew: ["circle-arrow-up", mark("Start the new version")],
  save: ["archive", mark("Back up what was there")], unpack: ["package", mark("Unpack and check")], swap: ["refresh-cw", mark("Change over")],
};

/** @param {OperationSummary} operation @param {PageState} page @param {Snapshot} snapshot */
export function progressOf(operation, page, snapshot) {
  const steps = page.progress.find(({ id }) => id === operation.id)?.steps ?? [];
  const what = titleOf(operation, snapshot.modules);
  const pulls = ofPhase(steps, "get").filter(({ kind }) => kind === "pull");
  const isLong = pulls.some((step) => !isOver(step) || step.total);
  return html`
    <section class="card hero overview operation" data-state=${snapshot.state} data-operation=${operation.id} aria-labelledby="overall">
      <div class="hero-head">
        ${ring(shareDone(operation))}
        <div class="grow"><h1 id="overall">${what}</h1>${line(operation)}</div>
        <div class="buttons">${cancelButton(operation, what, page)}</div>
      </div>
      ${phases(operation, steps, snapshot.modules)}
    </section>
    ${steps.length && operation.kind !== "pull" && operation.kind !== "build" && (isLong || operation.total > 1) ? html`
      <div class="starting ${isLong ? "two" : ""}">
        ${isLong ? downloads(pulls, snapshot.modules) : nothing} ${startingModules(operation.kind, steps, snapshot.modules)}
      </div>
      <p class="small muted centred">${t("You can close this window. The work continues in the background.")}</p>`
    : isLong ? downloads(pulls, snapshot.modules) : nothing}`;
}

/** @param {OperationSummary} operation */
function line(operation) {
  const speed = operation.download?.rate ?? 0;
  const left = leftOf(operation);
  const more = [
    operation.delay,
    speed ? t("downloading at {rate}", { rate: rate(speed) }) : "",
    countText(operation), speed || operation.delay ? "" : doing(operation),
  ].filter(Boolean).join(" · ");
  return html`<p class="control muted grow" title=${doing(operation)}>
    <b class="strong">${left}</b>${left && more ? " · " : ""}${more}</p>`;
}

/** @param {OperationSummary} operation @param {Step[]} steps @param {Module[]} modules */
function phases(operation, steps, modules) {
  const ofBackup = backupPhases(operation.kind);
  if (ofBackup) return html`<div class="phases">${ofBackup.map((name) => backupPhase(name, ofPhase(steps, name), modules))}</div>`;
  const [get, start, wait] = [ofPhase(steps, "get"), ofPhase(steps, "start"), ofPhase(steps, "wait")];
  const { download } = operation;
  const shown = [
    download ? phase("cloud-download", t("Download"), download.share, amount(download), lacking(operation, download))
      : get.length ? counted("hammer", t("Build images"), get, "") : null,
    start.length ? counted("boxes", t("Start"), start, get.length ? t("Each one as soon as its image is ready") : "") : null,
    wait.length ? counted("activity", t("Wait until healthy"), wait, longest(wait, modules)) : null,
  ].filter(Boolean);
  return shown.length ? html`<div class="phases">${shown}</div>` : nothing;
}

/** @param {BackupPhase} name @param {Step[]} steps @param {Module[]} modules */
function backupPhase(name, steps, modules) {
  if (!steps.length) return nothing;
  const [drawing, title] = OF_BACKUPS[name];
  const all = modulesOf(steps, [name]);
  const left = modulesOf(steps.filter((step) => !isOver(step)), [name]);
  const now = steps.find(({ status }) => status === "running")?.module;
  const total = steps.reduce((sum, step) => sum + step.total, 0);
  const written = steps.reduce((sum, step) => sum + (isOver(step) ? step.total : step.current), 0);
  return phase(
    drawing, t(title), total ? written / total : share(steps),
    total ? t("{done} of {total}", { done: bytes(written, total), total: bytes(total) })
      : t("{done} of {total}", { done: all.length - left.length, total: all.length }),
    modules.find((module) => module.name === now)?.title ?? now ?? "",
  );
}

/** @param {string} drawing @param {string} name @param {Step[]} steps @param {string} more */
const counted = (drawing, name, steps, more) =>
  phase(drawing, name, share(steps), t("{done} of {total}", { done: steps.filter(isOver).length, total: steps.length }), more);

/** @param {string} drawing @param {string} name @param {number} done from 0 to 1 @param {string} much @param {string} more */
const phase = (drawing, name, done, much, more) => html`
  <div><h3>${icon(drawing, `s14 ${done === 1 ? "ok" : done ? "busy" : "muted"}`)}<span class="grow">${name}</span>
    <span class="num small muted">${much}</span></h3>
    ${meter({ label: `${name}: ${percent(done)}`, parts: [{ share: done }] })}
    <p class="small muted num">${more}</p></div>`;

/** @param {Download} download How much is here of all. */
function amount({ current, total, unsized, rough }) {
  const size = { done: bytes(current), total: bytes(total) };
  if (!total) return t("{size} so far", { size: size.done });
  if (unsized) return t("{done} of at least {total}", size);
  return rough ? t("{done} of about {total}", size) : t("{done} of {total}", size);
}

/** @param {OperationSummary} operation @param {Download} download What is not known, or what is left. */
function lacking(operation, { current, total, images, unsized, share: done }) {
  if (done === 1) return t("Everything is here");
  if (unsized) return t("Size of {done} of {total} known", { done: images - unsized, total: images });
  if (total && current >= total) return t("Unpacking…");
  return downloadsLeftOf(operation);
}

/** @param {Step[]} waits @param {Module[]} modules */
function longest(waits, modules) {
  const left = waits.filter((step) => !isOver(step) && step.usual !== null);
  const slowest = left.sort((one, other) => (other.usual ?? 0) - (one.usual ?? 0))[0];
  if (!slowest?.usual) return "";
  const title = modules.find(({ name }) => name === slowest.module)?.title ?? slowest.module;
  return t("{name} takes the longest: {time}", { name: title, time: about(slowest.usual) });
}

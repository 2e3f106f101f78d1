// @ts-check
/** A start, step by step: how long it takes, and what takes so long. */
import { html, nothing } from "../../../vendor/lit-html/lit-html.js";
import { aboutLeft, bytes, duration, percent, rate } from "../../base/format.js";
import { t } from "../../base/i18n.js";
import { icon } from "../../components/icon.js";
import { meter } from "../../components/meter.js";
import { cancelButton, countText, doing, timeLeftOf, titleOf } from "../../components/operations.js";
import { downloads } from "./downloads.js";
import { startingModules } from "./starting.js";
import { isOver, ofPhase, share, shareDone, speedOf } from "./steps.js";

/**
 * @import { Module, OperationSummary, Snapshot, Step } from "../../contract.d.ts"
 * @import { PageState } from "../../types.d.ts"
 */

/** @param {OperationSummary} operation @param {PageState} page @param {Snapshot} snapshot */
export function progressOf(operation, page, snapshot) {
  const steps = page.progress.find(({ id }) => id === operation.id)?.steps ?? [];
  const what = titleOf(operation, snapshot.modules);
  const pulls = ofPhase(steps, "get").filter(({ kind }) => kind === "pull");
  const isLong = pulls.some((step) => !isOver(step) || step.total);
  return html`
    <section class="card hero overview operation" data-state=${snapshot.state} data-operation=${operation.id} aria-labelledby="overall">
      <div class="hero-head">
        ${ring(shareDone(operation, page.progress))}
        <div class="grow"><h1 id="overall">${what}</h1>${line(operation, pulls)}</div>
        <div class="buttons">${cancelButton(operation, what, page)}</div>
      </div>
      ${phases(steps, snapshot.modules)}
    </section>
    ${steps.length && operation.kind !== "pull" && operation.kind !== "build" && (isLong || operation.total > 1) ? html`
      <div class="starting ${isLong ? "two" : ""}">
        ${isLong ? downloads(pulls, snapshot.modules) : nothing} ${startingModules(steps, snapshot.modules)}
      </div>
      <p class="small muted centred">${t("You can close this window. The work continues in the background.")}</p>`
    : isLong ? downloads(pulls, snapshot.modules) : nothing}`;
}

/** @param {number} done from 0 to 1 */
const ring = (done) => html`
  <div class="ring" role="progressbar" aria-label=${t("Progress")} aria-valuemin="0" aria-valuemax="100" aria-valuenow=${Math.round(done * 100)}>
    <svg viewBox="0 0 60 60" aria-hidden="true"><circle class="ring-ground" cx="30" cy="30" r="26"></circle>
      <circle class="ring-done" cx="30" cy="30" r="26" transform="rotate(-90 30 30)" pathLength="100"
        stroke-dasharray="${Math.round(done * 100)} 100"></circle></svg>
    <b>${percent(done)}</b>
  </div>`;

/** @param {OperationSummary} operation @param {Step[]} pulls */
function line(operation, pulls) {
  const speed = speedOf(pulls);
  const seconds = timeLeftOf(operation);
  const left = seconds === null ? "" : aboutLeft(seconds);
  const more = [
    speed ? t("downloading at {rate}", { rate: rate(speed) }) : "",
    countText(operation), speed ? "" : doing(operation),
  ].filter(Boolean).join(" · ");
  return html`<p class="control muted grow" title=${doing(operation)}>
    <b class="strong">${left}</b>${left && more ? " · " : ""}${more}</p>`;
}

/** @param {Step[]} steps @param {Module[]} modules */
function phases(steps, modules) {
  const [get, start, wait] = [ofPhase(steps, "get"), ofPhase(steps, "start"), ofPhase(steps, "wait")];
  const shown = [
    get.length ? phase("cloud-download", t("Download images"), get, amount(get)) : null,
    start.length ? phase("boxes", t("Start containers"), start, get.length ? t("Each one as soon as its image is ready") : "") : null,
    wait.length ? phase("activity", t("Wait until healthy"), wait, longest(wait, modules)) : null,
  ].filter(Boolean);
  return shown.length ? html`<div class="phases">${shown}</div>` : nothing;
}

/** @param {string} drawing @param {string} name @param {Step[]} steps @param {string} more */
const phase = (drawing, name, steps, more) => html`
  <div><h3>${icon(drawing, share(steps) === 1 ? "s14 ok" : "s14 busy")}<span class="grow">${name}</span>
    <span class="num small muted">${t("{done} of {total}", { done: steps.filter(isOver).length, total: steps.length })}</span></h3>
    ${meter({ label: `${name}: ${percent(share(steps))}`, parts: [{ share: share(steps) }] })}
    <p class="small muted">${more}</p></div>`;

/** @param {Step[]} steps The size of an image is known once its download has begun. */
function amount(steps) {
  const done = bytes(steps.reduce((sum, { current }) => sum + current, 0));
  const isKnown = steps.every((step) => step.total || isOver(step));
  const total = bytes(steps.reduce((sum, step) => sum + step.total, 0));
  if (!isKnown) return t("{size} so far", { size: done });
  if (done === total && !steps.every(isOver)) return t("{size} downloaded, unpacking…", { size: done });
  return t("{done} of {total}", { done, total });
}

/** @param {Step[]} waits @param {Module[]} modules */
function longest(waits, modules) {
  const left = waits.filter((step) => !isOver(step) && step.usual !== null);
  const slowest = left.sort((one, other) => (other.usual ?? 0) - (one.usual ?? 0))[0];
  if (!slowest?.usual) return "";
  const title = modules.find(({ name }) => name === slowest.module)?.title ?? slowest.module;
  return t("{name} takes the longest, usually {time}", { name: title, time: duration(slowest.usual) });
}

// @ts-check
/** The images that an operation downloads, by the service that needs each: those under way with bytes and rate. */
import { repeat } from "../../../vendor/lit-html/directives/repeat.js";
import { html, nothing } from "../../../vendor/lit-html/lit-html.js";
import { bytes, duration, labelled, percent, rate } from "../../base/format.js";
import { t, tn } from "../../base/i18n.js";
import { icon } from "../../components/icon.js";
import { meter } from "../../components/meter.js";
import { shareOf, span } from "../../components/operations.js";

/**
 * @import { Module, Step } from "../../contract.d.ts"
 */

/** Waiting images that are named; the others are counted. */
const NAMED = 3;

/** @param {Step[]} pulls @param {Module[]} modules */
export function downloads(pulls, modules) {
  const titles = new Map(modules.map(({ name, title }) => [name, title]));
  const title = (/** @type {Step} */ { module, subject }) => titles.get(module) ?? (module || subject);
  const running = pulls.filter(({ status }) => status === "running");
  const waiting = pulls.filter(({ status }) => status === "pending");
  const done = pulls.filter(({ status, total }) => status === "done" && total);
  const failed = pulls.filter(({ status }) => status === "failed");
  const more = waiting.length - NAMED;
  return html`
    <section class="card" aria-labelledby="downloads">
      <div class="card-head"><h3 id="downloads">${t("Downloads")}</h3><span class="grow"></span>
        <span class="small muted num">${running.length ? tn("{count} at a time", "{count} at a time", running.length) : ""}</span></div>
      <ul class="rows">
        ${repeat(running, ({ subject }) => subject, (step) => download(step, title(step)))}
        ${failed.map((step) => slim("x", "bad", title(step), serviceOf(step), t("Failed")))}
        ${waiting.slice(0, NAMED).map((step, i) => slim("circle-dashed", "faint", title(step), serviceOf(step), waitingText(step, i === 0)))}
        ${more > 0 ? slim("circle-dashed", "faint", tn("{count} more", "{count} more", more), "", "") : nothing}
        ${done.length ? slim("check", "ok", tn("{count} image downloaded", "{count} images downloaded", done.length), "",
          t("{size} in {time}", { size: bytes(done.reduce((sum, { total }) => sum + total, 0)), time: duration(span(done)) })) : nothing}
      </ul>
    </section>`;
}

/** @param {Step} step The service, unless it is all of its module. */
const serviceOf = ({ service, module }) => (service === module ? "" : service ?? "");

/** @param {Step} step @param {boolean} isNext */
function waitingText({ total }, isNext) {
  const size = total ? bytes(total) : "";
  return isNext ? [t("next"), size].filter(Boolean).join(" · ") : size;
}

/** @param {Step} step @param {string} title */
function download(step, title) {
  const share = shareOf(step);
  return html`
    <li class="dl" data-image=${step.subject}>
      <span class="busy">${icon("arrow-down", "s14")}</span>
      <span class="control cut" title=${step.subject}><b class="strong">${title}</b> <span class="faint mono">${serviceOf(step)}</span></span>
      <span class="control num strong">${step.total ? percent(Math.floor(share * 100) / 100) : ""}</span>
      ${meter({ label: labelled(title, percent(share)), parts: [{ share }], moving: true })}
      <div class="sub num"><span class="grow">${sizeText(step)}</span><span>${doingText(step)}</span></div>
    </li>`;
}

/** @param {Step} step */
function sizeText({ current, total }) {
  if (total) return t("{done} of {total}", { done: bytes(current), total: bytes(total) });
  return current ? t("{size} so far, size not known", { size: bytes(current) }) : "";
}

/** @param {Step} step */
function doingText(step) {
  if (step.awaitsShared) return t("Waiting for a layer that another image is downloading");
  if (shareOf(step) === 1) return t("Unpacking…");
  return step.rate ? rate(step.rate) : "";
}

/** @param {string} drawing @param {string} tone @param {string} name @param {string} image @param {string} right */
const slim = (drawing, tone, name, image, right) => html`
  <li class="dl slim"><span class=${tone}>${icon(drawing, "s14")}</span>
    <span class="control cut"><b class="strong">${name}</b> <span class="faint mono">${image}</span></span>
    <span class="small num muted">${right}</span></li>`;

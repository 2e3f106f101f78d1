// @ts-check
/** The images that an operation downloads: those under way with bytes, rate and time left. */
import { repeat } from "../../../vendor/lit-html/directives/repeat.js";
import { html, nothing } from "../../../vendor/lit-html/lit-html.js";
import { bytes, duration, labelled, percent, rate, timeLeft } from "../../base/format.js";
import { t, tn } from "../../base/i18n.js";
import { icon } from "../../components/icon.js";
import { meter } from "../../components/meter.js";
import { secondsLeft, shareOf, span } from "./steps.js";

/**
 * @import { Module, Step } from "../../contract.d.ts"
 */

/** Waiting images that are named; the others are counted. */
const NAMED = 3;

/** @param {Step[]} pulls @param {Module[]} modules */
export function downloads(pulls, modules) {
  const titles = new Map(modules.map(({ name, title }) => [name, title]));
  const title = (/** @type {Step} */ { module }) => titles.get(module) ?? module;
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
        ${failed.map((step) => slim("x", "bad", title(step), imageOf(step), t("Failed")))}
        ${waiting.slice(0, NAMED).map((step, i) => slim("circle-dashed", "faint", title(step), imageOf(step), i ? "" : t("next")))}
        ${more > 0 ? slim("circle-dashed", "faint", tn("{count} more", "{count} more", more), "", "") : nothing}
        ${done.length ? slim("check", "ok", tn("{count} image downloaded", "{count} images downloaded", done.length), "",
          t("{size} in {time}", { size: bytes(done.reduce((sum, { total }) => sum + total, 0)), time: duration(span(done)) })) : nothing}
      </ul>
    </section>`;
}

/** @param {Step} step The image without its registry. */
const imageOf = ({ subject }) => subject.split("/").at(-1) ?? subject;

/** @param {Step} step @param {string} title */
function download(step, title) {
  const share = shareOf(step);
  const left = share < 1 ? secondsLeft(step) : null;
  return html`
    <li class="dl" data-image=${step.subject}>
      <span class="busy">${icon("arrow-down", "s14")}</span>
      <span class="control cut" title=${step.subject}><b class="strong">${title}</b> <span class="faint mono">${imageOf(step)}</span></span>
      <span class="control num strong">${step.total ? percent(Math.floor(share * 100) / 100) : ""}</span>
      ${meter({ label: labelled(title, percent(share)), parts: [{ share }], moving: true })}
      <div class="sub num"><span class="grow">${step.total
        ? t("{done} of {total}", { done: bytes(step.current), total: bytes(step.total) }) : step.detail ?? ""}</span>
        ${share === 1 ? html`<span>${t("Unpacking…")}</span>` : step.rate ? html`<span>${rate(step.rate)}</span>` : nothing}
        ${left === null ? nothing : html`<span>·</span><span>${timeLeft(left)}</span>`}</div>
    </li>`;
}

/** @param {string} drawing @param {string} tone @param {string} name @param {string} image @param {string} right */
const slim = (drawing, tone, name, image, right) => html`
  <li class="dl slim"><span class=${tone}>${icon(drawing, "s14")}</span>
    <span class="control cut"><b class="strong">${name}</b> <span class="faint mono">${image}</span></span>
    <span class="small num muted">${right}</span></li>`;

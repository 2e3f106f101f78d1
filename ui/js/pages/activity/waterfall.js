// @ts-check
/** The steps of an operation as a waterfall, with the path that decided how long it took. */
import { html, nothing } from "../../../vendor/lit-html/lit-html.js";
import { bytes as sizeOf, duration, labelled, list } from "../../base/format.js";
import { t } from "../../base/i18n.js";
import { slice } from "../../base/store.js";
import { icon } from "../../components/icon.js";
import { hueStyle } from "../../components/tile.js";
import { PHASES, bars, criticalPath, parts, rows, tick } from "./path.js";
import { isJob, moduleTitle } from "./words.js";

/**
 * @import { ActivityStep } from "../../contract.d.ts"
 * @import { Bar, Part, Phase, Row } from "./path.js"
 */

/** Part of the width that is left for words behind the last bar. */
const ROOM = 0.76;

const own = slice({ open: /** @type {ReadonlySet<string>} */ (new Set()) });

/** @param {string} name */
function fold(name) {
  const open = new Set(own.get().open);
  if (!open.delete(name)) open.add(name);
  own.set({ open });
}

/** @param {ActivityStep[]} steps @param {number} now seconds since the operation began */
export function waterfall(steps, now) {
  const all = bars(steps, now, isJob);
  if (!all.length) return nothing;
  const path = criticalPath(all);
  const width = Math.max(...all.map(({ end }) => end), 0.1) / ROOM;
  const used = new Set(all.map(({ phase }) => phase));
  return html`
    <section class="card" aria-labelledby="timeline">
      <div class="card-head"><h3 id="timeline">${t("Timeline")}</h3><span class="grow"></span>${legend(used)}</div>
      <div class="gantt" .style=${`--tick: ${(tick(width) / width) * 100}%`}>
        ${axis(width)}
        ${rows(all, ({ module }) => module).map((row) => moduleRow(row, new Set(path), width))}
      </div>
      ${pathParts(parts(path))}
    </section>`;
}

/** @param {Set<Phase>} used */
const legend = (used) => html`
  <span class="legend">
    ${Object.entries(PHASES).filter(([phase]) => used.has(/** @type {Phase} */ (phase))).map(([, { word, colour }]) => html`
      <span .style=${`--hue: ${colour}`}><i class="swatch"></i>${t(word)}</span>`)}
    <span><i class="swatch path"></i>${t("Critical path")}</span>
  </span>`;

/** @param {number} width */
function axis(width) {
  const step = tick(width);
  const marks = Array.from({ length: Math.ceil(width / step) }, (_, index) => index * step);
  return html`
    <div class="gr head" aria-hidden="true"><span></span><div class="ax">
      ${marks.map((at) => html`<span .style=${`left: ${(at / width) * 100}%`}>${markOf(at)}</span>`)}
    </div></div>`;
}

/** @param {number} seconds */
function markOf(seconds) {
  if (seconds < 60) return seconds ? t("{seconds} s", { seconds: Number(seconds.toFixed(1)) }) : "0";
  const minutes = Math.floor(seconds / 60) % 60;
  const rest = `${String(minutes).padStart(seconds < 3600 ? 1 : 2, "0")}:${String(Math.round(seconds % 60)).padStart(2, "0")}`;
  return seconds < 3600 ? rest : `${Math.floor(seconds / 3600)}:${rest}`;
}

/** @param {Row} row @param {Set<Bar>} path @param {number} width */
function moduleRow(row, path, width) {
  const services = rows(row.bars, ({ service, subject }) => service ?? subject);
  const isOpen = own.get().open.has(row.name);
  const name = row.name ? moduleTitle(row.name) : t("Preparation");
  const label = html`<i class="swatch"></i><span>${name}</span>`;
  return html`
    <div class="gr" .style=${hueStyle(row.name)}>
      ${services.length < 2 ? html`<div class="lab">${label}</div>` : html`
        <button type="button" class="lab" aria-expanded=${isOpen} @click=${() => fold(row.name)}>
          ${label}${icon(isOpen ? "chevron-up" : "chevron-down", "s12")}</button>`}
      ${line(row, path, width)}
    </div>
    ${isOpen && services.length > 1 ? services.map((service) => html`
      <div class="gr sub"><div class="lab"><span title=${service.name}>${service.name.split("/").at(-1)}</span></div>${line(service, path, width)}</div>`) : nothing}`;
}

/** @type {Phase[]} The widest first, so that the others are drawn over it. */
const LAYERS = ["wait", "job", "stop", "remove", "pull", "build", "create"];

/** @param {Row} row @param {Set<Bar>} path @param {number} width */
function line(row, path, width) {
  const layers = [...row.bars].sort((a, b) => LAYERS.indexOf(a.phase) - LAYERS.indexOf(b.phase));
  const isOnPath = row.bars.some((bar) => path.has(bar));
  const failed = row.bars.some(({ status }) => status === "failed");
  const runs = row.bars.some(({ status }) => status === "running");
  return html`
    <div class="bars">
      ${[...layers.filter((bar) => !path.has(bar)), ...layers.filter((bar) => path.has(bar))].map((bar) => html`
        <i class="${path.has(bar) ? "crit" : ""} ${bar.status}" title=${told(bar)} .style=${place(bar, width)}></i>`)}
      <em class="${failed ? "bad" : isOnPath ? "strong" : ""}" .style=${`left: ${(row.end / width) * 100}%`}>${
        failed ? t("failed after {time}", { time: duration(row.end) }) : runs ? t("{time} so far", { time: duration(row.end) }) : duration(row.end)}</em>
      <span class="unseen">${list(row.bars.map(told))}${isOnPath ? `. ${t("Critical path")}` : ""}</span>
    </div>`;
}

/** @param {Bar} bar @param {number} width */
const place = ({ began, end, phase }, width) =>
  `--c: ${PHASES[phase].colour}; left: ${(began / width) * 100}%; width: ${((end - began) / width) * 100}%`;

/** @param {Bar} bar */
const told = ({ phase, subject, began, end }) =>
  labelled(`${t(PHASES[phase].word)} ${subject}`, duration(end - began));

/** @param {Part[]} found */
const pathParts = (found) => html`
  <div class="crit-list">${found.map(({ module, phase, seconds, usual, bytes }) => html`
    <div>
      <p class="small muted">${t(PHASES[phase].doing, { name: module ? moduleTitle(module) : t("Preparation") })}${bytes ? ` ${sizeOf(bytes)}` : nothing}</p>
      <h3 class="num">${duration(seconds)}</h3>
      ${usual ? html`<p class="small muted">${Math.abs(seconds - usual) < 0.15 * usual + 0.5
        ? t("as usual") : t("usually {time}", { time: duration(usual) })}</p>` : nothing}
    </div>`)}</div>`;

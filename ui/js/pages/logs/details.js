// @ts-check
/** One entry beside the list: its fields, its whole text, and what the service wrote around it. */
import { html, nothing } from "../../../vendor/lit-html/lit-html.js";
import { addressTo, format, goQuery, here } from "../../base/address.js";
import { invoke, isBrowser } from "../../base/bridge.js";
import { clock, exactTime } from "../../base/format.js";
import { mark, t } from "../../base/i18n.js";
import { current, slice } from "../../base/store.js";
import { button } from "../../components/button.js";
import { copy } from "../../components/copy.js";
import { moveAlong } from "../../components/tabs.js";
import { askForRule } from "../alerts/asking.js";
import { require } from "./conditions.js";
import { activate, focusList, rowOf } from "./list.js";
import { readable } from "./model/ansi.js";
import { placesOf } from "./model/pattern.js";
import { sameOf, sameView } from "./same.js";
import { choose } from "./scope.js";
import { source, view } from "./state.js";
import { marked, said } from "./text.js";
import { levelWord, sourceOf } from "./words.js";

/**
 * @import { LogEntryDetails, LogLine } from "../../contract.d.ts"
 * @typedef {"fields"|"text"|"around"} Tab
 */

const AROUND = 20;

const own = slice({
  /** the cursor of the line that was asked for */
  of: "",
  entry: /** @type {LogEntryDetails|null} */ (null),
  error: "",
  tab: /** @type {Tab} */ ("fields"),
  around: /** @type {LogLine[]|null} */ (null),
});

/** @param {string} cursor Shows a line; empty: none. */
export function open(cursor) {
  if (cursor) source.pause();
  else focusList();
  goQuery({ line: cursor });
}

/** The address may have another line. */
export async function followLine() {
  const cursor = view().wanted.line;
  if (cursor === own.get().of) return;
  own.set({ of: cursor, entry: null, around: null, error: "" });
  if (!cursor) return;
  const answer = await invoke("ai/logs/entry", { cursor });
  if (own.get().of !== cursor) return;
  const entry = answer.success ? answer.data : null;
  own.set({ entry, error: answer.success ? "" : answer.message });
  if (!entry) return;
  activate(rowOf(cursor) ? cursor : entry.line.cursor);
  if (own.get().tab === "around") showAround();
  sameOf(entry);
}

async function showAround() {
  const { of: cursor } = own.get();
  const answer = await invoke("ai/logs/around", { cursor, before: AROUND, after: AROUND });
  if (own.get().of !== cursor) return;
  own.set({ around: answer.success ? answer.data.lines : [], error: answer.success ? "" : answer.message });
  // It is in the page after the next frame.
  requestAnimationFrame(() => requestAnimationFrame(() => document.querySelector(".around .sel")?.scrollIntoView({ block: "center" })));
}

export function lineDetails() {
  const { entry, error, tab } = own.get();
  return html`
    <aside class="drawer" aria-label=${t("Details of the line")}>
      <div class="drawer-head">
        ${entry && entry.line.level !== "unknown" ? html`<span class="lv ${entry.line.level}">${levelWord(entry.line.level)}</span>` : nothing}
        <b class="strong cut grow control">${entry ? sourceOf(entry.line) : ""}</b>
        <span class="small faint num">${entry ? clock(entry.line.timestamp) : ""}</span>
        ${button({ text: t("Close"), keys: "Esc", icon: "x", kind: "quiet", size: "small", iconOnly: true, run: () => open("") })}
      </div>
      ${tabRow(entry)}
      <div class="drawer-body" tabindex="0" role="tabpanel" aria-label=${t("Details")}>
        ${error ? html`<p class="drawer-note" role="alert">${error}</p>` : nothing}
        ${entry ? { fields, text, around }[tab](entry) : nothing}
      </div>
    </aside>`;
}

const TABS = { fields: mark("Fields"), text: mark("Text"), around: mark("Around it") };

/** @param {LogEntryDetails|null} entry */
function tabRow(entry) {
  const name = (/** @type {string} */ tab, /** @type {string} */ word) => (tab === "text" && entry && isJson(entry) ? "JSON" : t(word));
  return html`
    <div class="tabs" role="tablist" aria-label=${t("Details of the line")} @keydown=${moveAlong}>
      ${Object.entries(TABS).map(([tab, word]) => html`
        <button type="button" role="tab" aria-selected=${own.get().tab === tab} @click=${() => show(/** @type {Tab} */ (tab))}>${name(tab, word)}</button>`)}
    </div>`;
}

/** @param {Tab} tab */
function show(tab) {
  own.set({ tab });
  if (tab === "around" && !own.get().around) showAround();
}

/** @param {LogEntryDetails} entry */
const isJson = ({ line: { text } }) => /^\s*\{.*\}\s*$/s.test(text);

/** @param {LogEntryDetails} entry */
function fields(entry) {
  const { pattern } = view();
  const all = Object.entries(entry.fields);
  return html`
    ${all.length ? html`
      <dl class="fields">${all.map(([key, value]) => html`
        <dt>${key}</dt><dd class=${typeof value === "number" ? "n" : "s"}><span>${marked(readable(written(value)).text, pattern)}</span>
          ${isPlain(value) ? button({
            text: t("Only lines with {condition}", { condition: `${key}=${value}` }), icon: "list-filter", kind: "quiet", size: "small", iconOnly: true,
            run: () => require(`${key}=${value}`),
          }) : nothing}</dd>`)}</dl>`
      : html`<pre class="whole text">${marked(readable(entry.message).text, pattern)}</pre>`}
    ${sameView(entry)}
    ${actions(entry)}`;
}

/** @param {unknown} value */
const isPlain = (value) => ["string", "number", "boolean"].includes(typeof value) && String(value).length < 200;

/** @param {unknown} value */
const written = (value) => (typeof value === "object" ? JSON.stringify(value) : String(value));

/** @param {LogEntryDetails} entry */
const wholeText = ({ lines }) => lines.map(({ text }) => text).join("\n");

/** @param {LogEntryDetails} entry */
function text(entry) {
  const { pattern } = view();
  const whole = isJson(entry) && entry.lines.length === 1 ? formatted(entry.line.text) : wholeText(entry);
  return html`
    <pre class="whole text">${whole.split("\n").map((one, i) => [i ? "\n" : "", said(readable(one), pattern)])}</pre>
    ${actions(entry)}`;
}

/** @param {string} text */
function formatted(text) {
  try {
    return JSON.stringify(JSON.parse(text), null, 2);
  } catch {
    return text;
  }
}

/** @param {LogEntryDetails} entry */
function around(entry) {
  const { around: lines } = own.get();
  const { pattern } = view();
  return html`
    <ol class="around">${(lines ?? []).map((line) => html`
      <li class="${line.level} ${entry.lines.some(({ cursor }) => cursor === line.cursor) ? "sel" : ""}">
        <time>${exactTime(line.timestamp)}</time><span class="said">${said(readable(line.text), pattern)}</span></li>`)}</ol>
    <div class="buttons drawer-foot">${button({
      text: t("Show it in the list"), icon: "scroll-text", size: "small", run: () => showInList(entry.line),
    })}</div>`;
}

/** @param {LogLine} line With all lines of its service. */
function showInList({ module, service, time, cursor }) {
  const at = { at: String(time), line: cursor };
  location.hash = current().address.page === "logs"
    ? addressTo("logs", [], { of: `${module}/${service}`, ...at })
    : format({ ...current().address, query: { service, ...at } });
}

/** @param {LogEntryDetails} entry */
const actions = (entry) => html`
  <div class="buttons drawer-foot">
    ${button({ text: t("Only this service"), icon: "list-filter", size: "small", run: () => onlyOf(entry.line) })}
    ${button({ text: t("Notify me of this…"), icon: "bell", kind: "quiet", size: "small", run: () => watchFor(entry) })}
    ${button({ text: t("Copy"), icon: "copy", kind: "quiet", size: "small", run: () => copy(wholeText(entry)) })}
    ${isBrowser ? button({ text: t("Copy link"), icon: "link", kind: "quiet", size: "small", run: () => copy(linkTo(entry.line)) }) : nothing}
  </div>`;

/** A rule for what is selected of it, or what is searched. @param {LogEntryDetails} entry */
function watchFor({ line, message }) {
  const text = readable(message).text.split("\n", 1)[0] ?? "";
  const parts = [String(getSelection()).trim(), ...placesOf(text, view().pattern).map(([from, to]) => text.slice(from, to))];
  const part = parts.find((one) => one && text.includes(one));
  askForRule({ line: { ...line, text }, ...(part && { marked: part }) });
}

/** @param {LogLine} line */
function onlyOf({ module, service }) {
  if (current().address.page === "logs") choose([], [`${module}/${service}`]);
  else goQuery({ service });
}

/** @param {LogLine} line @returns {string} the address of this page at the line */
function linkTo({ time, cursor }) {
  const address = here();
  return new URL(`#${format({ ...address, query: { ...address.query, at: String(time), line: cursor } })}`, location.href).href;
}


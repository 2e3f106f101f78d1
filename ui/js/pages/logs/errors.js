// @ts-check
/** Errors that say the same, as one: how often, since when, until when. */
import { html, nothing } from "../../../vendor/lit-html/lit-html.js";
import { goQuery } from "../../base/address.js";
import { invoke } from "../../base/bridge.js";
import { dateTime, labelled, number, timeAndDay } from "../../base/format.js";
import { t } from "../../base/i18n.js";
import { slice } from "../../base/store.js";
import { icon } from "../../components/icon.js";
import { empty, notice } from "../../components/notice.js";
import { hueStyle } from "../../components/tile.js";
import { readable } from "./model/ansi.js";
import { formOf } from "./model/query.js";
import { view } from "./state.js";
import { marked } from "./text.js";
import { moment, sourceOf } from "./words.js";

/** @import { LogErrorGroup } from "../../contract.d.ts" */

const own = slice({
  /** what was asked for */
  of: "",
  groups: /** @type {LogErrorGroup[]} */ ([]),
  isSearching: false,
  error: "",
});

/** What is seen may have other errors. */
export async function followErrors() {
  const { wanted, bounds, range } = view();
  if (!wanted.isOfErrors || !range) {
    if (own.get().of) own.set({ of: "" });
    return;
  }
  const filter = formOf(wanted, bounds, { levels: true });
  const of = JSON.stringify(filter);
  if (of === own.get().of) return;
  own.set({ of, groups: [], isSearching: true, error: "" });
  /** @type {Map<string, LogErrorGroup>} */
  const all = new Map();
  let from = /** @type {string|null} */ (null);
  do {
    const answer = await invoke("ai/logs/errors", { filter, ...(from !== null && { from }) });
    if (own.get().of !== of) return;
    if (!answer.success) {
      own.set({ isSearching: false, error: answer.message });
      return;
    }
    for (const group of answer.data.groups) all.set(group.fingerprint, joined(all.get(group.fingerprint), group));
    from = answer.data.reached;
    own.set({ groups: [...all.values()].sort((one, other) => other.last - one.last), isSearching: from !== null });
  } while (from !== null);
}

/** @param {LogErrorGroup|undefined} known @param {LogErrorGroup} group @returns {LogErrorGroup} */
function joined(known, group) {
  if (!known) return group;
  const newer = known.last >= group.last ? known : group;
  return { ...newer, count: known.count + group.count, first: Math.min(known.first, group.first) };
}

export function errorList() {
  const { groups, isSearching, error } = own.get();
  if (error) return html`<div class="lognotice">${notice({ tone: "bad", title: t("The errors can't be listed"), text: error })}</div>`;
  if (!groups.length) {
    return isSearching ? html`<p class="nolines">${t("Searching…")}</p>`
      : html`<div class="scroll">${empty({ icon: "circle-check", title: t("No errors in this time") })}</div>`;
  }
  return html`
    <div class="scroll errors" tabindex="0" role="region" aria-label=${t("Errors")}>
      <table class="table">
        <thead><tr><th class="num">${t("Count")}</th><th>${t("Error")}</th><th>${t("First time")}</th><th>${t("Last time")}</th></tr></thead>
        <tbody>${groups.map(row)}</tbody>
      </table>
      ${isSearching ? html`<p class="nolines">${t("Searching…")}</p>` : nothing}
    </div>`;
}

/** @param {LogErrorGroup} group */
const row = (group) => html`
  <tr data-row>
    <td class="num strong">${number(group.count)}</td>
    <td class="error-said">
      <span class="svc" .style=${hueStyle(group.module)}>${sourceOf(group)}</span>
      <button type="button" class="said" @click=${() => show(group)}>${marked(readable(group.message).text, view().pattern)}</button>
    </td>
    <td>${time(group.first, t("Show the first one"), () => goQuery({ view: "", at: String(group.first) }))}</td>
    <td>${time(group.last, t("Show the last one"), () => show(group))}</td>
  </tr>`;

/** @param {LogErrorGroup} group */
const show = ({ last, cursor }) => goQuery({ view: "", at: String(last), line: cursor });

/** @param {number} seconds @param {string} name @param {() => void} run */
const time = (seconds, name, run) => html`
  <button type="button" class="linklike num" aria-label=${labelled(name, dateTime(moment(seconds)))}
    title=${labelled(name, dateTime(moment(seconds)))} @click=${run}>${timeAndDay(moment(seconds))}${icon("arrow-right", "s12")}</button>`;

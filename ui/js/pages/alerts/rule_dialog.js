// @ts-check
/** Asks for a new rule, or for other values of one; for lines, with what it would have told in the last 24 hours. */
import { html, nothing } from "../../../vendor/lit-html/lit-html.js";
import { confirm } from "../../base/actions.js";
import { invoke } from "../../base/bridge.js";
import { clock, number } from "../../base/format.js";
import { t, tn } from "../../base/i18n.js";
import { current, slice } from "../../base/store.js";
import { styled } from "../../base/styles.js";
import { icon } from "../../components/icon.js";
import { input, select } from "../../components/field.js";
import { showToast } from "../../components/toast.js";
import { marker } from "../logs/model/pattern.js";
import { marked } from "../logs/text.js";
import { PLACES, alertList, changeRules, moduleTitle, placesOf, shortTime } from "./alerts.js";

/**
 * @import { Channels, Error, LogLine, Parameter, Rule, RuleKind, RulePreview } from "../../contract.d.ts"
 * @import { Question } from "../../types.d.ts"
 */

/** Who types is not asked for with each letter. */
const TYPING_MS = 300;
/** Lines just before the beginning may be counted or not. */
const EDGE_SECONDS = 60;
const MOST_CHARACTERS = 80;

/**
 * @typedef {{kind?: string, module?: string|null, line?: LogLine, marked?: string}} Preset
 *   `line`: one that should be noticed when it comes again; `marked`: the part of it that matters
 */

const own = slice({
  kind: "",
  module: /** @type {string|null} */ (null),
  /** By the name of the parameter, as the form has them. */
  values: /** @type {Record<string, string>} */ ({}),
  line: /** @type {LogLine|null} */ (null),
  /** The one that is changed. */
  rule: /** @type {Rule|null} */ (null),
  preview: /** @type {RulePreview|null} */ (null),
  isCounting: false,
  /** Why it was refused. */
  error: /** @type {Error|null} */ (null),
});

/** @param {Preset} preset */
export async function askForRule({ kind, module = null, line, marked: part }) {
  await styled("alerts");
  const ofLines = addable().find(({ preview }) => preview);
  const first = line ? ofLines : addable().find((one) => one.kind === kind);
  const isKnown = current().snapshot?.modules.some(({ name }) => name === line?.module);
  own.set({
    rule: null, line: line ?? null, module: line && isKnown ? line.module : module, error: null, values: {}, preview: null,
  });
  choose(first ?? addable()[0]);
  if (line) {
    const pattern = escaped(part || telling(line.text));
    change({ values: { ...own.get().values, pattern, level: line.level === "unknown" ? "" : line.level } });
  }
  confirm(question());
}

/** @param {Rule} rule */
export async function askToChange(rule) {
  await styled("alerts");
  const values = parametersOf(rule.kind).map(({ name }) => [name, String(rule[/** @type {keyof Rule} */ (name)] ?? "")]);
  own.set({ rule, line: null, error: null, preview: null });
  change({ kind: rule.kind, module: rule.module, values: Object.fromEntries(values) });
  confirm(question());
}

const addable = () => (alertList()?.kinds ?? []).filter(({ label }) => label !== null);

/** @param {string} name */
const parametersOf = (name) => alertList()?.kinds.find(({ kind }) => kind === name)?.parameters ?? [];

/** @param {RuleKind|undefined} kind */
function choose(kind) {
  const values = (kind?.parameters ?? []).map((one) => [one.name, String(one.suggested ?? one.default ?? "")]);
  change({ kind: kind?.kind ?? "", values: Object.fromEntries(values) });
}

/** @returns {Question} */
function question() {
  const { rule, line } = own.get();
  return {
    title: rule ? t("Change the rule") : line ? t("Tell me when this comes again") : t("New rule"),
    text: rule ? rule.text : "", more: form, action: rule ? t("Apply") : t("Add the rule"), run: save,
  };
}

async function save() {
  const { rule, kind, module } = own.get();
  const why = rule
    ? await changeRules("ai/rules/set", { id: rule.id, ...given() })
    : await changeRules("ai/rules/add", /** @type {Channels["ai/rules/add"]["request"]} */ ({ kind, module, ...given() }));
  own.set({ error: why });
  if (why !== null) confirm(question());
  else if (!rule) showToast({ text: t("The rule watches from now on"), icon: "bell" });
}

/** The values for the owner, who checks them. */
const given = () => Object.fromEntries(parametersOf(own.get().kind).map(({ name, type }) => {
  const value = own.get().values[name] ?? "";
  return [name, type === "number" ? Number(value) : type === "choice" ? value || null : value];
}));

// -- the form -------------------------------------------------------------------------------------

function form() {
  const { kind, module, line, rule, values, error } = own.get();
  const modules = current().snapshot?.modules ?? [];
  const chosen = alertList()?.kinds.find((one) => one.kind === kind);
  return html`
    ${line ? lineShown(line, values["pattern"] ?? "") : nothing}
    <div class="rule-form remedy-field">
      ${rule || line ? nothing : html`<label for="rule-kind">${t("Watch")}</label>
        ${select({
          id: "rule-kind", value: kind, choices: addable().map((one) => ({ value: one.kind, text: one.label ?? "" })),
          change: (name) => choose(addable().find((one) => one.kind === name)),
        })}`}
      ${rule ? nothing : html`<label for="rule-module">${t("Module")}</label>
        ${select({
          id: "rule-module", value: module ?? "", change: (name) => change({ module: name || null }),
          choices: [{ value: "", text: t("All modules") }, ...modules.map(({ name, title }) => ({ value: name, text: title }))],
        })}`}
      ${parametersOf(kind).map((one) => parameterField(one, values[one.name] ?? ""))}
      <span>${t("Tells you")}</span><span class="tells">${places()}</span>
    </div>
    ${error ? html`<p class="msg bad" role="alert" id="rule-${wrongIn(error) ?? "form"}-message">${icon("circle-alert", "s14")}${error.message}</p>` : nothing}
    ${chosen?.preview ? previewView() : nothing}`;
}

function places() {
  const list = alertList();
  return list ? placesOf(list).map((place) => html`<span>${icon(PLACES[place][0])}${t(PLACES[place][1])}</span>`) : nothing;
}

/** @param {LogLine} line @param {string} pattern */
const lineShown = ({ timestamp, module, level, text }, pattern) => html`
  <p class="watched">${clock(timestamp)} <b>${moduleTitle(module)}</b> ${level === "unknown" ? "" : level.toUpperCase()}
    ${marked(text, marker({ text: pattern, isRegex: true, isCaseSensitive: true }))}</p>`;

/** The parameter that is the reason, if that is one. @param {Error|null} error @returns {string|undefined} */
const wrongIn = (error) => {
  const { fields, name } = /** @type {{fields?: string[], name?: string}} */ (error?.data ?? {});
  return fields?.[0] ?? name;
};

/** @param {Parameter} parameter @param {string} value */
function parameterField({ name, label, type, unit, choices, example }, value) {
  const id = `rule-${name}`;
  const set = (/** @type {string} */ now) => change({ values: { ...own.get().values, [name]: now } });
  return html`<label for=${id}>${label}</label>
    ${type === "choice"
      ? select({ id, value, choices: Object.entries(choices).map(([one, text]) => ({ value: one, text: String(text) })), change: set })
      : input({
        id, value, change: set, type: type === "number" ? "number" : "text", invalid: wrongIn(own.get().error) === name, ...(unit && { unit }), ...(example && { placeholder: example }),
      })}`;
}

// -- what it would have told ----------------------------------------------------------------------

/** @type {ReturnType<typeof setTimeout>|undefined} */
let typing;

/** @param {Partial<ReturnType<typeof own.get>>} patch What is asked changes with it. */
function change(patch) {
  const kind = patch.kind ?? own.get().kind;
  const canCount = Boolean(alertList()?.kinds.find((one) => one.kind === kind)?.preview);
  own.set({ ...patch, error: null, isCounting: canCount });
  clearTimeout(typing);
  if (canCount) typing = setTimeout(count, TYPING_MS);
}

async function count() {
  const { kind, module, values } = own.get();
  const asked = /** @type {Channels["ai/rules/preview"]["request"]} */ ({ kind, module, ...given() });
  const answer = await invoke("ai/rules/preview", asked);
  const now = own.get();
  if (now.kind !== kind || now.module !== module || now.values !== values) return;
  own.set({ isCounting: false, preview: answer.success ? answer.data : null, error: answer.success ? null : answer });
}

function previewView() {
  const { preview, isCounting } = own.get();
  if (!preview && !isCounting) return nothing;
  return html`
    <h3 class="preview-title">${t("In the last 24 hours")}</h3>
    <div class="told" aria-busy=${isCounting}>${preview ? counted(preview) : html`<div class="count-bars"></div><p role="status">${t("Counting…")}</p>`}</div>`;
}

/** @param {RulePreview} preview */
function counted({ begin, end, parts, lines, alerts, since, isComplete }) {
  const most = Math.max(1, ...parts);
  const seconds = (end - begin) / parts.length;
  const said = [
    tn("{number} line matches.", "{number} lines match.", lines, { number: number(lines) }),
    alerts ? tn("You would have been notified {count} time.", "You would have been notified {count} times.", alerts) : t("You would not have been notified."),
  ];
  return html`
    <div class="count-bars" aria-hidden="true">${parts.map((part, i) => html`
      <i class=${part ? "hit" : ""} .style=${`height: ${part ? 12 + (part / most) * 88 : 6}%`}
        title=${part ? t("{count} from {time} on", { count: number(part), time: shortTime(begin + i * seconds) }) : nothing}></i>`)}</div>
    <p role="status">${said[0]} <b>${said[1]}</b>
      ${since > begin + EDGE_SECONDS ? t("Counted from {time} on.", { time: shortTime(since) }) : nothing}</p>
    ${isComplete ? nothing : html`<p class="busy">${icon("triangle-alert", "s12")}${t("Not all lines are kept, so there may have been more.")}</p>`}`;
}

// -- the part of a line that matters --------------------------------------------------------------

/** @param {string} text As a pattern that matches just that. */
const escaped = (text) => text.replace(/[\\^$.*+?()[\]{}|]/g, "\\$&");

/** The longest part of a line without what is different each time. @param {string} line */
function telling(line) {
  const parts = line.split(/[\d"'`“”{}[\]<>=]+/).map((part) => part.replace(/^[\s:,;.-]+|[\s:,;.-]+$/g, ""));
  const longest = parts.reduce((one, other) => (other.length > one.length ? other : one), "");
  return longest.slice(0, MOST_CHARACTERS);
}

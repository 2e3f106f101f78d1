// @ts-check
/** The rules as rows: on or off, when one was active last, where it notifies; and modules that are muted. */
import { repeat } from "../../../vendor/lit-html/directives/repeat.js";
import { html, nothing } from "../../../vendor/lit-html/lit-html.js";
import { confirm } from "../../base/actions.js";
import { invoke } from "../../base/bridge.js";
import { labelled } from "../../base/format.js";
import { mark, t } from "../../base/i18n.js";
import { current } from "../../base/store.js";
import { button } from "../../components/button.js";
import { select, toggle } from "../../components/field.js";
import { icon } from "../../components/icon.js";
import { menuButton } from "../../components/menu.js";
import { barePill } from "../../components/state.js";
import { showToast } from "../../components/toast.js";
import { PLACES, activeAlerts, alertList, kindOf, moduleTitle, muteItems, mutedText, placesOf, shortTime, tryRules } from "./alerts.js";
import { askToChange } from "./asking.js";
import { told } from "./webhook.js";

/** @import { Mute, MuteRequest, Rule, RuleList } from "../../contract.d.ts" */

/** @param {RuleList} list */
export const rulesCard = (list) => html`
  <section class="card" aria-labelledby="rules-title">
    <div class="card-head"><h2 id="rules-title">${t("Rules")}</h2><span class="muted num grow">${list.rules.length}</span></div>
    <ul class="rows">${repeat(list.rules, ({ id }) => id, (rule) => row(rule, list))}</ul>
    <div class="card-foot">
      ${list.mutes.filter(({ rule }) => rule === null).map(mutedModule)}
      ${button({ text: t("Mute a module…"), icon: "bell-off", kind: "quiet", size: "small", run: askToMute })}
    </div>
  </section>`;

/** @param {Rule} rule @param {RuleList} list */
function row(rule, list) {
  const isActive = activeAlerts().some((alert) => alert.rule === rule.id);
  return html`
    <li class="arule" data-rule=${rule.id}>
      ${toggle({ id: `rule-${rule.id}`, on: rule.on, label: rule.text, change: (on) => void tryRules("ai/rules/set", { id: rule.id, on }) })}
      <div><h3>${rule.text} ${isActive ? barePill(kindOf(rule)?.failure ? "error" : "degraded", t("Active")) : nothing}</h3>
        <p>${facts(rule, list, isActive).join(" · ")}</p></div>
      ${tells(rule, list)}
      ${menuButton({ text: t("More"), name: labelled(rule.text, t("More")), size: "small", items: () => itemsOf(rule, list) })}
    </li>`;
}

/** What else is to be said of a rule. @param {Rule} rule @param {RuleList} list @param {boolean} isActive */
function facts(rule, { alerts }, isActive) {
  const last = alerts.find((alert) => alert.rule === rule.id);
  return [
    kindOf(rule)?.ofModules ? moduleTitle(rule.module) : "",
    rule.builtIn ? "" : t("yours"),
    rule.state ? t("{value} now", { value: rule.state }) : "",
    !rule.on ? t("off") : isActive ? "" : last ? t("last {time}", { time: shortTime(last.begun) }) : t("never active"),
    rule.muted ? mutedText(rule.muted) : "",
  ].filter(Boolean);
}

/** @param {Rule} rule @param {RuleList} list */
const tells = (rule, list) => html`
  <span class="tells">${placesOf(list).filter((place) => place === "home" || !(rule.muted ?? list.muted)).map((place) => html`
    <span role="img" title=${t(PLACES[place][1])} aria-label=${t(PLACES[place][1])}>${icon(PLACES[place][0])}</span>`)}</span>`;

/** @param {Rule} rule @param {RuleList} list */
const itemsOf = (rule, { webhook }) => [
  { text: t("Change…"), icon: "pencil", run: () => askToChange(rule.id) },
  ...(webhook ? [{ text: t("Send a test"), icon: "send", run: sendTest }] : []),
  ...muteItems({ rule: rule.id }, rule.muted !== null),
  ...(rule.builtIn && rule.changed ? [null, { text: t("Reset to default"), icon: "rotate-ccw", run: () => reset(rule) }] : []),
  ...(rule.builtIn ? [] : [null, { text: t("Delete"), icon: "trash-2", kind: /** @type {const} */ ("danger"), run: () => remove(rule) }]),
];

/** @param {Rule} rule */
async function remove(rule) {
  if (!await tryRules("ai/rules/remove", { id: rule.id })) return;
  showToast({ text: t("Rule deleted"), icon: "trash-2", undo: () => addAgain(rule) });
}

/** It gets another id, and is on and not muted at first. @param {Rule} rule */
async function addAgain(rule) {
  const { kind, module, on, muted } = rule;
  const known = new Set(alertList()?.rules.map(({ id }) => id));
  if (!await tryRules("ai/rules/add", { kind, module, ...valuesOf(rule) })) return;
  const added = alertList()?.rules.find(({ id }) => !known.has(id));
  if (added && !on) await tryRules("ai/rules/set", { id: added.id, on });
  if (added) await muteAgain(added.id, muted);
}

/** @param {Rule} rule */
async function reset(rule) {
  const { id, on, muted } = rule;
  if (!await tryRules("ai/rules/remove", { id })) return;
  showToast({ text: t("Rule reset to default"), icon: "rotate-ccw", undo: async () => {
    await tryRules("ai/rules/set", { id, on, ...valuesOf(rule) });
    await muteAgain(id, muted);
  } });
}

/** @param {string} rule @param {Mute|null} muted as it was */
const muteAgain = (rule, muted) => muted && tryRules("ai/rules/mute", { rule, span: "forever", until: muted.until });

/** What the owner needs to have it as it was. @param {Rule} rule */
const valuesOf = (rule) => Object.fromEntries(rule.parameters.map((name) => [name, rule[/** @type {keyof Rule} */ (name)]]));

async function sendTest() {
  const { ok, text } = told(await invoke("ai/rules/test", {}));
  showToast({ text, icon: ok ? "circle-check" : "circle-alert" });
}

// -- modules that are muted -----------------------------------------------------------------------

/** @param {Mute} mute */
const mutedModule = (mute) => html`
  <span class="chip">${icon("bell-off")}${labelled(moduleTitle(mute.module), mutedText(mute))}
    ${button({
      text: t("Unmute"), name: labelled(t("Unmute"), moduleTitle(mute.module)), icon: "x", kind: "quiet", size: "small", iconOnly: true,
      run: () => void tryRules("ai/rules/mute", { module: mute.module, span: "off" }),
    })}</span>`;

/** @type {Record<Exclude<MuteRequest["span"], "off">, string>} */
const SPANS = { hour: mark("1 hour"), tomorrow: mark("Until tomorrow"), forever: mark("For good") };

function askToMute() {
  const modules = (current().snapshot?.modules ?? []).map(({ name, title }) => ({ value: name, text: title }));
  let module = modules[0]?.value ?? "";
  let span = /** @type {MuteRequest["span"]} */ ("hour");
  confirm({
    title: t("Mute a module"), text: t("Nobody is notified of its alerts. They are still listed."),
    more: html`<div class="rule-form">
      <label for="mute-module">${t("Module")}</label>
      ${select({ id: "mute-module", value: module, choices: modules, change: (name) => { module = name; } })}
      <label for="mute-span">${t("How long")}</label>
      ${select({
        id: "mute-span", value: span, choices: Object.entries(SPANS).map(([value, text]) => ({ value, text: t(text) })),
        change: (chosen) => { span = /** @type {MuteRequest["span"]} */ (chosen); },
      })}</div>`,
    action: t("Mute"), run: () => void tryRules("ai/rules/mute", { module, span }),
  });
}

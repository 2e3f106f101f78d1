// @ts-check
/** Does it really work? A question through the whole chain, and what else answers depend on. */
import { html, nothing } from "../../../vendor/lit-html/lit-html.js";
import { addressTo } from "../../base/address.js";
import { ask } from "../../base/actions.js";
import { ago } from "../../base/format.js";
import { t, tn } from "../../base/i18n.js";
import { button } from "../../components/button.js";
import { select } from "../../components/field.js";
import { icon } from "../../components/icon.js";
import { barePill, dot } from "../../components/state.js";
import { tile } from "../../components/tile.js";
import { checkChain, checked, lookAgain, modelList, usedServers } from "./list.js";

/**
 * @import { ChainResult, Snapshot, State, WorkCheck } from "../../contract.d.ts"
 * @import { PageState } from "../../types.d.ts"
 */

/** The part of the page's address. */
export const CHECK = "check";

/** The links that a question passes before the one that it breaks at. @type {Record<NonNullable<ChainResult["broken"]>, number>} */
const PASSED = { oneapi: 0, key: 0, channel: 1, way: 1, server: 1, model: 2 };

/** @type {Record<WorkCheck["outcome"], {icon: string, word: () => string}>} */
const OUTCOMES = {
  works: { icon: "circle-check", word: () => t("Works") },
  broken: { icon: "circle-x", word: () => t("Broken") },
  untried: { icon: "circle-dashed", word: () => t("Not tried") },
};

/** @param {PageState} page */
export function worksView(page) {
  const found = checked();
  const isAsking = page.asked.has("chain");
  return html`
    <header class="top">
      <a class="button quiet square" href=${`#${addressTo("models")}`} aria-label=${t("Models")} title=${t("Models")}>${icon("arrow-left")}</a>
      <h1>${t("Does it really work?")}</h1><span class="grow"></span>
      <span class="small muted">${found ? t("Checked {time}", { time: ago(found.at) }) : t("Uses about 60 tokens")}</span>
      ${schedule()}
      ${button({
        text: isAsking ? t("Asking…") : t("Check again"), icon: "rotate-cw", kind: "primary",
        enabled: page.connection === "up" && !isAsking && usedServers().length > 0, run: checkChain,
      })}
    </header>
    <div class="scroll"><div class="content models-page works" aria-busy=${isAsking}>${content(page, isAsking)}</div></div>`;
}

const schedule = () => select({
  id: "check-every", label: t("Schedule"), value: modelList()?.every ?? "never",
  choices: [
    { value: "never", text: t("Check by hand") }, { value: "hour", text: t("Check every hour") },
    { value: "day", text: t("Check every day") }, { value: "week", text: t("Check every week") },
  ],
  change: (value) => void change(value),
});

/** @param {string} value */
async function change(value) {
  await ask("check-every", "ai/config/set", { name: "app.check_models", value });
  lookAgain();
}

/** @param {PageState} page @param {boolean} isAsking */
function content({ snapshot }, isAsking) {
  const found = checked();
  if (!modelList() || !snapshot || (!found && isAsking)) return html`<div class="skeleton for-cards"></div>`;
  if (!usedServers().length) {
    return html`<p class="muted">${t("The stack uses no model server yet.")} <a class="link" href="#models">${t("Show models")}</a></p>`;
  }
  if (!found) return html`<p class="muted">${t("Not asked yet. The question is small, and goes the way of all others: through OneAPI.")}</p>`;
  return html`${found.results.map((result) => chain(result, snapshot))}${rest(found.rest)}`;
}

/** @param {ChainResult} result @param {Snapshot} snapshot */
function chain(result, snapshot) {
  const { broken, problem, seconds, answer, title } = result;
  const works = broken === null;
  const id = `chain-${result.server}`;
  return html`
    <section class="card" aria-labelledby=${id} data-chain=${result.server}>
      <div class="card-head"><h2 class="grow" id=${id}>${t("A question through the whole chain")}</h2>${
        works ? barePill("running", t("Works, {seconds} s", { seconds: (seconds ?? 0).toFixed(1) })) : barePill("error", t("1 link is broken"))}</div>
      <ol class="chain">${nodes(result, snapshot)}</ol>
      ${works ? html`<div class="card-foot">${icon("message-square", "s14")}<span class="grow">“What is 2 + 2? Answer with one number.”</span><b>${answer}</b></div>`
        : html`<div class="chain-why" role="alert">${icon("triangle-alert")}<div><h3>${headline(result, title)}</h3><p>${problem}</p></div></div>`}
    </section>`;
}

/** @param {ChainResult} result @param {string} title */
function headline({ broken, model }, title) {
  if (broken === "oneapi") return t("OneAPI can't be asked");
  if (broken === "key") return t("OneAPI refuses an access token");
  if (broken === "channel") return t("OneAPI has no way to {name}", { name: title });
  if (broken === "way") return t("OneAPI can't reach {name}", { name: title });
  return broken === "model" ? t("{name} gives no answer", { name: model ?? title }) : t("{name} does not answer", { name: title });
}

/** @param {ChainResult} result @param {Snapshot} snapshot */
function nodes({ server: name, title, model, broken, seconds }, snapshot) {
  const find = (/** @type {string} */ wanted) => snapshot.modules.find((module) => module.name === wanted);
  const user = find(modelList()?.waiting[0] ?? "");
  const gate = find("oneapi");
  const server = usedServers().find((one) => one.name === name);
  const passed = broken ? PASSED[broken] : 3;
  const word = (/** @type {number} */ i) => (passed > i ? (i === 2 && seconds ? t("{seconds} s", { seconds: seconds.toFixed(1) }) : t("works"))
    : passed === i ? t("no answer") : t("not reached"));
  return [
    node({ name: user?.name ?? "aiserver", icon: user?.icon }, user?.title ?? t("This program"), t("its access token"), user?.state ?? "running"),
    edge(passed, 0, word(0)), node({ name: "oneapi", icon: gate?.icon }, gate?.title ?? "OneAPI", t("one for all"), gate?.state ?? "stopped"),
    edge(passed, 1, word(1)), node({ name, icon: "cpu" }, title, server?.address.replace(/^https?:\/\/|\/.*$/g, "") ?? "", broken === "server" ? "stopped" : "running"),
    edge(passed, 2, word(2)), node({ name, icon: "brain" }, model ?? server?.models[0]?.name ?? t("Model"), t("the model"), passed > 2 ? "running" : "stopped"),
  ];
}

/** @param {{name: string, icon?: string}} drawing @param {string} title @param {string} text @param {State} state */
const node = (drawing, title, text, state) => html`
  <li class="cnode"><span class="ctile">${tile(drawing, "tiny")}${dot(state, "beside")}</span><b>${title}</b><span>${text}</span></li>`;

/** @param {number} passed @param {number} i @param {string} word */
function edge(passed, i, word) {
  const kind = passed > i ? "ok" : passed === i ? "bad" : "none";
  return html`<li class="cedge" data-link=${kind}>${icon(kind === "ok" ? "circle-check" : kind === "bad" ? "circle-x" : "circle-dashed")}<span>${word}</span></li>`;
}

/** @param {WorkCheck[]} checks */
function rest(checks) {
  if (!checks.length) return nothing;
  const count = (/** @type {string} */ outcome) => checks.filter((one) => one.outcome === outcome).length;
  const untried = count("untried");
  return html`
    <section aria-labelledby="rest-title">
      <div class="section-head"><h2 id="rest-title">${t("The rest")}</h2><span class="muted">${[
        t("{works} of {all} work", { works: count("works"), all: checks.length }), untried ? tn("{count} not tried", "{count} not tried", untried) : "",
      ].filter(Boolean).join(" · ")}</span></div>
      <ul class="checks">${checks.map(({ name, title, outcome, text }) => html`
        <li class="card work-check" data-outcome=${outcome} data-check=${name}>${icon(OUTCOMES[outcome].icon)}
          <div><h3>${title}<span class="unseen"> ${OUTCOMES[outcome].word()}</span></h3><p>${text}</p></div></li>`)}</ul>
    </section>`;
}

// @ts-check
/** The next steps that problems offer: where each leads, or what it does. */
import { html, nothing } from "../../vendor/lit-html/lit-html.js";
import { ask, confirm, dismiss, operate, startEngine } from "../base/actions.js";
import { format } from "../base/address.js";
import { invoke } from "../base/bridge.js";
import { labelled } from "../base/format.js";
import { t } from "../base/i18n.js";
import { needed } from "../base/later.js";
import { current, slice } from "../base/store.js";
import { button } from "../components/button.js";
import { advice, consentView, yes } from "../components/consent.js";
import { showToast } from "../components/toast.js";

/**
 * @import { Module, Remedy, Setting } from "../contract.d.ts"
 * @import { Options } from "../components/button.js"
 * @import { PageState } from "../types.d.ts"
 * @import { Problem } from "./problems.js"
 */

/**
 * The address of what a remedy only shows; empty for one that does something.
 * @param {Remedy} remedy @param {string|null} [since] when it happened: logs are shown there
 */
export function addressOf({ kind, module = "", service = "", page = "" }, since) {
  if (kind === "logs") return `#${format({ page: "logs", rest: [module], query: { service, at: since ?? "" } })}`;
  return kind === "open" ? `#${page}` : "";
}

/** @param {Module} module Whether it ran and went down: what starts it is called a restart, as on the card of its problem. */
export const isDown = ({ trouble }) => trouble?.remedies.some(({ kind }) => kind === "restart") ?? false;

/** @typedef {Pick<Problem, "id"|"again"|"dismissible">} Solvable what a step is for */

/** @type {Record<string, (problem: Solvable, remedy: Remedy) => unknown>} */
const STEPS = {
  set: (problem, remedy) => remedy.question
    ? confirm({ title: t("Allow this change?"), text: remedy.question, action: remedy.text, run: () => set(problem, remedy) })
    : set(problem, remedy),
  enter: async (problem, remedy) =>
    (await needed(() => import("./enter_value.js")))?.enter(problem.id, remedy, () => tryAgain(problem)),
  trust: (problem, remedy) => remedy.consent && confirm({
    title: t("Allow {name}?", { name: remedy.consent.title }), text: "", more: consentView(remedy.consent),
    note: advice([remedy.consent]), action: yes([remedy.consent]),
    run: () => trust(problem, remedy),
  }),
  retry: (problem) => tryAgain(problem),
  start: (problem, { module = "" }) => operateOn(problem, "up", module),
  restart: (problem, { module = "" }) => operateOn(problem, "restart", module),
  start_engine: () => startEngine(),
};

/** @param {Solvable} problem @param {Remedy} remedy */
export const apply = (problem, remedy) => STEPS[remedy.kind]?.(problem, remedy);

/**
 * The button of the best next step of a module, if it has one.
 * @param {Module} module @param {PageState} page @param {Pick<Options, "kind"|"size">} look
 */
export function remedyButton({ name, title, remedy }, { connection, asked }, look) {
  if (!remedy) return nothing;
  if (addressOf(remedy)) {
    return html`<a class="button ${look.kind} ${look.size ?? ""}" href=${addressOf(remedy)}
      aria-label=${labelled(remedy.text, title)}><span>${remedy.text}</span></a>`;
  }
  return button({
    ...look, text: remedy.text, name: labelled(remedy.text, title), icon: remedy.kind === "restart" ? "rotate-cw" : "",
    enabled: connection === "up" && !asked.has(name),
    run: () => apply({ id: name, again: { kind: "up", modules: [name], services: [] }, dismissible: [] }, remedy),
  });
}

/** @param {Solvable} problem */
export async function tryAgain({ id, again, dismissible }) {
  if (!again) return;
  const answer = await operate(id, again);
  if (answer.success) dismissible.forEach(dismiss);
}

/** @param {Solvable} problem @param {Remedy} remedy */
async function set(problem, { setting = "", value = "" }) {
  const known = await invoke("ai/config/get", { name: setting });
  const answer = await ask(problem.id, "ai/config/set", { name: setting, value });
  if (!answer.success) return;
  const before = known.success ? known.data.entries[0] : undefined;
  if (before) sayChanged(before, answer.data.entries[0]?.value ?? value);
  await tryAgain(problem);
}

/** Which module's. @param {string} address @param {string} title */
function placed(address, title) {
  const module = current().snapshot?.modules.find(({ name }) => address.startsWith(`${name}.`));
  return module ? labelled(module.title, title) : title;
}

/** @param {Setting} before @param {string} value */
function sayChanged({ address, title, origin, value: old }, value) {
  showToast({
    text: t("{name} {before} → {after}", { name: placed(address, title), before: old || "–", after: value }),
    undo: () => ask(`set ${address}`, "ai/config/set", { name: address, value: origin === "set" ? old : null }),
  });
}

/** @param {Solvable} problem @param {Remedy} remedy */
async function trust(problem, { module = "", hash }) {
  const answer = await ask(problem.id, "ai/module/trust", { name: module, hash });
  if (answer.success) await tryAgain(problem);
}

/** @param {Solvable} problem @param {"up"|"restart"} kind A restart also starts what is down. @param {string} name */
const operateOn = (problem, kind, name) => tryAgain({ ...problem, again: { kind, modules: [name], services: [] } });

// -- the settings that a module had before its trouble --------------------------------------------

/** By module: since when it is in trouble, and whether it has earlier settings. */
const own = slice({ known: /** @type {Record<string, {since: string, has: boolean}>} */ ({}) });

/** @param {string} name @param {string} since @param {boolean} has */
const note = (name, since, has) => own.set({ known: { ...own.get().known, [name]: { since, has } } });

/** @type {Record<string, string>} What was asked last of each module. */
const asked = {};

/** @param {Module} module in trouble. The owner is asked once each time; the page is drawn again then. */
export function hasPrevious({ name, trouble }) {
  const since = String(trouble?.since);
  if (asked[name] !== since) {
    asked[name] = since;
    invoke("ai/config/form", { module: name }).then((answer) =>
      note(name, since, answer.success && Boolean(answer.data.previous)));
  }
  const known = own.get().known[name];
  return known?.since === since && known.has;
}

/** @param {string} key of the request @param {Module} module */
export async function restorePrevious(key, { name, trouble }) {
  const answer = await ask(key, "ai/config/restore", { module: name, when: "now" });
  if (!answer.success) return;
  note(name, String(trouble?.since), false);
  showToast({ text: t("The previous settings are back"), about: `settings of ${name}` });
}

// @ts-check
/** Does the next steps that problems offer. */
import { ask, confirm, dismiss, operate, startEngine } from "../base/actions.js";
import { format } from "../base/address.js";
import { invoke } from "../base/bridge.js";
import { labelled } from "../base/format.js";
import { t } from "../base/i18n.js";
import { needed } from "../base/later.js";
import { current } from "../base/store.js";
import { showToast } from "../components/toast.js";

/**
 * @import { Remedy, Setting } from "../contract.d.ts"
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

const enterValue = () => needed(() => import("../enter_value.js"));

/** @type {Record<string, (problem: Problem, remedy: Remedy) => unknown>} */
const STEPS = {
  set: (problem, remedy) => remedy.question
    ? confirm({ title: t("Allow this change?"), text: remedy.question, action: remedy.text, run: () => set(problem, remedy) })
    : set(problem, remedy),
  enter: async (problem, remedy) => (await enterValue())?.enter(problem, remedy),
  trust: (problem, remedy) => confirm({
    title: t("Trust this module?"),
    text: [t("{module} may then:", { module: remedy.module }), ...(remedy.permissions ?? []).map(({ text }) => `– ${text}`)].join("\n"),
    action: remedy.text,
    run: () => trust(problem, remedy),
  }),
  retry: (problem) => tryAgain(problem),
  restart: (problem, { module = "" }) => restart(problem, module),
  start_engine: () => startEngine(),
};

/** @param {Problem} problem @param {Remedy} remedy */
export const apply = (problem, remedy) => STEPS[remedy.kind]?.(problem, remedy);

/** @param {Problem} problem */
export async function tryAgain({ id, again, dismissible }) {
  if (!again) return;
  const answer = await operate(id, again);
  if (answer.success) dismissible.forEach(dismiss);
}

/** @param {Problem} problem @param {Remedy} remedy */
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

/** @param {Problem} problem @param {Remedy} remedy */
async function trust(problem, { module = "", hash }) {
  const answer = await ask(problem.id, "ai/module/trust", { name: module, hash });
  if (answer.success) await tryAgain(problem);
}

/** @param {Problem} problem @param {string} name */
function restart(problem, name) {
  const module = current().snapshot?.modules.find((one) => one.name === name);
  const kind = module?.abilities.restart === null ? "restart" : "up";
  return tryAgain({ ...problem, again: { kind, modules: [name], services: [] } });
}

// @ts-check
/** Actions of modules, which their files declare: what there is, and the dialog in which one runs. */
import { html, nothing, render } from "../../../vendor/lit-html/lit-html.js";
import { addressTo, go } from "../../base/address.js";
import { inOrder, invoke, on } from "../../base/bridge.js";
import { t } from "../../base/i18n.js";
import { current, observe, slice } from "../../base/store.js";
import { button } from "../../components/button.js";
import { field, input } from "../../components/field.js";
import { notice } from "../../components/notice.js";
import { showSecret } from "../../components/secret.js";
import { showToast } from "../../components/toast.js";

/**
 * @import { Action, ActionInput } from "../../contract.d.ts"
 * @typedef {{action: Action, status: "asked"|"running"|"elsewhere"|"done"|"failed", values: Record<string, string>,
 *   output: string, error: string}} Run
 *   `elsewhere`: it runs, but this page has not begun it and gets no output
 */

const own = slice({ actions: /** @type {Action[]} */ ([]), passwords: /** @type {Record<string, string>} */ ({}) });

const load = inOrder("ai/action/list", (answer) => answer.success && own.set(answer.data));

/** Asks for all actions, and whether they can be run now. */
export const loadActions = () => load({});

/** What a module's file lets a person do, with the reason where that is not possible now. @param {string} name */
export function offered(name) {
  const { actions, passwords } = own.get();
  const password = passwords[name];
  return [
    ...actions.filter(({ module }) => module === name).map((one) => ({
      text: `${one.title}…`, icon: "wrench", why: one.why, enabled: one.why === null, run: () => showAction(one),
    })),
    ...(password ? [{
      text: t("Show the first password"), icon: "key-round", why: null, enabled: true, run: () => {
        go(addressTo("modules", [name]));
        showSecret(password);
      },
    }] : []),
  ];
}

/** Between two looks at what runs elsewhere. */
const LOOK_MS = 1000;

/** @param {Pick<Action, "module"|"name">} action */
const keyOf = ({ module, name }) => `${module} ${name}`;

/** @type {Map<string, Run>} The one that is shown, and those that go on behind the page. */
const runs = new Map();
/** The key of the one that is shown, or was last. */
let shown = "";
/** @type {ReturnType<typeof setTimeout>|undefined} */
let looking;
const dialog = document.createElement("dialog");
dialog.className = "dialog action";
dialog.setAttribute("aria-labelledby", "action-title");
document.body.append(dialog);
dialog.addEventListener("close", () => {
  if (dialog.open) return;
  render(nothing, dialog);
  if (runs.get(shown)?.status !== "running") runs.delete(shown); // and what was typed
});
dialog.addEventListener("keydown", (event) => {
  const isOfField = event.target instanceof Element && event.target.matches("input");
  if (event.key !== "Enter" || event.isComposing || !(event.ctrlKey || event.metaKey || isOfField)) return;
  event.preventDefault();
  const run = runs.get(shown);
  if (run && canBegin(run)) begin(run);
});
observe(() => dialog.open && draw());
on("ai/action/output", ({ module, action: name, text }) => {
  const key = keyOf({ module, name });
  set(key, { output: (runs.get(key)?.output ?? "") + text });
});

function draw() {
  const run = runs.get(shown);
  if (run) render(content(run), dialog);
}

/** @param {string} key @param {Partial<Run>} patch */
function set(key, patch) {
  const run = runs.get(key);
  if (run) runs.set(key, { ...run, ...patch });
  if (dialog.open) draw();
}

/** Shows the action before it runs; one that runs, as it is by now. @param {Action} action */
function showAction(action) {
  const key = keyOf(action);
  if (runs.get(key)?.status !== "running") {
    runs.set(key, { action, status: action.running ? "elsewhere" : "asked", values: {}, output: "", error: "" });
  }
  show(key);
  look(key);
}

/** @param {string} key */
function show(key) {
  shown = key;
  draw();
  if (!dialog.open) dialog.showModal();
  focusFirst();
}

/** Asks whether it runs elsewhere, and again until it does not, as long as it is shown. @param {string} key */
async function look(key) {
  clearTimeout(looking);
  await loadActions();
  const now = own.get().actions.find((one) => keyOf(one) === key);
  const before = runs.get(key)?.status;
  if (!dialog.open || shown !== key || !now || !(before === "asked" || before === "elsewhere")) return;
  const status = now.running ? "elsewhere" : "asked";
  if (status !== before) {
    set(key, { status });
    focusFirst();
  }
  if (now.running) looking = setTimeout(look, LOOK_MS, key);
}

/** By a slip of Enter, nothing happens. */
function focusFirst() {
  const first = dialog.querySelector("input") ?? dialog.querySelector(".dialog-foot button");
  if (first instanceof HTMLElement) first.focus();
}

/** @param {Run} run */
const canBegin = ({ status }) => ["asked", "failed"].includes(status) && current().connection === "up";

/** @param {Run} run */
async function begin({ action, values }) {
  const { module, name, title } = action;
  const key = keyOf(action);
  set(key, { status: "running", output: "", error: "" });
  focusFirst();
  const answer = await invoke("ai/action/run", { module, action: name, inputs: values });
  set(key, answer.success ? { status: "done", output: answer.data.output, values: {} } : { status: "failed", error: answer.message });
  if (dialog.open && shown === key) focusFirst();
  else showToast({
    text: answer.success ? t("{title}: done", { title }) : t("{title}: failed", { title }),
    icon: answer.success ? "circle-check" : "triangle-alert", show: () => show(key),
  });
}

/** @param {Run} run */
function content(run) {
  const { action, status, values, output, error } = run;
  const { confirm, inputs } = action;
  const isAsked = status === "asked";
  const isRunning = status === "running" || status === "elsewhere";
  const module = current().snapshot?.modules.find(({ name }) => name === action.module)?.title ?? action.module;
  return html`
    <header class="dialog-head"><div><h2 id="action-title">${action.title}</h2>
      <p class="control muted">${module} · ${action.service}</p></div></header>
    <div class="dialog-body" aria-busy=${isRunning}>
      ${status === "failed" ? notice({ tone: "bad", title: t("It didn't succeed"), text: html`<span class="said">${error}</span>` }) : nothing}
      ${status === "done" ? notice({ tone: "ok", title: t("Done") }) : nothing}
      ${isAsked && confirm ? html`<p>${confirm}</p>` : nothing}
      ${inputs.length && (isAsked || status === "failed")
        ? html`<form>${inputs.map((one) => inputField(one, values))}</form>` : nothing}
      ${isAsked && action.output ? html`<p class="small muted">${t("Output: {text}", { text: action.output })}</p>` : nothing}
      ${isRunning ? html`<p role="status" class="muted">${t("Running…")}</p>` : nothing}
      ${output ? html`<pre class="console" tabindex="0" role="log" aria-label=${t("Output")}>${output}</pre>` : nothing}
    </div>
    <footer class="dialog-foot">
      ${button({ text: isAsked ? t("Cancel") : t("Close"), run: () => dialog.close() })}
      ${isRunning ? button({
        text: t("Cancel"), icon: "square", run: () => invoke("ai/action/cancel", { module: action.module, action: action.name }),
      }) : nothing}
      ${isAsked || status === "failed" ? button({
        text: isAsked ? t("Run") : t("Run again"), icon: "play", enabled: canBegin(run),
        kind: confirm ? "danger" : "primary", run: () => begin(run),
      }) : nothing}
    </footer>`;
}

/** @param {ActionInput} asked @param {Record<string, string>} values */
function inputField({ name, title, help, secret }, values) {
  const id = `action-${name}`;
  const change = (/** @type {string} */ value) => set(shown, { values: { ...runs.get(shown)?.values, [name]: value } });
  const control = input({ id, value: values[name] ?? "", type: secret ? "password" : "text", change });
  return field({ id, label: title, help, control });
}

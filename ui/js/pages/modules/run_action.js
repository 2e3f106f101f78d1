// @ts-check
/** Actions of modules, which their files declare: what there is, and the dialog in which one runs. */
import { html, nothing, render } from "../../../vendor/lit-html/lit-html.js";
import { addressTo, go } from "../../base/address.js";
import { invoke, on } from "../../base/bridge.js";
import { t } from "../../base/i18n.js";
import { current, observe, slice } from "../../base/store.js";
import { button } from "../../components/button.js";
import { field, input } from "../../components/field.js";
import { notice } from "../../components/notice.js";
import { showSecret } from "../../components/secret.js";
import { showToast } from "../../components/toast.js";

/**
 * @import { Action, ActionInput } from "../../contract.d.ts"
 * @typedef {{action: Action, status: "asked"|"running"|"done"|"failed", values: Record<string, string>, output: string,
 *   error: string}} Run
 */

const own = slice({ actions: /** @type {Action[]} */ ([]), passwords: /** @type {Record<string, string>} */ ({}) });

/** Asks for all actions, and whether they can be run now. */
export async function loadActions() {
  const answer = await invoke("ai/action/list", {});
  if (answer.success) own.set(answer.data);
}

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

/** @type {Run|null} The one that is shown, or goes on behind the page. */
let run = null;
const dialog = document.createElement("dialog");
dialog.className = "dialog action";
dialog.setAttribute("aria-labelledby", "action-title");
document.body.append(dialog);
dialog.addEventListener("close", () => dialog.open || render(nothing, dialog));
dialog.addEventListener("keydown", (event) => {
  const isOfField = event.target instanceof Element && event.target.matches("input");
  if (event.key !== "Enter" || event.isComposing || !(event.ctrlKey || event.metaKey || isOfField)) return;
  event.preventDefault();
  if (run && canBegin(run)) begin(run);
});
observe(() => dialog.open && draw());
on("ai/action/output", ({ module, action: name, text }) => {
  if (run?.action.module === module && run.action.name === name) set({ output: run.output + text });
});

const draw = () => run && render(content(run), dialog);

/** @param {Partial<Run>} patch */
function set(patch) {
  run = run && { ...run, ...patch };
  if (dialog.open) draw();
}

/** Shows the action before it runs. One that runs is shown instead, as it is by now. @param {Action} action */
function showAction(action) {
  if (run?.status !== "running") run = { action, status: action.running ? "running" : "asked", values: {}, output: "", error: "" };
  draw();
  if (!dialog.open) dialog.showModal();
  focusFirst();
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
  set({ status: "running", output: "", error: "" });
  focusFirst();
  const answer = await invoke("ai/action/run", { module, action: name, inputs: values });
  set(answer.success ? { status: "done", output: answer.data.output, values: {} } : { status: "failed", error: answer.message });
  if (dialog.open) focusFirst();
  else showToast({
    text: answer.success ? t("{title}: done", { title }) : t("{title}: failed", { title }),
    icon: answer.success ? "circle-check" : "triangle-alert", show: () => {
      draw();
      dialog.showModal();
    },
  });
}

/** @param {Run} run */
function content({ action, status, values, output, error }) {
  const { confirm, inputs } = action;
  const isAsked = status === "asked";
  const module = current().snapshot?.modules.find(({ name }) => name === action.module)?.title ?? action.module;
  return html`
    <header class="dialog-head"><div><h2 id="action-title">${action.title}</h2>
      <p class="control muted">${module} · ${action.service}</p></div></header>
    <div class="dialog-body" aria-busy=${status === "running"}>
      ${status === "failed" ? notice({ tone: "bad", title: t("It didn't succeed"), text: html`<span class="said">${error}</span>` }) : nothing}
      ${status === "done" ? notice({ tone: "ok", title: t("Done") }) : nothing}
      ${isAsked && confirm ? html`<p>${confirm}</p>` : nothing}
      ${inputs.length && (isAsked || status === "failed")
        ? html`<form>${inputs.map((one) => inputField(one, values))}</form>` : nothing}
      ${isAsked && action.output ? html`<p class="small muted">${t("Output: {text}", { text: action.output })}</p>` : nothing}
      ${status === "running" ? html`<p role="status" class="muted">${t("Running…")}</p>` : nothing}
      ${output ? html`<pre class="console" tabindex="0" role="log" aria-label=${t("Output")}>${output}</pre>` : nothing}
    </div>
    <footer class="dialog-foot">
      ${button({ text: isAsked ? t("Cancel") : t("Close"), run: () => dialog.close() })}
      ${status === "running" ? button({
        text: t("Cancel"), icon: "square", run: () => invoke("ai/action/cancel", { module: action.module, action: action.name }),
      }) : nothing}
      ${isAsked || status === "failed" ? button({
        text: isAsked ? t("Run") : t("Run again"), icon: "play", enabled: run !== null && canBegin(run),
        kind: confirm ? "danger" : "primary", run: () => run && begin(run),
      }) : nothing}
    </footer>`;
}

/** @param {ActionInput} asked @param {Record<string, string>} values */
function inputField({ name, title, help, secret }, values) {
  const id = `action-${name}`;
  const change = (/** @type {string} */ value) => set({ values: { ...run?.values, [name]: value } });
  const control = input({ id, value: values[name] ?? "", type: secret ? "password" : "text", change });
  return field({ id, label: title, help, control });
}

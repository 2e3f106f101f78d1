// @ts-check
/** Adds a folder with modules, and starts them: checks it first, and shows what is wrong, or what they do. One yes allows and starts them. */
import { html, nothing, render } from "../../vendor/lit-html/lit-html.js";
import { ask, operate } from "../base/actions.js";
import { setQuery } from "../base/address.js";
import { invoke } from "../base/bridge.js";
import { list } from "../base/format.js";
import { t, tn } from "../base/i18n.js";
import { current, observe } from "../base/store.js";
import { button } from "./button.js";
import { advice, consentIn, consentView, yes } from "./consent.js";
import { closeFolders, folderError, folderPicker } from "./folder_picker.js";
import { icon } from "./icon.js";
import { showToast } from "./toast.js";

/** @import { CatalogProblem, CatalogReport, Consent, Error as Failure } from "../contract.d.ts" */

const dialog = document.createElement("dialog");
dialog.className = "dialog add-module";
dialog.setAttribute("aria-labelledby", "add-module-title");
document.body.append(dialog);

const FIELD = "add-folder";

const blank = {
  folder: "", report: /** @type {CatalogReport|null} */ (null), error: "", isBusy: false,
};
let own = blank;
/** Changes when the dialog opens or closes: an answer to an earlier question is none any more. */
let visit = 0;

/** @param {Partial<typeof own>} patch */
function set(patch) {
  own = { ...own, ...patch };
  draw();
}

/** Shows the dialog, until another address is shown. It is part of the address `home?add`. */
export function showAddModule() {
  visit += 1;
  own = blank;
  draw();
  if (dialog.open) return;
  dialog.showModal();
  dialog.querySelector("input")?.focus();
}

// It comes late: the dialog may be open again.
dialog.addEventListener("close", () => {
  if (dialog.open) return;
  visit += 1;
  render(nothing, dialog);
  if ("add" in current().address.query) setQuery({ add: "" });
});
observe(({ address }, before) => {
  if (!dialog.open) return;
  const isLeft = address !== before.address && !(address.page === "home" && "add" in address.query);
  if (isLeft) dialog.close();
  else draw();
});

const draw = () => render(content(), dialog);

async function check() {
  const asked = visit;
  closeFolders();
  set({ isBusy: true, report: null, error: "" });
  const answer = await invoke("ai/catalog/check", { folder: own.folder.trim() });
  if (visit !== asked) return;
  set({ isBusy: false, report: answer.success ? answer.data : null, error: answer.success ? "" : answer.message });
}

/** @param {CatalogReport} report what is agreed to */
async function add(report) {
  const asked = visit;
  set({ isBusy: true, error: "" });
  const answer = await invoke("ai/catalog/add", { folder: own.folder.trim() });
  const refusal = answer.success ? await firstRefusal(Object.values(report.consents)) : answer;
  if (!answer.success || refusal) {
    if (visit === asked && refusal) set({ isBusy: false, ...instead(report, refusal) });
    return;
  }
  const { folder, modules } = answer.data;
  if (visit === asked) dialog.close();
  showToast({
    text: t("Added {names}", { names: list(modules) }), icon: "package",
    undo: () => ask("catalog", "ai/catalog/remove", { folder }),
  });
  operate("all", { kind: "up", modules });
}

/** Allows them. The first answer that says no, if one does. @param {Consent[]} consents */
async function firstRefusal(consents) {
  for (const { module, hash } of consents) {
    const answer = await invoke("ai/module/trust", { name: module, hash });
    if (!answer.success) return answer;
  }
  return null;
}

/** The question as it is now, if a module asks for something else by now. @param {CatalogReport} report @param {Failure} refusal */
function instead(report, refusal) {
  const consent = consentIn(refusal);
  if (!consent) return { report: null, error: refusal.message };
  return {
    report: { ...report, consents: { ...report.consents, [consent.module]: consent } },
    error: t("{name} asks for something else by now. Look again.", { name: consent.title }),
  };
}

function content() {
  const { folder, report, isBusy } = own;
  const error = own.error || folderError(FIELD);
  const isGood = report !== null && report.modules.length > 0 && !report.problems.length;
  const consents = isGood ? Object.values(report.consents) : [];
  const run = isGood ? () => add(report) : check;
  return html`
    <header class="dialog-head"><h2 id="add-module-title">${t("Add a module")}</h2></header>
    <form class="dialog-body" @submit=${(/** @type {Event} */ event) => {
      event.preventDefault();
      if (folder.trim() && !isBusy) run();
    }}>
      ${isGood ? nothing : html`<p>${t("A module is a folder with a Compose file. A folder with several of them works too. The folder stays where it is.")}</p>
        <p class="small own"><a class="link" href="#adopt" @click=${() => dialog.close()}>${t("Do you have an n8n, Dify or PostgreSQL that runs already? Bring your own")}</a></p>`}
      ${folderPicker({
        id: FIELD, label: t("Folder"), value: folder, invalid: Boolean(error), placeholder: "/home/me/my-module", enabled: !isBusy,
        change: (text) => set({ folder: text, report: null, error: "" }), picked: check,
        next: () => dialog.querySelector(".dialog-foot .primary"),
      })}
      ${error ? html`<p class="msg bad" id="${FIELD}-message" role="alert">${icon("circle-alert", "s14")}${error}</p>` : nothing}
      ${report ? findings(report) : nothing}
      <button class="unseen" tabindex="-1" aria-hidden="true"></button>
    </form>
    <footer class="dialog-foot">
      ${isGood ? html`<p class="small muted grow">${advice(consents)}</p>` : nothing}
      ${button({ text: t("Cancel"), run: () => dialog.close() })}
      ${button({
        text: !isGood ? t("Check") : consents.some(({ permissions }) => permissions.length) ? yes(consents) : t("Add and start"), kind: "primary", enabled: Boolean(folder.trim()) && !isBusy, run,
      })}
    </footer>`;
}

/** @param {CatalogReport} report */
function findings({ modules, problems, notes, consents }) {
  return html`
    <div class="findings" role="status">
      ${problems.length || !modules.length
        ? html`<p class="bad strong">${modules.length || problems.length
          ? tn("{count} problem to fix first", "{count} problems to fix first", problems.length) : t("There is no Compose file in this folder")}</p>`
        : Object.values(consents).map(found)}
      <ul>${problems.map(row("bad", "circle-x"))}</ul>
      ${notes.length ? html`<details open=${problems.length > 0 || nothing}>
        <summary class="muted small">${tn("{count} note on the file", "{count} notes on the files", notes.length)}</summary>
        <ul>${notes.map(row("muted", "info"))}</ul></details>` : nothing}
    </div>`;
}

/** @param {Consent} consent */
const found = (consent) => html`
  <div class="found-module">
    ${icon("package", "s20")}
    <div class="grow"><h3>${consent.title}</h3><p class="small muted">${t("{name} · from the file {file}", { name: consent.module, file: consent.file })}</p></div>
    <span class="tag">${icon("circle-user", "s14")}${t("Not from us")}</span>
  </div>
  ${consentView(consent)}`;

/** @param {string} tone @param {string} drawing @returns {(problem: CatalogProblem) => unknown} */
const row = (tone, drawing) => ({ file, line, key, message }) => html`
  <li>${icon(drawing, `${tone} s14`)}<span><code>${file}${line ? `:${line}` : ""}${key ? ` ${key}` : ""}</code><br>${message}</span></li>`;

// @ts-check
/** Saves the recovery key: asks for a passphrase twice, and for the place of the file. */
import { html, nothing, render } from "../../../vendor/lit-html/lit-html.js";
import { ask } from "../../base/actions.js";
import { setQuery } from "../../base/address.js";
import { invoke, isBrowser } from "../../base/bridge.js";
import { t, tn } from "../../base/i18n.js";
import { current, observe } from "../../base/store.js";
import { styled } from "../../base/styles.js";
import { button } from "../../components/button.js";
import { input } from "../../components/field.js";
import { icon } from "../../components/icon.js";
import { showToast } from "../../components/toast.js";
import { backupList, loadBackups } from "./list.js";

const FILE = "aiserver-recovery-key.txt";
const LEAST_CHARACTERS = 10;
const STRONG_CHARACTERS = 20;
const STRONG_WORDS = 5;

const dialog = document.createElement("dialog");
dialog.className = "dialog backup-dialog";
dialog.setAttribute("aria-labelledby", "key-title");
document.body.append(dialog);

const blank = { passphrase: "", again: "", isShown: false, isBusy: false, error: "" };
let own = blank;

/** @param {Partial<typeof own>} patch */
function set(patch) {
  own = { ...own, ...patch };
  draw();
}

const draw = () => render(content(), dialog);

export async function askForKey() {
  await styled("backups");
  own = blank;
  draw();
  if (!dialog.open) dialog.showModal();
  dialog.querySelector("input")?.focus();
}

export async function putOffKey() {
  dialog.close();
  await ask("key later", "ai/backup/key/later", {});
  await loadBackups();
}

dialog.addEventListener("close", () => {
  own = blank; // the passphrase stays nowhere
  render(nothing, dialog);
  if ("key" in current().address.query) setQuery({ key: "" });
});
dialog.addEventListener("keydown", (event) => {
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey) && isReady()) save();
});
observe(({ address }, before) => {
  if (dialog.open && address.page !== before.address.page) dialog.close();
});

const isReady = () => own.passphrase.length >= LEAST_CHARACTERS && own.passphrase === own.again && !own.isBusy;

async function save() {
  const { passphrase } = own;
  set({ error: "" });
  const file = isBrowser ? null : await picked();
  if (file === "") return;
  set({ isBusy: true });
  const answer = await invoke("ai/backup/key/save", { passphrase, file });
  if (!answer.success) {
    if (dialog.open) set({ isBusy: false, error: answer.message });
    else showToast({ text: answer.message, icon: "triangle-alert" });
    return;
  }
  if (file === null) download(answer.data.text);
  dialog.close();
  showToast({ text: file ? t("Recovery key saved to {file}", { file }) : t("Recovery key saved"), icon: "key-round" });
  await loadBackups();
}

/** The file that the user chose in the desktop's dialog; empty: none. */
async function picked() {
  const answer = await invoke("ai/ui/pickFile", { name: FILE });
  if (!answer.success) set({ error: answer.message });
  return answer.success ? answer.data.file ?? "" : "";
}

/** @param {string} text */
function download(text) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([text], { type: "text/plain" }));
  link.download = FILE;
  link.click();
  URL.revokeObjectURL(link.href);
}

/** How hard a passphrase is to guess, in words. @param {string} passphrase */
function strength(passphrase) {
  const words = passphrase.split(/[\s\-_.]+/).filter((word) => word.length > 2).length;
  const missing = LEAST_CHARACTERS - passphrase.length;
  if (missing > 0) return { tone: "muted", text: tn("{count} more character", "{count} more characters", missing) };
  if (words >= STRONG_WORDS) return { tone: "ok", text: t("Strong: {count} words", { count: words }) };
  if (passphrase.length >= STRONG_CHARACTERS) return { tone: "ok", text: t("Strong: {count} characters", { count: passphrase.length }) };
  return { tone: "busy", text: t("Weak: five words that don't belong together are better") };
}

/** @param {"passphrase"|"again"} name @param {boolean} isWrong */
const field = (name, isWrong) => input({
  id: `key-${name}`, type: own.isShown ? "text" : "password", value: own[name], invalid: isWrong, enabled: !own.isBusy,
  change: (text) => set({ [name]: text, error: "" }),
  ...(name === "passphrase" && { after: button({
    text: own.isShown ? t("Hide") : t("Show"), name: own.isShown ? t("Hide the passphrase") : t("Show the passphrase"),
    icon: own.isShown ? "eye-off" : "eye", kind: "quiet", size: "small", iconOnly: true, run: () => set({ isShown: !own.isShown }),
  }) }),
});

function content() {
  const { passphrase, again, isBusy, error } = own;
  const { tone, text } = strength(passphrase);
  const differs = Boolean(again) && !passphrase.startsWith(again);
  return html`
    <header class="dialog-head"><div><h2 id="key-title">${t("Save your recovery key")}</h2>
      <p class="control muted">${t("One small text file, protected by a passphrase of yours. It opens every backup of this installation.")}</p></div></header>
    <form class="dialog-body" @submit=${(/** @type {SubmitEvent} */ event) => {
      event.preventDefault();
      if (isReady()) save();
    }}>
      <div class="key-form">
        <label for="key-passphrase">${t("Passphrase")}</label>${field("passphrase", false)}
        <p class="small row-flex ${tone}" id="key-passphrase-message" role="status">${tone === "ok" ? icon("check", "s14") : nothing}${passphrase ? text : t("Five words that don't belong together are strong")}</p>
        <label for="key-again">${t("Once more")}</label>${field("again", differs)}
        <p class="small row-flex bad" id="key-again-message" role="status">${differs ? t("The two differ") : nothing}</p>
      </div>
      <div class="rows framed"><div class="item">${icon("file-text", "muted")}<div class="grow"><h3>${t("Keep the file somewhere else")}</h3>
        <p>${t("Best on a stick or in a password manager, not on this computer")}</p></div></div></div>
      ${error ? html`<p class="msg bad" role="alert">${icon("circle-alert", "s14")}${error}</p>` : nothing}
      <button class="unseen" tabindex="-1" aria-hidden="true"></button>
    </form>
    <footer class="dialog-foot">
      <p class="small muted grow">${t("We can't restore a lost key. Nobody else has it.")}</p>
      ${backupList()?.key.remind ? button({ text: t("Later"), run: putOffKey }) : button({ text: t("Cancel"), run: () => dialog.close() })}
      ${button({
        text: isBrowser ? t("Download") : t("Save as…"), icon: isBrowser ? "download" : "save", kind: "primary", enabled: isReady(),
        why: isReady() || isBusy ? null : t("Type the passphrase twice first"), run: save,
      })}
    </footer>`;
}

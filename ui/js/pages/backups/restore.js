// @ts-check
/** Restores modules from a backup: which ones, what has to be decided, and what happens. */
import { html, nothing, render } from "../../../vendor/lit-html/lit-html.js";
import { setQuery } from "../../base/address.js";
import { invoke, isBrowser } from "../../base/bridge.js";
import { about, bytes, capitalised, list } from "../../base/format.js";
import { t, tn } from "../../base/i18n.js";
import { current, observe } from "../../base/store.js";
import { styled } from "../../base/styles.js";
import { button } from "../../components/button.js";
import { advice, consentIn, consentView, yes } from "../../components/consent.js";
import { input, toggle } from "../../components/field.js";
import { folderPicker } from "../../components/folder_picker.js";
import { icon } from "../../components/icon.js";
import { notice } from "../../components/notice.js";
import { tile } from "../../components/tile.js";
import { showToast } from "../../components/toast.js";
import { CHECKS, backupsOf, runningBackup, verifiedAt, within } from "./list.js";

/** @import { Backup, Consent, Decision, RestorableModule, RestoreOffer } from "../../contract.d.ts" */

/** So many modules are listed at first. */
const FEW = 3;

const dialog = document.createElement("dialog");
dialog.className = "dialog backup-dialog";
dialog.setAttribute("aria-labelledby", "restore-title");
document.body.append(dialog);

const blank = {
  /** Of the list; empty: a file. */
  id: "",
  file: "", passphrase: "",
  /** The recovery file, if it is needed. */
  recovery: /** @type {{name: string, text: string}|null} */ (null),
  needsKey: false,
  offer: /** @type {RestoreOffer|null} */ (null),
  /** @type {ReadonlySet<string>} The names of the chosen modules. */
  chosen: new Set(),
  /** @type {Record<string, string>} The answers that differ from the suggestions, by the decision's ID. */
  answers: {},
  /** What a module that the backup brings asks for. */
  consent: /** @type {Consent|null} */ (null),
  isAll: false, isBusy: false, error: "",
  begun: () => {},
};
let own = blank;
/** Changes with each question: an answer to an earlier one is none any more. */
let visit = 0;

/** @param {Partial<typeof own>} patch */
function set(patch) {
  own = { ...own, ...patch };
  draw();
}

const draw = () => render(content(), dialog);

/** @param {Pick<Backup, "id">} backup @param {string} [module] the one that is chosen at first */
export async function askToRestore({ id }, module) {
  await open({ id });
  await inspect(module ? [module] : null);
}

export const askForFile = () => open({});

/** @param {() => void} begun called once the restore has begun */
export const restoreFromFile = (begun) => open({ begun });

/** @param {Partial<typeof own>} source */
async function open(source) {
  await styled("backups");
  visit += 1;
  own = { ...blank, ...source };
  draw();
  if (!dialog.open) dialog.showModal();
  focus(own.id ? ".dialog-foot button" : "input");
}

/** By a slip of Enter, nothing happens. @param {string} selector */
function focus(selector) {
  const first = dialog.querySelector(selector);
  if (first instanceof HTMLElement) first.focus();
}

dialog.addEventListener("close", () => {
  visit += 1;
  own = blank; // the passphrase stays nowhere
  render(nothing, dialog);
  const { query } = current().address;
  if ("restore" in query || "file" in query) setQuery({ restore: "", file: "" });
});
dialog.addEventListener("keydown", (event) => {
  if (event.key !== "Enter" || !(event.ctrlKey || event.metaKey)) return;
  event.preventDefault(); // the focus may be on another button
  if (own.offer ? canRestore() : isComplete()) (own.offer ? restore : lookInside)();
});
observe(({ address }, before) => {
  if (!dialog.open) return;
  if (address.page !== before.address.page || address.rest.join() !== before.address.rest.join()) dialog.close();
  else draw();
});

const source = () => {
  const { id, file, recovery, passphrase } = own;
  return { ...(id ? { id } : { file: file.trim() }), ...(recovery && { recovery: recovery.text, passphrase }) };
};

/** Asks what can be restored, and what has to be decided for the chosen modules. @param {string[]|null} modules */
async function inspect(modules) {
  visit += 1;
  const mine = visit;
  set({ isBusy: true, error: "", ...(modules && { chosen: new Set(modules) }) });
  const answer = await invoke("ai/backup/inspect", { ...source(), ...(modules && { modules }) });
  if (visit !== mine) return;
  if (!answer.success) {
    if (answer.code === "E_BACKUP_KEY" && !own.needsKey) askForRecovery(answer.message);
    else set({ isBusy: false, error: answer.message });
    return;
  }
  const isFirst = own.offer === null;
  set({ isBusy: false, offer: answer.data });
  if (!isFirst) return;
  focus(".dialog-foot button");
  const only = answer.data.modules.filter(isPossible).map(({ name }) => name);
  const all = withPartners(own.chosen.size || (only.length > 1 && !answer.data.move) ? [...own.chosen] : only);
  if (all.length > own.chosen.size) await inspect(all);
}

/** The backup is of other keys. One of the list is then a file, too. @param {string} error */
function askForRecovery(error) {
  const file = backupsOf().find(({ id }) => id === own.id)?.file ?? own.file;
  set({ isBusy: false, error, needsKey: true, id: "", file });
  focus("#restore-recovery");
}

const isComplete = () => Boolean(own.file.trim()) && !own.isBusy && (!own.needsKey || Boolean(own.recovery && own.passphrase));

/** Of a file, or of what was chosen before the keys were asked for. */
const lookInside = () => inspect(own.chosen.size ? [...own.chosen] : null);

/** @param {RestorableModule} module */
const isPossible = ({ problem }) => problem === null;

/** The modules with those that can be restored only together with them. @param {string[]} names */
const withPartners = (names) => [...new Set(names.flatMap((name) =>
  [name, ...(own.offer?.modules.find((module) => module.name === name)?.together ?? [])]))];

/** @param {RestorableModule} module */
function toggleModule({ name, together }) {
  const { chosen } = own;
  const others = [name, ...together];
  inspect(chosen.has(name) ? [...chosen].filter((one) => !others.includes(one)) : withPartners([...chosen, name]));
}

const chosenModules = () => (own.offer?.modules ?? []).filter(({ name }) => own.chosen.has(name));

/** @param {Decision} decision */
const answerTo = ({ id, value }) => own.answers[id] ?? value;

const canRestore = () => own.offer !== null && own.chosen.size > 0 && chosenModules().every(isPossible) && !own.offer.blockers.length && !own.isBusy
  && current().connection === "up" && !runningBackup(current().snapshot)
  && own.offer.decisions.every((one) => one.kind !== "consent" || answerTo(one) === SWITCHED.consent.on);

async function restore() {
  set({ isBusy: true, error: "", consent: null });
  const decisions = Object.fromEntries((own.offer?.decisions ?? []).map((one) => [one.id, answerTo(one)]));
  const answer = await invoke("ai/backup/restore", { ...source(), modules: [...own.chosen], decisions });
  const consent = consentIn(answer);
  if (answer.success) {
    const { begun } = own;
    dialog.close();
    begun();
  }
  else if (dialog.open) set({ isBusy: false, ...(consent ? { consent } : { error: answer.message }) });
  else showToast({ text: answer.message, icon: "triangle-alert" });
}

/** @param {Consent} consent */
async function allow({ module, hash }) {
  set({ isBusy: true });
  const answer = await invoke("ai/module/trust", { name: module, hash });
  if (answer.success) await restore();
  else set({ isBusy: false, consent: consentIn(answer), error: answer.message });
}

// -- what is shown --------------------------------------------------------------------------------

const content = () => (own.consent ? allowView(own.consent) : own.id || own.offer ? offerView() : fileView());

/** @param {Consent} consent */
const allowView = (consent) => html`
  <header class="dialog-head"><h2 id="restore-title">${t("Allow {name}?", { name: consent.title })}</h2></header>
  <div class="dialog-body" aria-busy=${own.isBusy}>${consentView(consent)}</div>
  <footer class="dialog-foot">
    <p class="small muted grow">${advice([consent])}</p>
    ${button({ text: t("Back"), run: () => set({ consent: null }) })}
    ${button({ text: yes([consent]), kind: "primary", enabled: !own.isBusy, run: () => allow(consent) })}
  </footer>`;

function offerView() {
  const { offer, error, isBusy } = own;
  const names = list(chosenModules().map(({ title }) => title));
  const action = own.chosen.size > 1 ? tn("Restore {count} module", "Restore {count} modules", own.chosen.size)
    : names ? t("Restore {names}", { names }) : t("Restore");
  return html`
    <header class="dialog-head"><div>
      <h2 id="restore-title">${offer ? t("Restore from {when}", { when: within(offer.madeAt) }) : t("Restore")}</h2>
      ${offer ? html`<p class="control muted">${told(offer)}</p>` : nothing}</div></header>
    <div class="dialog-body" aria-busy=${isBusy}>
      ${error ? notice({ tone: "bad", title: t("The backup can't be restored"), text: error }) : nothing}
      ${offer ? html`${moduleRows(offer)}${decisionRows(offer)}${blockerList(offer)}${steps()}`
        : error ? nothing : html`<div class="skeleton for-hero" role="status" aria-label=${t("Reading the backup")}></div>`}
    </div>
    <footer class="dialog-foot">
      <p class="small muted grow">${offer && own.chosen.size ? lost(offer, names) : nothing}</p>
      ${button({ text: t("Cancel"), run: () => dialog.close() })}
      ${button({ text: action, kind: "primary", enabled: canRestore(), why: own.chosen.size ? null : t("Choose a module first"), run: restore })}
    </footer>`;
}

/** @param {RestoreOffer} offer */
const told = ({ check, checkedAt, madeAt, modules, fromHere, computer, version }) => [
  check === "verified" && checkedAt ? capitalised(verifiedAt(checkedAt, madeAt)) : t(CHECKS[check].word),
  bytes(modules.reduce((sum, module) => sum + module.bytes, 0)),
  fromHere ? t("made on this computer by version {version}", { version }) : t("made on {computer} by version {version}", { computer, version }),
].join(" · ");

/** @param {RestoreOffer} offer Those that are chosen come first, as long as not all are shown. */
function moduleRows({ modules }) {
  const { isAll, chosen } = own;
  const shown = isAll || modules.length <= FEW + 1 ? modules
    : modules.filter((module, index) => index < FEW || chosen.has(module.name));
  const more = modules.length - shown.length;
  return html`<div class="rows framed">
    ${shown.map(moduleRow)}
    ${more ? html`<div class="item"><span class="grow small muted">${tn("{count} more module", "{count} more modules", more)}</span>
      ${button({ text: t("Show all"), icon: "chevron-down", kind: "quiet", size: "small", run: () => set({ isAll: true }) })}</div>` : nothing}
  </div>`;
}

/** @param {RestorableModule} module */
function moduleRow(module) {
  const { name, title, bytes: size, parts, problem, uninstalled } = module;
  const others = own.offer?.modules.filter((one) => module.together.includes(one.name) && one !== module).map((one) => one.title) ?? [];
  return html`
    <div class="item">
      <input type="checkbox" class="check" id="restore-${name}" .checked=${own.chosen.has(name)} ?disabled=${problem !== null}
        @change=${() => toggleModule(module)}>
      ${tile(current().snapshot?.modules.find((one) => one.name === name) ?? { name }, "tiny")}
      <label class="grow" for="restore-${name}"><b>${title}</b>${uninstalled ? html` <span class="tag busy">${t("Not from us")}</span>` : nothing}
        <span class=${problem ? "bad" : ""}>${problem ?? parts}</span>
        ${others.length ? html`<span>${t("Only together with {names}", { names: list(others) })}</span>` : nothing}</label>
      <span class="num small muted amount">${bytes(size)}</span>
    </div>`;
}

/** @type {Record<Decision["kind"], string>} */
const ICONS = { images: "package", port: "triangle-alert", folder: "folder-open", triggers: "calendar-clock", setting: "sliders-horizontal", consent: "shield-alert", certificate: "badge-check" };

/** What is answered with a switch: its two answers. */
const SWITCHED = { images: { on: "load", off: "pull" }, triggers: { on: "on", off: "off" }, certificate: { on: "take", off: "keep" }, consent: { on: "true", off: "" } };

/** @param {Decision} decision */
const isCalm = ({ kind }) => kind === "triggers" || kind === "images" || kind === "certificate";

/** @param {RestoreOffer} offer */
const decisionRows = ({ decisions }) => (decisions.length ? html`
  <h3 class="label">${t("To decide")}</h3>
  <div class="rows framed">${decisions.map((decision) => html`
    <div class="item ${isCalm(decision) ? "" : "amber"}" data-decision=${decision.id}>
      ${icon(ICONS[decision.kind], isCalm(decision) ? "muted" : "busy")}
      <div class="grow"><h3>${decision.title}</h3><p>${decision.why}</p></div>
      ${decisionControl(decision)}
    </div>`)}</div>` : nothing);

/** @param {Decision} decision */
function decisionControl(decision) {
  const { id, kind, title } = decision;
  const value = answerTo(decision);
  const change = (/** @type {string} */ text) => set({ answers: { ...own.answers, [id]: text }, error: "" });
  const field = { id: `decision-${id}`, value, label: title, change };
  if (kind === "consent" || kind === "images" || kind === "triggers" || kind === "certificate") {
    return toggle({ ...field, on: value === SWITCHED[kind].on, change: (on) => change(SWITCHED[kind][on ? "on" : "off"]) });
  }
  return html`<div class="answer ${kind}">${kind === "folder" ? folderPicker({ ...field, placeholder: t("None"), invalid: false }) : input(field)}</div>`;
}

/** @param {RestoreOffer} offer */
const blockerList = ({ blockers }) => (blockers.length ? notice({
  tone: "bad", title: t("It can't be restored now"), text: blockers.map((line) => html`<span class="note-line">${line}</span>`),
}) : nothing);

function steps() {
  const modules = chosenModules();
  if (!modules.length) return nothing;
  const [names, count] = [list(modules.map(({ title }) => title)), modules.length];
  const said = [
    tn("The backup is unpacked and checked. {names} keeps running.", "The backup is unpacked and checked. {names} keep running.", count, { names }),
    tn(
      "{names} stops. What it has at that moment is copied, it changes over, and starts again.",
      "{names} stop. What they have at that moment is copied, they change over, and start again.", count, { names },
    ),
    t("The copy is written to a backup of its own. If any step fails, everything is as it was."),
  ];
  return html`<h3 class="label">${t("What happens")}</h3>
    <ol class="plain-steps">${said.map((text, index) => html`<li><b aria-hidden="true">${index + 1}</b><span>${text}</span></li>`)}</ol>`;
}

/** @param {RestoreOffer} offer @param {string} names How long it stands still, what is no longer there, and what space it needs. */
function lost({ madeAt, engineBytes }, names) {
  const seconds = chosenModules().reduce((sum, module) => sum + (module.seconds ?? 0), 0);
  const stop = seconds ? tn("{names} stands still for {time}.", "{names} stand still for {time}.", own.chosen.size, { names, time: about(seconds) }) : "";
  const room = engineBytes ? t("This needs {size} in Docker for a while.", { size: bytes(engineBytes) }) : "";
  return [stop, t("What was done since {when} is then only in the backup of step 3.", { when: within(madeAt) }), room].filter(Boolean)
    .join(document.documentElement.lang === "zh" ? "" : " ");
}

// -- a file ---------------------------------------------------------------------------------------

async function pickFile() {
  const answer = await invoke("ai/ui/pickFile", {});
  if (answer.success && answer.data.file) set({ file: answer.data.file, error: "", needsKey: false });
  else if (!answer.success) set({ error: answer.message });
}

/** @param {Event} event */
async function readRecovery({ currentTarget }) {
  const [file] = /** @type {HTMLInputElement} */ (currentTarget).files ?? [];
  set({ recovery: file ? { name: file.name, text: await file.text() } : null, error: "" });
}

function fileView() {
  const { file, needsKey, passphrase, error, isBusy } = own;
  return html`
    <header class="dialog-head"><div><h2 id="restore-title">${t("Restore from a file")}</h2>
      <p class="control muted">${t("A backup of this installation, or of another one with its recovery file. First you see what is in it.")}</p></div></header>
    <form class="dialog-body" aria-busy=${isBusy} @submit=${(/** @type {SubmitEvent} */ event) => {
      event.preventDefault();
      if (isComplete()) lookInside();
    }}>
      <div class="key-form">
        <label for="restore-file">${t("Backup")}</label>
        <div class="pick-folder">${input({
          id: "restore-file", value: file, placeholder: "/mnt/backups/aiserver-2026-11-29-0300-schedule.zip", invalid: Boolean(error) && !needsKey,
          change: (text) => set({ file: text, error: "", needsKey: false }),
        })}${isBrowser ? nothing : button({ text: t("Choose…"), icon: "folder-open", run: pickFile })}</div>
        ${isBrowser ? html`<p class="small muted">${t("The path of the file on the computer of AI-Server Tray")}</p>` : nothing}
        ${needsKey ? html`
          <label for="restore-recovery">${t("Recovery file")}</label>
          <input type="file" id="restore-recovery" accept=".txt,text/plain" @change=${readRecovery}>
          <label for="restore-passphrase">${t("Passphrase")}</label>
          ${input({ id: "restore-passphrase", type: "password", value: passphrase, change: (text) => set({ passphrase: text, error: "" }) })}` : nothing}
      </div>
      ${error ? html`<p class="msg bad" id="restore-file-message" role="alert">${icon("circle-alert", "s14")}${error}</p>` : nothing}
      <button class="unseen" tabindex="-1" aria-hidden="true"></button>
    </form>
    <footer class="dialog-foot">
      ${button({ text: t("Cancel"), run: () => dialog.close() })}
      ${button({ text: t("Look inside"), kind: "primary", enabled: isComplete(), run: lookInside })}
    </footer>`;
}

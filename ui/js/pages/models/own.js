// @ts-check
/** Our own models: what is here, loaded or asleep, what could be, and the downloads. */
import { html, nothing } from "../../../vendor/lit-html/lit-html.js";
import { confirm } from "../../base/actions.js";
import { addressTo } from "../../base/address.js";
import { aboutLeft, bytes, gigabytes, labelled, rate } from "../../base/format.js";
import { t } from "../../base/i18n.js";
import { current, slice } from "../../base/store.js";
import { button } from "../../components/button.js";
import { input } from "../../components/field.js";
import { progress } from "../../components/meter.js";
import { notice } from "../../components/notice.js";
import { barePill } from "../../components/state.js";
import { canChange } from "./list.js";
import { installed, loadOwn, MODULE, ownError, ownList, ownModels, pullModel, pullOf, pulls, removeModel, stopPull } from "./own_list.js";
import { choose } from "./talk.js";

/** @import { OwnModel, Pull } from "../../contract.d.ts" */

const KINDS = { chat: () => t("Chat"), embedding: () => t("Embedding"), rerank: () => t("Rerank") };

const typed = slice({ file: "" });

export function ownCard() {
  const list = ownList();
  if (!list && ownError()) {
    return notice({
      tone: "bad", title: t("Our own models can't be read"), text: ownError(), actions: button({ text: t("Try again"), run: () => void loadOwn({}) }),
    });
  }
  if (!list) return html`<div class="skeleton for-cards"></div>`;
  const isHere = installed().length > 0;
  const other = pulls().filter(({ model }) => !list.models.some(({ name }) => name === model));
  return html`
    <section class="card own-models" aria-labelledby="own-title">
      <div class="card-head"><h2 id="own-title">${isHere ? t("Our own models") : t("Models for this computer")}</h2>
        <span class="grow small muted num">${subtitle()}</span>
        ${button({ text: t("From a file…"), icon: "file", kind: "quiet", size: "small", enabled: canChange(), run: askForFile })}</div>
      <ul class="rows">${list.models.map(row)}${other.map((pull) => html`<li class="item"><div class="grow"><h3>${pull.model}</h3></div>${pulling(pull)}</li>`)}</ul>
      <div class="card-foot"><span class="grow">${t("From {hub}. Size and SHA-256 are compared with what it says.", { hub: list.hub })}</span>
        <a class="button quiet small" href="#${addressTo("modules", [MODULE, "settings"])}">${t("Settings")}</a></div>
    </section>`;
}

function subtitle() {
  const { running, onCard, freeMemory } = ownList() ?? { running: false, onCard: false, freeMemory: null };
  const where = onCard ? t("llama.cpp on the graphics card") : t("llama.cpp on the processor");
  const free = freeMemory === null ? t("free memory unknown") : t("{size} GB memory free", { size: gigabytes(freeMemory) });
  return [running ? where : t("not started"), free].join(" · ");
}

/** @param {OwnModel} model */
function row(model) {
  const { name, title } = model;
  const pull = pullOf(name);
  return html`
    <li class="item own-model" data-model=${name}>
      <div class="grow"><h3>${title} ${pull || model.sha256 ? nothing : fits(model)}</h3><p class="num">${facts(model)}</p></div>
      ${pull ? pulling(pull) : html`${state(model)}<span class="buttons">${buttons(model)}</span>`}
    </li>`;
}

/** @param {OwnModel} model Whether the disk has room for it. */
const hasRoom = ({ size, begun }) => size - begun <= (ownList()?.freeDisk ?? Infinity);

/** @param {OwnModel} model */
function fits(model) {
  if (!hasRoom(model)) return html`<span class="tag busy">${t("Not enough disk")}</span>`;
  return model.fits === null ? nothing : html`<span class="tag ${model.fits ? "ok" : "busy"}">${model.fits ? t("Fits") : t("Doesn't fit")}</span>`;
}

/** @param {OwnModel} model */
function facts({ purpose, kind, size, memory, fits: is, licence, languages, rate: speed, sha256, origin, begun, state: now, source }) {
  return [
    purpose || KINDS[kind](), size ? bytes(size) : "",
    is === false && !sha256 ? t("needs {size} GB memory", { size: gigabytes(memory) }) : "",
    languages > 1 ? t("{count} languages", { count: languages }) : "",
    speed ? t("{rate} tokens/s here", { rate: Math.round(speed) }) : "",
    now === "partial" ? t("{size} are here already", { size: bytes(begun) }) : "",
    now === "lost" && !source ? t("It came from a file: copy it again") : "",
    licence || origin,
  ].filter(Boolean).join(" · ");
}

/** @param {OwnModel} model */
function state({ state: now, usedMemory }) {
  if (now === "loaded") return barePill("running", usedMemory ? t("Loaded, {size}", { size: bytes(usedMemory) }) : t("Loaded"));
  if (now === "loading") return barePill("starting", t("Loading"));
  if (now === "asleep") return barePill("stopped", t("Asleep"));
  if (now === "silent") return barePill("degraded", t("Server gives no answer"));
  if (now === "left") return barePill("degraded", t("Left over"));
  if (now === "stopped") return barePill("stopped", t("Module is stopped"));
  if (now === "failed") return barePill("error", t("Can't be loaded"));
  if (now === "lost") return barePill("degraded", t("File is missing"));
  return now === "partial" ? barePill("degraded", t("Paused")) : nothing;
}

/** @param {OwnModel} model */
function buttons(model) {
  const { name, title, kind, sha256, state: now, begun, source } = model;
  const isHere = sha256 && now !== "lost";
  const isBusy = current().asked.has(`pull ${source}`);
  return html`
    ${isHere && kind === "chat" && now !== "stopped" ? button({ text: t("Try"), name: labelled(t("Try"), title), kind: "tonal", size: "small", run: () => choose(MODULE, name) }) : nothing}
    ${isHere || !source ? nothing : button({
      text: isBusy ? t("Starting…") : now === "partial" ? t("Continue") : t("Download"), name: labelled(now === "partial" ? t("Continue") : t("Download"), title), icon: "download",
      size: "small", enabled: canChange() && !isBusy, run: () => void pullModel(source),
    })}
    ${sha256 || begun ? button({ text: t("Delete…"), name: labelled(t("Delete…"), title), icon: "trash-2", iconOnly: true, kind: "quiet", size: "small",
      enabled: canChange() && now !== "stopped", why: now === "stopped" ? t("Start the module first") : null, run: () => askToDelete(model) }) : nothing}`;
}

/** @param {Pull} pull */
function pulling({ model, phase, done, total, rate: speed, secondsLeft, resumed }) {
  const words = phase === "downloading" ? t("Downloading") : phase === "copying" ? t("Copying") : phase === "checking" ? t("Comparing the hash") : phase === "loading" ? t("Telling the server") : t("Asking the hub");
  return html`${barePill("starting", words)}
    <span class="buttons">${button({ text: t("Cancel"), name: labelled(t("Cancel"), model), kind: "quiet", size: "small", run: () => stopPull(model) })}</span>
    ${total ? html`<div class="pull">${progress(labelled(words, model), done / total)}
      <p class="small muted num row-flex"><span class="grow">${t("{done} of {total}", { done: bytes(done, total), total: bytes(total) })}
        ${phase === "copying" ? nothing : html`· ${resumed ? t("goes on where it stopped") : t("continues after a break")}`}</span>
        <span>${[speed ? rate(speed) : "", secondsLeft === null ? "" : aboutLeft(secondsLeft)].filter(Boolean).join(" · ")}</span></p></div>` : nothing}`;
}

/** @param {OwnModel} model */
function askToDelete({ name, title, size, begun, sha256, state: now, source }) {
  const free = { size: bytes(sha256 && now !== "lost" ? size : begun) };
  confirm({
    title: t("Delete {name}?", { name: title }),
    text: source ? t("{size} become free. Modules that ask for it get no answers then. You can download it again.", free)
      : t("{size} become free. Modules that ask for it get no answers then. To have it again, copy its file or enter its repository again.", free),
    action: t("Delete"), run: () => void removeModel(name, title),
  });
}

function askForFile() {
  typed.set({ file: "" });
  confirm({
    title: t("A model from a file"), action: t("Copy it"),
    text: t("A file in the format GGUF on this computer, or OWNER/REPOSITORY/FILE.gguf of the hub. The file itself stays as it is."),
    ready: () => typed.get().file.trim().toLowerCase().endsWith(".gguf") || typed.get().file.includes(".gguf@"),
    more: () => html`<div class="model-form"><label for="model-file">${t("File")}</label>
      ${input({ id: "model-file", value: typed.get().file, placeholder: "/home/me/model.gguf", change: (file) => typed.set({ file }) })}</div>`,
    run: () => void pullModel(typed.get().file.trim()),
  });
}

/** The chat model to begin with: the best that fits. Those for one task only, such as code, are none. */
export function firstChoice() {
  const chats = ownModels().filter(({ general, sha256, memory }) => general && !sha256 && memory).sort((one, two) => two.memory - one.memory);
  return chats.find((model) => model.fits && hasRoom(model)) ?? chats.at(-1);
}

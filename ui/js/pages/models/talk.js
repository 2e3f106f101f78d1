// @ts-check
/** Try it: a question to a model, whose answer is shown while it comes. Nothing of it is kept. */
import { html, nothing } from "../../../vendor/lit-html/lit-html.js";
import { invoke, on } from "../../base/bridge.js";
import { t } from "../../base/i18n.js";
import { slice } from "../../base/store.js";
import { button } from "../../components/button.js";
import { select } from "../../components/field.js";
import { icon } from "../../components/icon.js";
import { modelList } from "./list.js";
import { loadOwn } from "./own_list.js";

const own = slice({ model: "", question: "", answer: "", note: "", id: "" });

on("ai/models/answer", ({ id, text }) => {
  if (id === own.get().id) own.set({ answer: own.get().answer + text });
});

/** The models that can be asked, each as `server model`. */
const choices = () => (modelList()?.servers ?? []).flatMap(({ name, title, state, models }) => (state === "on"
  ? models.filter(({ kind }) => kind === "chat").map((model) => ({ value: `${name} ${model.name}`, text: `${model.name} (${title})` })) : []));

/** Chooses the model that is asked next. @param {string} server @param {string} model */
export function choose(server, model) {
  own.set({ model: `${server} ${model}` });
  /** @type {HTMLElement|null} */ (document.querySelector(".try textarea"))?.focus();
}

export function talkCard() {
  const models = choices();
  if (!models.length) return nothing;
  const { question, answer, note, id } = own.get();
  const chosen = models.find(({ value }) => value === own.get().model)?.value ?? models[0]?.value ?? "";
  return html`
    <section class="card try" aria-labelledby="try-title">
      <div class="card-head"><h2 class="grow" id="try-title">${t("Try it")}</h2>
        ${select({ id: "try-model", label: t("Model"), value: chosen, choices: models, change: (model) => own.set({ model }) })}</div>
      ${question ? html`<div class="talk">
        <div class="bubble me">${question}</div>
        ${answer ? html`<div class="bubble it" aria-busy=${Boolean(id)}>${answer}${id ? html`<i></i>` : nothing}</div>` : nothing}
        <p class="small muted num row-flex" role="status">${id ? icon("loader-circle", "s14 turn busy") : nothing}<span class="grow">${
          id ? (answer ? t("It answers…") : t("Waiting for the first word…")) : note}</span>
          ${id ? button({ text: t("Stop"), icon: "square", size: "small", run: stop }) : nothing}</p></div>` : nothing}
      <form class="ask" @submit=${(/** @type {SubmitEvent} */ event) => {
        event.preventDefault();
        send(/** @type {HTMLFormElement} */ (event.target), chosen);
      }}>
        <span class="input grow"><textarea name="text" rows="1" aria-label=${t("Ask something")} placeholder=${t("Ask something")}
          @keydown=${keys}></textarea></span>
        <button class="button square" aria-label=${t("Send")} title="${t("Send")} – Enter" aria-disabled=${id ? "true" : nothing}>${icon("send")}</button>
      </form>
      <div class="card-foot">${t("Goes to this server only. Nothing is kept.")}</div>
    </section>`;
}

/** @param {KeyboardEvent} event */
function keys(event) {
  const area = /** @type {HTMLTextAreaElement} */ (event.target);
  if (event.key === "Escape" && own.get().id) stop();
  if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
  event.preventDefault();
  area.form?.requestSubmit();
}

const stop = () => void invoke("ai/models/stop", { id: own.get().id });

/** @param {HTMLFormElement} form @param {string} chosen */
async function send(form, chosen) {
  const text = String(new FormData(form).get("text")).trim();
  if (!text || own.get().id) return;
  form.reset();
  const id = `try-${Date.now()}`;
  own.set({ question: text, answer: "", note: "", id });
  const [server = "", ...model] = chosen.split(" ");
  const answer = await invoke("ai/models/ask", { id, server, model: model.join(" "), text });
  void loadOwn({}); // it is loaded now, and its rate was measured
  if (own.get().id !== id) return;
  const { firstSeconds, rate } = answer.success ? answer.data : {};
  own.set({
    id: "", note: !answer.success ? (answer.code === "E_CANCELLED" ? t("Stopped") : answer.message) : [
      rate ? t("{rate} tokens/s", { rate: Math.round(rate) }) : "", firstSeconds ? t("first word after {seconds} s", { seconds: firstSeconds.toFixed(1) }) : "",
    ].filter(Boolean).join(" · "),
  });
}

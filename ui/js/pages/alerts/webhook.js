// @ts-check
/** The web address that gets alerts, too. It is a secret. */
import { html, nothing } from "../../../vendor/lit-html/lit-html.js";
import { confirm } from "../../base/actions.js";
import { invoke } from "../../base/bridge.js";
import { t } from "../../base/i18n.js";
import { slice } from "../../base/store.js";
import { styled } from "../../base/styles.js";
import { button } from "../../components/button.js";
import { select } from "../../components/field.js";
import { icon } from "../../components/icon.js";
import { secret } from "../../components/secret.js";

/**
 * @import { Setting, WebhookAnswer } from "../../contract.d.ts"
 * @import { Answer } from "../../types.d.ts"
 */

const [ADDRESS, FORMAT] = ["app.alert_webhook", "app.alert_format"];

/** The settings that the dialog has. */
export const WEBHOOK_SETTINGS = [ADDRESS, FORMAT];

const own = slice({
  settings: /** @type {Record<string, Setting>} */ ({}),
  isEdited: false,
  isTesting: false,
  /** What came of the last test, or why a change was refused. */
  answer: /** @type {{ok: boolean, text: string}|null} */ (null),
});

export async function openWebhook() {
  await Promise.all([load(), styled("alerts")]);
  own.set({ isEdited: false, answer: null });
  confirm({ title: t("Webhook"), text: t("This address gets each alert, too."), more: content });
}

async function load() {
  const answers = await Promise.all(WEBHOOK_SETTINGS.map((name) => invoke("ai/config/get", { name })));
  const entries = answers.flatMap((answer) => (answer.success ? answer.data.entries : []));
  own.set({ settings: Object.fromEntries(entries.map((entry) => [entry.address, entry])) });
}

/** @param {string} name @param {string|null} value */
async function change(name, value) {
  const answer = await invoke("ai/config/set", { name, value });
  own.set(answer.success ? { isEdited: false, answer: null } : { answer: { ok: false, text: answer.message } });
  if (answer.success) await load();
}

function content() {
  const { settings: { [ADDRESS]: address, [FORMAT]: format }, answer, isTesting } = own.get();
  return html`
    <div class="rule-form">
      ${address ? html`<label for=${ADDRESS} title=${address.help}>${address.title}</label>${addressField(address)}` : nothing}
      ${format ? html`<label for=${FORMAT} title=${format.help}>${format.title}</label>
        ${select({
          id: FORMAT, value: format.value, choices: Object.entries(format.choices).map(([value, text]) => ({ value, text })),
          change: (value) => void change(FORMAT, value),
        })}` : nothing}
    </div>
    ${isTesting ? html`<p role="status">${t("Waiting for an answer…")}</p>`
      : answer ? html`<p class="msg ${answer.ok ? "ok" : "bad"}" id="${ADDRESS}-message" role="status">
        ${icon(answer.ok ? "check" : "circle-alert", "s14")}${answer.text}</p>` : nothing}`;
}

/** @param {Setting} setting */
function addressField({ title, origin }) {
  if (origin !== "set" || own.get().isEdited) return form();
  return html`<span class="buttons">
    ${secret(ADDRESS, title)}
    ${button({ text: t("Change"), size: "small", run: () => own.set({ isEdited: true }) })}
    ${button({
      text: t("Remove"), name: t("Remove {name}", { name: title }), size: "small", icon: "trash-2", iconOnly: true,
      run: () => void change(ADDRESS, null),
    })}
    ${button({ text: t("Test"), size: "small", icon: "send", enabled: !own.get().isTesting, run: test })}
  </span>`;
}

const isRefused = () => own.get().answer?.ok === false;

const form = () => html`
  <form class="row-flex" @submit=${(/** @type {SubmitEvent} */ event) => {
    event.preventDefault();
    change(ADDRESS, String(new FormData(/** @type {HTMLFormElement} */ (event.target)).get("value")));
  }}>
    <span class="input grow" ?data-invalid=${isRefused()}><input id=${ADDRESS} name="value" type="password" required
      aria-invalid=${isRefused() ? "true" : nothing} aria-describedby="${ADDRESS}-message"
      placeholder="https://ntfy.sh/my-topic" autocomplete="off" spellcheck="false"></span>
    <button class="button">${t("Apply")}</button>
  </form>`;

async function test() {
  own.set({ isTesting: true, answer: null });
  own.set({ answer: told(await invoke("ai/rules/test", {})), isTesting: false });
}

/** What came of a test, in words. @param {Answer<WebhookAnswer>} answer */
export function told(answer) {
  if (!answer.success) return { ok: false, text: answer.message };
  const { ok, status, text } = answer.data;
  if (status === null) return { ok, text: t("The test was not delivered: {why}", { why: text }) };
  const why = text ? `${status} · ${text}` : String(status);
  return { ok, text: ok ? t("The test was delivered: {answer}", { answer: why }) : t("The test was refused: {answer}", { answer: why }) };
}

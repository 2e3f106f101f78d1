// @ts-check
/** The web address that gets alerts, too. It is a secret. */
import { html, nothing } from "../../../vendor/lit-html/lit-html.js";
import { invoke } from "../../base/bridge.js";
import { t } from "../../base/i18n.js";
import { slice } from "../../base/store.js";
import { button } from "../../components/button.js";
import { secret } from "../../components/secret.js";

/** @import { Setting } from "../../contract.d.ts" */

const own = slice({
  isTesting: false,
  isEdited: false,
  /** What came of the last test. */
  answer: /** @type {{ok: boolean, text: string}|null} */ (null),
});

/** @param {Setting} setting @param {(value: string|null) => Promise<boolean>} change whether it was taken */
export function webhook({ address, origin, title }, change) {
  const { isEdited } = own.get();
  const set = async (/** @type {string|null} */ value) => {
    if (await change(value)) own.set({ isEdited: false, answer: null });
  };
  if (origin !== "set" || isEdited) return form(address, set);
  return html`<span class="buttons">
    ${secret(address, title)}
    ${button({ text: t("Change"), size: "small", run: () => own.set({ isEdited: true }) })}
    ${button({ text: t("Remove"), name: t("Remove {name}", { name: title }), size: "small", icon: "trash-2", iconOnly: true, run: () => set(null) })}
    ${button({ text: t("Test"), size: "small", icon: "send", enabled: !own.get().isTesting, run: test })}
  </span>`;
}

/** What came of the last test. */
export function webhookAnswer() {
  const { isTesting, answer } = own.get();
  if (isTesting) return html`<p role="status">${t("Waiting for an answer…")}</p>`;
  return answer ? html`<p class=${answer.ok ? "ok" : "bad"} role="status">${answer.text}</p>` : nothing;
}

/** @param {string} address @param {(value: string) => void} set */
const form = (address, set) => html`
  <form class="sr-text" @submit=${(/** @type {SubmitEvent} */ event) => {
    event.preventDefault();
    set(String(new FormData(/** @type {HTMLFormElement} */ (event.target)).get("value")));
  }}>
    <span class="input"><input id=${address} name="value" type="password" required aria-labelledby="label-${address}"
      placeholder="https://ntfy.sh/my-topic" autocomplete="off" spellcheck="false"></span>
    ${own.get().isEdited ? button({ text: t("Cancel"), size: "small", run: () => own.set({ isEdited: false }) }) : nothing}
    <button class="button small">${t("Apply")}</button>
  </form>`;

async function test() {
  own.set({ isTesting: true, answer: null });
  const answer = await invoke("ai/rules/test", {});
  own.set({ isTesting: false, answer: answer.success ? told(answer.data) : { ok: false, text: answer.message } });
}

/** @param {{ok: boolean, status: number|null, text: string}} answer */
function told({ ok, status, text }) {
  if (status === null) return { ok, text: t("The test was not delivered: {why}", { why: text }) };
  const why = text ? `${status} · ${text}` : String(status);
  return { ok, text: ok ? t("The test was delivered: {answer}", { answer: why }) : t("The test was refused: {answer}", { answer: why }) };
}

// @ts-check
/** Parts of forms. Values are checked by the owner, never here. */
import { html, nothing } from "../../vendor/lit-html/lit-html.js";
import { icon } from "./icon.js";

/**
 * A setting with its name and what is said about it.
 * @param {{id: string, label: string, help?: string, control: unknown, changed?: boolean, setting?: string,
 *   message?: {text: string, tone: "bad"|"ok"|"busy"|"muted", icon?: string}|null}} options
 *   `id`: of its control; `setting`: its address; `icon`: instead of the tone's own, empty for none
 */
export const field = ({ id, label, help, control, changed = false, setting, message }) => html`
  <div class="field" data-setting=${setting ?? nothing} ?data-changed=${changed}>
    <div class="lab"><label for=${id}>${label}</label>${help ? html`<p>${help}</p>` : nothing}</div>
    <div>
      ${control}
      ${message ? html`
        <p class="msg ${message.tone}" id="${id}-message" role=${message.tone === "bad" ? "alert" : "status"}>
          ${drawing(message)}${message.text}</p>` : nothing}
    </div>
  </div>`;

/** @param {{tone: string, icon?: string}} message */
const drawing = ({ tone, icon: own }) => {
  const name = own ?? { bad: "circle-alert", ok: "check" }[tone] ?? "info";
  return name ? icon(name, "s14") : nothing;
};

/**
 * @param {{id: string, value: string, change: (value: string) => void, type?: "text"|"password"|"search"|"number"|"url"|"time",
 *   placeholder?: string, label?: string, unit?: string, invalid?: boolean, before?: unknown, after?: unknown,
 *   enabled?: boolean}} options
 *   `label`: where no `field` names it; `before`, `after`: what stands within its frame
 */
export const input = ({ id, value, change, type = "text", invalid = false, enabled = true, ...more }) => html`
  <span class="input" ?data-invalid=${invalid}>${more.before ?? nothing}
    <input id=${id} type=${type} .value=${value} placeholder=${more.placeholder ?? nothing} ?disabled=${!enabled}
      aria-label=${more.label ?? nothing} aria-invalid=${invalid ? "true" : nothing} aria-describedby="${id}-message"
      autocomplete="off" spellcheck="false" @input=${(/** @type {InputEvent} */ { target }) =>
        change(/** @type {HTMLInputElement} */ (target).value)}>
    ${more.unit ? html`<span class="unit">${more.unit}</span>` : nothing}${more.after ?? nothing}
  </span>`;

/** @param {{id: string, value: string, change: (value: string) => void, label: string, after?: unknown}} options */
export const searchInput = ({ label, ...options }) =>
  input({ ...options, type: "search", label, placeholder: label, before: icon("search") });

/**
 * @param {{id: string, value: string, choices: {value: string, text: string}[],
 *   change: (value: string) => void, label?: string}} options
 */
export const select = ({ id, value, choices, change, label }) => html`
  <select id=${id} class="select" aria-label=${label ?? nothing} @change=${(/** @type {Event} */ { target }) =>
    change(/** @type {HTMLSelectElement} */ (target).value)}>
    ${choices.map((choice) => html`
      <option value=${choice.value} .selected=${choice.value === value}>${choice.text}</option>`)}
  </select>`;

/**
 * @param {{id: string, on: boolean, change: (on: boolean) => void, label?: string, enabled?: boolean}} options
 */
export const toggle = ({ id, on, change, label, enabled = true }) => html`
  <button type="button" id=${id} class="switch" role="switch" aria-checked=${on} aria-label=${label ?? nothing}
    aria-disabled=${enabled ? nothing : "true"} @click=${() => enabled && change(!on)}></button>`;

/**
 * Choices as cards, of which one is chosen.
 * @param {{id: string, value: string, change: (value: string) => void, label: string,
 *   choices: {value: string, title: string, text?: string, enabled?: boolean}[]}} options
 */
export const choiceCards = ({ id, value, change, label, choices }) => html`
  <div class="choices" role="radiogroup" aria-label=${label}>
    ${choices.map(({ value: own, title, text, enabled = true }) => html`
      <label class="choice">
        <input type="radio" class="radio" name=${id} .checked=${own === value} ?disabled=${!enabled} @change=${() => change(own)}>
        <span><h3>${title}</h3>${text ? html`<p>${text}</p>` : nothing}</span>
      </label>`)}
  </div>`;

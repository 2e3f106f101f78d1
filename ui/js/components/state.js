// @ts-check
import { html } from "../../vendor/lit-html/lit-html.js";
import { STATES } from "../format.js";
import { t } from "../i18n.js";
import { icon } from "./icon.js";

/** @import { State } from "../contract.d.ts" */

/** @param {State} state */
export const pill = (state) => html`
  <span class="pill" data-state=${state}>${icon(STATES[state].icon)}${t(STATES[state].word)}</span>`;

/** @param {State} state */
export const emblem = (state) => html`
  <span class="emblem" data-state=${state}>${icon(STATES[state].icon)}</span>`;

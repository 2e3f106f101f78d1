// @ts-check
/** A state by its shape, colour and word. */
import { html, nothing, svg } from "../../vendor/lit-html/lit-html.js";
import { STATES, wordOf } from "../base/format.js";
import { t } from "../base/i18n.js";
import { icon } from "./icon.js";

/** @import { Module, State } from "../contract.d.ts" */

/** @param {State} state */
const turning = (state) => (state === "starting" ? "turn" : "");

/** @param {State} state @param {string} [word] instead of the state's own */
export const pill = (state, word) => html`
  <span class="pill" data-state=${state}>${icon(STATES[state].icon, turning(state))}${word ?? t(STATES[state].word)}</span>`;

/** @param {Module} module */
export const modulePill = (module) => pill(module.state, wordOf(module));

/** @param {State} state @param {string} [word] instead of the state's own */
export const barePill = (state, word) => html`
  <span class="pill bare" data-state=${state}>${icon(STATES[state].icon, turning(state))}${word ?? t(STATES[state].word)}</span>`;

/** @param {State} state @param {string} [drawing] an icon instead of the state's own */
export const emblem = (state, drawing) => html`
  <span class="emblem" data-state=${state}>${icon(drawing ?? STATES[state].icon, turning(state))}</span>`;

const ring = svg`<circle cx="5" cy="5" r="3.5" fill="none" stroke="currentColor" stroke-width="1.5"/>`;

/** @type {Record<State, unknown>} */
const SHAPES = {
  running: svg`<circle class="pulse" cx="5" cy="5" r="4" fill="currentColor"/>
    <circle cx="5" cy="5" r="4" fill="currentColor"/>`,
  starting: svg`<circle cx="5" cy="5" r="3.6" fill="none" stroke="currentColor" stroke-opacity=".28" stroke-width="1.8"/>
    <path class="spin" d="M5 1.4A3.6 3.6 0 0 1 8.6 5" fill="none" stroke="currentColor" stroke-width="1.8" stroke-linecap="round"/>`,
  stopping: svg`<circle cx="5" cy="5" r="3.6" fill="none" stroke="currentColor" stroke-width="1.6" stroke-dasharray="2 1.77"/>`,
  stopped: ring,
  degraded: svg`<path d="M5 .9 9.6 9H.4Z" fill="currentColor" stroke="currentColor" stroke-linejoin="round" stroke-width=".8"/>`,
  error: svg`<rect x=".6" y=".6" width="8.8" height="8.8" rx="2.2" fill="currentColor"/>
    <path class="cross" d="M3.3 3.3 6.7 6.7M6.7 3.3 3.3 6.7" stroke-width="1.3" stroke-linecap="round"/>`,
  engine_down: svg`${ring}<path d="M2.5 2.5 7.5 7.5" stroke="currentColor" stroke-width="1.5"/>`,
};

/**
 * A state at 10 px. `alone`: no word stands beside it, so that it has its own.
 * @param {State} state @param {"alone"|"beside"} [place]
 */
export const dot = (state, place = "alone") => html`
  <svg class="dot" data-state=${state} viewBox="0 0 10 10" role=${place === "alone" ? "img" : nothing}
    aria-label=${place === "alone" ? t(STATES[state].word) : nothing}
    aria-hidden=${place === "alone" ? nothing : "true"}>${SHAPES[state]}</svg>`;

/** @param {State} state The same within another drawing, whose text has the word. */
export const dotShape = (state) => svg`<g class="dot" data-state=${state}>${SHAPES[state]}</g>`;

/** @type {State[]} The one that needs most attention first; what is stopped needs none. */
const RANK = ["error", "degraded", "starting", "stopping", "engine_down", "running", "stopped"];

/** @param {State[]} states @returns {State} */
export const worst = (states) => RANK.find((state) => states.includes(state)) ?? "stopped";

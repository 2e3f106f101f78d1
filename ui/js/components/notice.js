// @ts-check
import { html, nothing } from "../../vendor/lit-html/lit-html.js";
import { icon } from "./icon.js";

/**
 * What happened, why, and what can be done.
 * @param {{tone?: "info"|"ok"|"busy"|"bad", icon?: string, title: string, text?: unknown, actions?: unknown,
 *   close?: unknown}} options
 */
export const notice = ({ tone = "info", title, text, actions, close, ...more }) => html`
  <div class="notice ${tone}" role=${tone === "bad" ? "alert" : "status"}>
    ${icon(more.icon ?? { info: "info", ok: "circle-check", busy: "triangle-alert", bad: "circle-x" }[tone])}
    <div class="grow text"><h3>${title}</h3>${text ? html`<p>${text}</p>` : nothing}
      ${actions ? html`<div class="buttons">${actions}</div>` : nothing}</div>
    ${close ?? nothing}
  </div>`;

/** @param {{icon: string, title: string, text?: string, actions?: unknown}} options */
export const empty = ({ icon: drawing, title, text, actions }) => html`
  <div class="empty">
    <span class="emblem">${icon(drawing)}</span>
    <h2>${title}</h2>${text ? html`<p>${text}</p>` : nothing}
    ${actions ? html`<div class="buttons">${actions}</div>` : nothing}
  </div>`;

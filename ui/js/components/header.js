// @ts-check
import { html, nothing } from "../../vendor/lit-html/lit-html.js";
import { pill } from "./state.js";

/** @import { PageState } from "../types.d.ts" */

/** @param {PageState} page */
export const header = ({ snapshot, connection }) => html`
  <header class="header">
    <img class="logo" src="favicon.svg" alt="" width="28" height="28">
    <h1>AI-Server Tray</h1>
    ${snapshot && connection === "up" ? pill(snapshot.state) : nothing}
  </header>`;

// @ts-check
/** What is wrong with a module. */
import { html, nothing } from "../../../vendor/lit-html/lit-html.js";
import { notice } from "../../components/notice.js";
import { problemCards } from "../../problems/card.js";

/**
 * @import { Module } from "../../contract.d.ts"
 * @import { PageState } from "../../types.d.ts"
 */

/** @param {PageState} page @param {Module} module */
export function happening(page, { name, problem, trouble }) {
  return html`
    ${problemCards(page, name)}
    ${problem && trouble?.kind !== "blocked" ? notice({ tone: "busy", title: problem }) : nothing}`;
}

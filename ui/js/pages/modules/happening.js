// @ts-check
/** What is being done with a module, and what is wrong with it. */
import { html, nothing } from "../../../vendor/lit-html/lit-html.js";
import { notice } from "../../components/notice.js";
import { active, others } from "../../components/operations.js";
import { problemCards } from "../../problems/card.js";

/**
 * @import { Module } from "../../contract.d.ts"
 * @import { PageState } from "../../types.d.ts"
 */

/** @param {PageState} page @param {Module} module */
export function happening(page, { name, problem, trouble }) {
  const { snapshot } = page;
  const running = snapshot ? active(snapshot).filter(({ modules }) => modules.includes(name)) : [];
  return html`
    ${snapshot ? others(running, page, snapshot) : nothing}
    ${problemCards(page, name)}
    ${problem && trouble?.kind !== "blocked" ? notice({ tone: "busy", title: problem }) : nothing}`;
}

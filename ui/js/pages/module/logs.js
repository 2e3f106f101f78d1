// @ts-check
import { enterLogs, logButtons, logPanel } from "../logs/panel.js";

/**
 * @import { Address } from "../../address.js"
 * @import { Module } from "../../contract.d.ts"
 * @import { PageState } from "../../types.d.ts"
 */

/** @param {Address} address */
export const enter = ({ rest }) => enterLogs(rest[0] ?? null);

/** @param {PageState} page @param {Module} module */
export const view = (page, { name }) => logPanel(page, name, logButtons("small"));

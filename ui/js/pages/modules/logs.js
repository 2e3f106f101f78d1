// @ts-check
import { enterLogs } from "../logs/keys.js";
import { logButtons, logPanel } from "../logs/panel.js";

/**
 * @import { Module } from "../../contract.d.ts"
 * @import { PageState } from "../../types.d.ts"
 */

export const enter = enterLogs;

/** @param {PageState} _page @param {Module} module */
export const view = (_page, { name }) => logPanel(name, logButtons("small"));

// @ts-check
/** How long lines are kept, and why those of some services are not. */
import { html, nothing } from "../../../vendor/lit-html/lit-html.js";
import { addressTo } from "../../base/address.js";
import { invoke } from "../../base/bridge.js";
import { bytes, list } from "../../base/format.js";
import { t, tn } from "../../base/i18n.js";
import { current, slice } from "../../base/store.js";
import { notice } from "../../components/notice.js";
import { view } from "./state.js";
import { sourceOf } from "./words.js";

/** @import { KeptLogs } from "../../contract.d.ts" */

const own = slice({
  /** Values of settings, by name. */
  settings: /** @type {Record<string, string>} */ ({}),
  kept: /** @type {KeptLogs|null} */ (null),
});

/** @type {Record<string, number>} */
const UNITS = { k: 2 ** 10, m: 2 ** 20, g: 2 ** 30, t: 2 ** 40 };

/** Asks how lines are kept. */
export async function lookAtKept() {
  const names = ["app.logs_keep", "app.logs_keep_days", "app.logs_keep_size", "app.logs_not_kept"];
  const [kept, ...answers] = await Promise.all([
    invoke("ai/logs/kept", {}), ...names.map((name) => invoke("ai/config/get", { name })),
  ]);
  const entries = answers.flatMap((answer) => (answer.success ? answer.data.entries : []));
  own.set({
    settings: Object.fromEntries(entries.map(({ address, value }) => [address, value])),
    kept: kept.success ? kept.data : null,
  });
}

/** Names of the modules that lines are kept of. */
export const keptModules = () => (own.get().kept?.modules ?? []).map(({ module }) => module);

/** How long, and how much of the place that they may take. */
export function keptText() {
  const { settings } = own.get();
  const { kept } = view();
  const days = Number(settings["app.logs_keep_days"]);
  const [, count = "", unit = ""] = /^(\d+)\s*([kmgt]?)/i.exec(settings["app.logs_keep_size"] ?? "") ?? [];
  if (!kept || !days || !count || settings["app.logs_keep"] === "false") return "";
  const values = { used: bytes(kept.bytes), most: bytes(Number(count) * (UNITS[unit.toLowerCase()] ?? 1)) };
  return tn("Kept for {count} day, {used} of {most}", "Kept for {count} days, {used} of {most}", days, values);
}

/** @param {string|null} name of the module that the page is about */
export function keptNotice(name) {
  const { settings, kept } = own.get();
  const shown = name === null ? view().wanted.modules : [name];
  const notKept = (settings["app.logs_not_kept"] ?? "").split(" ").filter((module) => module && shown.includes(module));
  const isOff = settings["app.logs_keep"] === "false";
  const unreadable = (kept?.unreadable ?? []).filter(({ module }) => !shown.length || shown.includes(module));
  return [
    kept?.problem ? note(t("New lines can't be stored"), kept.problem) : nothing,
    kept && kept.recovered !== null ? note(t("Older lines are coming back"), recoveryText(kept.recovered)) : nothing,
    isOff || notKept.length ? note(
      isOff ? t("Logs aren't kept") : t("The logs of {names} aren't kept", { names: list(notKept.map(titled)) }),
      html`<a href="#${addressTo("settings", ["logs"])}">${t("Settings of kept logs")}</a>`,
    ) : nothing,
    unreadable.length ? note(t("Some logs can't be read"), t("The engine can't read these logs because of their logging driver: {services}", {
      services: list(unreadable.map(sourceOf)),
    })) : nothing,
  ];
}

/** @param {number} percent of a damaged file that was read again */
export const recoveryText = (percent) => t("The file of the kept logs was damaged. {percent} % of it was read again until now.", { percent });

/** @param {string} name of a module */
const titled = (name) => current().snapshot?.modules.find((module) => module.name === name)?.title ?? name;

/** @param {string} title @param {unknown} text */
const note = (title, text) => html`<div class="lognotice">${notice({ tone: "busy", title, text })}</div>`;

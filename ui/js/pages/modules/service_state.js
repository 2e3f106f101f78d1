// @ts-check
/** How a service is, in a word, and what can be done with it. */
import { operate } from "../../base/actions.js";
import { addressTo } from "../../base/address.js";
import { timeAndDay } from "../../base/format.js";
import { mark, t } from "../../base/i18n.js";

/**
 * @import { Module, Service, State } from "../../contract.d.ts"
 * @import { PageState } from "../../types.d.ts"
 */

/** @param {Service} service @returns {{state: State, word: string}} */
export function stateOf({ state, health, job, exitCode, reason }) {
  if (state === "running" && health === "unhealthy") return { state: "error", word: t("Unhealthy") };
  if (state === "running" && health === "starting") return { state: "starting", word: t("Starting") };
  if (state === "running") return { state: "running", word: health === "healthy" ? t("Healthy") : t("Running") };
  if (state === "restarting") return { state: "error", word: t("Restarting") };
  if (state === "paused") return { state: "degraded", word: t("Paused") };
  if (job && state === "exited" && exitCode === 0) return { state: "stopped", word: t("Done") };
  if (reason) return { state: "error", word: state === "exited" ? t("Exited with {code}", { code: exitCode }) : t("Failed") };
  return { state: "stopped", word: state === "absent" ? t("Not created") : t("Stopped") };
}

/** @type {Record<NonNullable<Service["lastState"]>, string>} */
const LAST = {
  created: mark("Not started"), running: mark("Running"), paused: mark("Paused"), restarting: mark("Restarting"),
  removing: mark("Being removed"), exited: mark("Stopped"), dead: mark("Failed"),
};

/** @param {Service} service @param {string|null} since when the engine does not answer */
export function lastStateOf({ lastState }, since) {
  const word = lastState ? t(LAST[lastState]) : t("Not known");
  return lastState && since ? t("{state} at {time}", { state: word, time: timeAndDay(since) }) : word;
}

/** @param {Service} service */
export const isUp = ({ state }) => state === "running" || state === "paused" || state === "restarting";

/** @param {Service} service Whether a terminal can be opened in it. */
export const hasTerminal = ({ state, job }) => state === "running" && !job;

/** @param {Module} module The service in which a person would look first. */
export const mainService = ({ name, services }) =>
  services.find((service) => hasTerminal(service) && service.name === name) ?? services.find(hasTerminal);

/** @param {string} module @param {string} service @param {string} [user] The address of its terminal. */
export const terminalOf = (module, service, user = "") =>
  addressTo("modules", [module, "services", service, "terminal"], { user });

/** @param {string} service What the button in its row that opens one is found by. */
export const openerOf = (service) => `terminal ${service}`;

/** @typedef {"start"|"stop"|"restart"} ServiceAction */

/**
 * Whether `action` works now for a service, by what works for its module, and why not.
 * @param {PageState} page @param {Module} module @param {Service} service @param {ServiceAction} action
 */
export function canOne({ asked, connection }, { name, abilities }, service, action) {
  // One that was stopped alone can start while its module runs.
  const why = action === "start" && abilities.restart === null ? null : abilities[action];
  return { why, enabled: why === null && connection === "up" && !asked.has(keyOf(name, service.name)) };
}

/** @param {string} module @param {string} service */
const keyOf = (module, service) => `${module}/${service}`;

/** @param {string} module @param {string} service @param {ServiceAction} action */
export function doWithOne(module, service, action) {
  const kind = action === "start" ? "up" : action;
  return operate(keyOf(module, service), { kind, modules: [module], services: [service] });
}

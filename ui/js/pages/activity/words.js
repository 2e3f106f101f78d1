// @ts-check
/** Words and icons of the journal's entries. */
import { duration, labelled, list } from "../../base/format.js";
import { mark, t, tn } from "../../base/i18n.js";
import { current } from "../../base/store.js";
import { settingName } from "./setting_names.js";

/**
 * @import { Activity, ActivityOperation, ActivityStatus, ActivityStep, ActorKind, EntryKind, OperationKind,
 *   OwnerEvent } from "../../contract.d.ts"
 */

/** @type {Record<ActivityStatus, {word: string, icon: string, tone: string}>} */
export const RESULTS = {
  succeeded: { word: mark("Done"), icon: "circle-check", tone: "ok" },
  failed: { word: mark("Failed"), icon: "circle-x", tone: "bad" },
  cancelled: { word: mark("Cancelled"), icon: "ban", tone: "muted" },
  interrupted: { word: mark("Interrupted"), icon: "circle-slash", tone: "busy" },
  running: { word: mark("Running"), icon: "loader-circle", tone: "busy" },
};

/** @type {Record<ActorKind, {word: string, began: string, icon: string}>} */
export const ACTORS = {
  tray: { word: mark("tray"), began: mark("started from the tray"), icon: "app-window" },
  window: { word: mark("window"), began: mark("started from the window"), icon: "monitor" },
  browser: { word: mark("browser"), began: mark("started from a browser"), icon: "globe" },
  command: { word: mark("command line"), began: mark("started from the command line"), icon: "square-terminal" },
  owner: { word: mark("automatic"), began: mark("started automatically"), icon: "rotate-ccw" },
};

/** @type {Record<EntryKind, {word: string, icon: string}>} */
export const KINDS = {
  operation: { word: mark("Operations"), icon: "play" },
  setting: { word: mark("Settings"), icon: "sliders-horizontal" },
  revealed: { word: mark("Shown secrets"), icon: "eye" },
  chosen: { word: mark("Chosen modules"), icon: "list" },
  trusted: { word: mark("Permissions"), icon: "shield-check" },
  distrusted: { word: mark("Permissions taken back"), icon: "shield-x" },
  terminal: { word: mark("Terminals"), icon: "square-terminal" },
  refused: { word: mark("Refused clients"), icon: "shield-alert" },
  alert: { word: mark("Alerts"), icon: "bell" },
  owner: { word: mark("Start and end of the app"), icon: "power" },
  cleaned: { word: mark("Clean-ups"), icon: "eraser" },
  action: { word: mark("Actions"), icon: "wrench" },
  hostKey: { word: mark("Trusted host keys"), icon: "shield-check" },
  models: { word: mark("Model servers"), icon: "sparkles" },
};

/** @type {Record<OperationKind|"recreate", [some: string, many: string, all: string]>} */
const OPERATIONS = {
  recreate: [mark("Recreate {names}"), mark("Recreate {count} modules"), mark("Recreate all")],
  up: [mark("Start {names}"), mark("Start {count} modules"), mark("Start all")],
  stop: [mark("Stop {names}"), mark("Stop {count} modules"), mark("Stop all")],
  down: [mark("Remove {names}"), mark("Remove {count} modules"), mark("Remove all")],
  restart: [mark("Restart {names}"), mark("Restart {count} modules"), mark("Restart all")],
  pull: [mark("Download {names}"), mark("Download {count} modules"), mark("Download all images")],
  build: [mark("Build {names}"), mark("Build {count} modules"), mark("Build all images")],
  backup: [mark("Back up {names}"), mark("Back up {count} modules"), mark("Back up everything")],
  move: [mark("Pack {names}"), mark("Pack {count} modules"), mark("Pack for another computer")],
  restore: [mark("Restore {names}"), mark("Restore {count} modules"), mark("Restore everything")],
  rehearse: [mark("Rehearse an upgrade of {names}"), mark("Rehearse upgrades of {count} modules"), mark("Rehearse all upgrades")],
  adopt: [mark("Bring your own {names}"), mark("Bring your own"), mark("Bring your own")],
  upgrade: [mark("Upgrade {names}"), mark("Upgrade {count} modules"), mark("Upgrade everything")],
};

const MOST_NAMES = 3;

/** @type {Record<OwnerEvent, string>} */
const OWNERS = {
  started: mark("{name} started"),
  stopped: mark("{name} stopped"),
  handed_over: mark("{name} handed over to the tray"),
};

/** The title of a module, as long as it is in the catalog. @param {string} name */
export const moduleTitle = (name) =>
  current().snapshot?.modules.find((module) => module.name === name)?.title ?? name;

/** @param {Pick<ActivityStep, "module"|"service">} step Whether its service runs once and exits. */
export const isJob = ({ module, service }) =>
  current().snapshot?.modules.find(({ name }) => name === module)?.services.find(({ name }) => name === service)?.job ?? false;

/** @param {Activity} entry */
export function title(entry) {
  if (entry.operation) return operationTitle(entry.operation, entry.actor?.kind === "owner");
  if (entry.setting) return settingTitle(entry.setting);
  if (entry.revealed !== null) return t("Show {name}", { name: settingName(entry.revealed) });
  if (entry.chosen) return t("Choose {names}", { names: list(entry.chosen.map(moduleTitle)) });
  if (entry.trusted !== null) return t("Allow {name}", { name: moduleTitle(entry.trusted) });
  if (entry.distrusted !== null) return t("Stop trusting {name}", { name: moduleTitle(entry.distrusted) });
  if (entry.terminal) return t("Terminal in {name}", { name: `${moduleTitle(entry.terminal.module)}/${entry.terminal.service}` });
  if (entry.refused) return tn("Refused {count} client", "Refused {count} clients", entry.refused.count);
  if (entry.alert) return entry.alert.title;
  if (entry.cleaned) return tn("Remove {count} unused thing", "Remove {count} unused things", entry.cleaned.removed.length);
  if (entry.action) return labelled(moduleTitle(entry.action.module), entry.action.title);
  if (entry.models) return entry.models.used ? t("Use {name}", { name: entry.models.title }) : t("Stop using {name}", { name: entry.models.title });
  if (!entry.owner) return entry.text;
  const name = entry.owner.kind === "tray" ? "AI-Server Tray" : "aiserver-tray serve";
  return t(OWNERS[entry.owner.event], { name });
}

/** @param {ActivityOperation} operation @param {boolean} isRevival */
function operationTitle({ kind, recreate, asked, services, all, modules }, isRevival) {
  const [some, many, everything] = OPERATIONS[recreate ? "recreate" : kind];
  const meant = isRevival ? modules : asked;
  if (all || !meant.length) return t(everything);
  if (meant.length > MOST_NAMES) return t(many, { count: meant.length });
  const names = meant.map(moduleTitle);
  return t(some, { names: list(services.length ? services.map((service) => `${names[0]}/${service}`) : names) });
}

/** @param {NonNullable<Activity["setting"]>} setting */
function settingTitle({ address, value, reset }) {
  const name = settingName(address);
  if (reset) return t("Reset {name}", { name });
  return value === null ? t("Change {name}", { name }) : t("Set {name} to {value}", { name, value });
}

/** @type {Partial<Record<ActivityStatus, string>>} */
const ENDS = { failed: mark("failed after {time}"), cancelled: mark("cancelled after {time}") };

/** What became of it, in a few words; empty: it has no end. @param {Activity} entry */
export function result({ operation, action, alert }) {
  if (alert) return alert.seconds === null ? t("Active") : duration(alert.seconds);
  const ended = operation ?? action;
  if (!ended) return "";
  const { status, seconds } = ended;
  const end = ENDS[status];
  const isAtOnce = end && seconds !== null && seconds < 0.05;
  if (status === "running" || seconds === null || isAtOnce) return t(RESULTS[status].word);
  return end ? t(end, { time: duration(seconds) }) : duration(seconds);
}

/** What marks an entry. @param {Activity} entry @returns {{icon: string, tone: string, word: string}} */
export function sign({ kind, operation, action }) {
  if (operation) return RESULTS[operation.status];
  if (action && action.status !== "succeeded") return RESULTS[action.status];
  return { ...KINDS[kind], tone: kind === "refused" || kind === "alert" ? "busy" : "muted" };
}

/** The names of the modules that an entry is about. @param {Activity} entry @returns {string[]} */
export function modulesOf({ operation, setting, revealed, chosen, trusted, distrusted, terminal, alert, action }) {
  if (operation) return operation.modules;
  const address = setting?.address ?? revealed;
  if (address) return [address.split(".", 1)[0] ?? ""];
  const module = trusted ?? distrusted ?? terminal?.module ?? alert?.module ?? action?.module ?? null;
  return chosen ?? (module === null ? [] : [module]);
}

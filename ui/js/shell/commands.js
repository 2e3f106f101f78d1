// @ts-check
/** What the command palette offers. */
import * as actions from "../base/actions.js";
import { addressTo, go } from "../base/address.js";
import { labelled } from "../base/format.js";
import { mark, t } from "../base/i18n.js";
import { shortcut } from "../base/keys.js";
import { PAGES } from "../pages.js";
import { askForRule } from "../pages/alerts/asking.js";
import { WEBHOOK_SETTINGS, openWebhook } from "../pages/alerts/webhook.js";
import { openModule, removeModule, restartModule, startModule, stopEverything, stopModule } from "../pages/modules/actions.js";
import { mainService, terminalOf } from "../pages/modules/service_state.js";
import { showShortcuts } from "./shortcuts.js";

/**
 * @import { Module, ModuleAbilities, Setting, Snapshot } from "../contract.d.ts"
 * @import { PageState } from "../types.d.ts"
 */

/**
 * @typedef {{group: string, title: string, hint: string, words: string, icon: string, run: () => void,
 *   module?: Module, keys?: string}} Command
 *   `words`: what it is found by, too
 */

/** @type {Partial<Record<keyof ModuleAbilities, {icon: string, title: string, run: (module: Module, snapshot: Snapshot|null) => void}>>} */
const ACTIONS = {
  open: { icon: "external-link", title: mark("Open {name}"), run: openModule },
  start: { icon: "play", title: mark("Start {name}"), run: startModule },
  restart: { icon: "rotate-cw", title: mark("Restart {name}"), run: restartModule },
  stop: { icon: "square", title: mark("Stop {name}"), run: stopModule },
  remove: { icon: "trash-2", title: mark("Remove {name}…"), run: removeModule },
};

/** @param {PageState} page @returns {Command[]} */
export function commands(page) {
  return [...pages(), ...ofTheWhole(page), ...(page.snapshot?.modules ?? []).flatMap((module) => ofModule(module, page))];
}

/** @returns {Command[]} */
const pages = () => [
  ...Object.entries(PAGES).flatMap(([name, { title, icon, keys }]) => (icon ? [{
    group: t("Pages"), title: t(title), hint: "", words: name, icon, keys: keys && shortcut(keys), run: () => go(name),
  }] : [])),
  {
    group: t("Pages"), title: t("All shortcuts"), hint: "", words: "keyboard", icon: "keyboard", keys: "?",
    run: showShortcuts,
  },
];

/** @param {PageState} page @returns {Command[]} */
function ofTheWhole({ snapshot }) {
  if (!snapshot) return [];
  const group = t("Actions");
  const { start, stop: stopping } = snapshot.abilities;
  return [
    ...(start === null ? [{ group, title: t("Start all"), hint: "", words: "up", icon: "play", run: actions.startAll }] : []),
    ...(stopping === null
      ? [{ group, title: t("Stop all"), hint: "", words: "", icon: "square", run: () => stopEverything(snapshot) }] : []),
    { group, title: t("New alert rule"), hint: "", words: "alarm notify watch", icon: "bell", run: () => askForRule() },
    { group, title: t("Add a module"), hint: "", words: "compose", icon: "plus", run: () => go("home?add=1") },
  ];
}

/** @param {Module} module @param {PageState} page @returns {Command[]} */
function ofModule(module, page) {
  const { title, name, abilities } = module;
  const service = mainService(module)?.name;
  const base = { module, icon: module.icon, words: `${name} ${module.summary}` };
  const possible = /** @type {(keyof ModuleAbilities)[]} */ (Object.keys(ACTIONS)).filter((action) => abilities[action] === null);
  return [
    ...possible.map((action) => ({
      ...base, group: t("Actions"), hint: "", title: t(ACTIONS[action]?.title ?? "", { name: title }),
      run: () => ACTIONS[action]?.run(module, page.snapshot),
    })),
    { ...base, group: t("Modules"), title, hint: module.summary, run: () => go(addressTo("modules", [name])) },
    ...(service ? [{
      ...base, group: t("Modules"), title: labelled(title, t("Terminal")), hint: "", words: `${base.words} shell exec`,
      run: () => go(terminalOf(name, service)),
    }] : []),
    { ...base, group: t("Modules"), title: labelled(title, t("Logs")), hint: "", run: () => go(addressTo("logs", [name])) },
    {
      ...base, group: t("Modules"), title: labelled(title, t("Settings")), hint: "",
      run: () => go(addressTo("modules", [name, "settings"])),
    },
  ];
}

/** @param {string} text @returns {Command} */
export const logSearch = (text) => ({
  group: t("Logs"), title: t("Search the logs for “{text}”", { text }), hint: "", words: "", icon: "text-search",
  run: () => go(addressTo("logs", [], { text, only: "1" })),
});

/** @param {Setting[]} entries @param {PageState} page @returns {Command[]} */
export const settingCommands = (entries, { snapshot }) =>
  entries.map(({ address, title, help }) => {
    const [owner = ""] = address.split(".", 1);
    const module = snapshot?.modules.find(({ name }) => name === owner);
    const found = { find: address };
    const where = module ? addressTo("modules", [owner, "settings"], found) : addressTo("settings", [], found);
    return {
      group: t("Settings"), title, hint: module?.title ?? t("Settings"), words: `${address} ${help}`,
      icon: "sliders-horizontal", run: WEBHOOK_SETTINGS.includes(address) ? openWebhook : () => go(where),
    };
  });

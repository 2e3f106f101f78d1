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
import { backUp, backupsOf, canBackUp, checkAgain, isThere } from "../pages/backups/list.js";
import { openModule, removeModule, restartModule, startModule, stopEverything, stopModule } from "../pages/modules/actions.js";
import { offered } from "../pages/modules/run_action.js";
import { hasTerminal, mainService, terminalOf } from "../pages/modules/service_state.js";
import { askForAll } from "../pages/upgrade/asking.js";
import { askRegistries, offered as upgrades, upgradeList, upgradeOf } from "../pages/upgrade/list.js";
import { showShortcuts } from "./shortcuts.js";
import { OF_ACTION, OF_TYPE, SYNONYMS } from "./synonyms.js";

/**
 * @import { Module, ModuleAbilities, Setting, Snapshot } from "../contract.d.ts"
 * @import { PageState } from "../types.d.ts"
 */

/**
 * @typedef {{group: string, title: string, hint: string, words: string, icon: string, run: () => void,
 *   synonyms?: string, module?: Module, keys?: string}} Command
 *   `synonyms`, `words`: what it is found by, too
 */

/** @type {Partial<Record<keyof ModuleAbilities, {icon: string, title: string, run: (module: Module, snapshot: Snapshot|null) => void}>>} */
const ACTIONS = {
  open: { icon: "external-link", title: mark("Open {name}"), run: openModule },
  start: { icon: "play", title: mark("Start {name}"), run: startModule },
  restart: { icon: "rotate-cw", title: mark("Restart {name}"), run: restartModule },
  stop: { icon: "square", title: mark("Stop {name}"), run: stopModule },
  remove: { icon: "trash-2", title: mark("Remove {name}…"), run: removeModule },
};

/** Goes there. What is named by `at` gets the focus once it is there, else the page has it. @param {string} address */
const visit = (address) => () => {
  go(address);
  document.getElementById("main")?.focus({ preventScroll: true });
};

/** The title in the reader's language; the English one is a synonym. @param {string} text @param {string} [name] fills {name} */
const named = (text, name = "") => ({
  title: t(text, { name }), synonyms: `${text.replace("{name}", name)} ${SYNONYMS[text] ?? ""}`,
});

/** @param {PageState} page @returns {Command[]} */
export function commands(page) {
  return [...pages(), ...ofTheWhole(page), ...(page.snapshot?.modules ?? []).flatMap((module) => ofModule(module, page))];
}

/** @returns {Command[]} */
const pages = () => [
  ...Object.entries(PAGES).flatMap(([name, { title, icon, keys }]) => (icon ? [{
    ...named(title), group: t("Pages"), hint: "", words: name, icon, keys: keys && shortcut(keys), run: visit(name),
  }] : [])),
  {
    ...named(mark("All shortcuts")), group: t("Pages"), hint: "", words: "", icon: "keyboard", keys: "?",
    run: showShortcuts,
  },
];

/** @param {PageState} page @returns {Command[]} */
function ofTheWhole({ snapshot }) {
  if (!snapshot) return [];
  const group = t("Actions");
  const { start, stop: stopping } = snapshot.abilities;
  return [
    ...(start === null ? [{ ...named(mark("Start all")), group, hint: "", words: "", icon: "play", run: actions.startAll }] : []),
    ...(stopping === null
      ? [{ ...named(mark("Stop all")), group, hint: "", words: "", icon: "square", run: () => stopEverything(snapshot) }] : []),
    { ...named(mark("New alert rule")), group, hint: "", words: "", icon: "bell", run: () => askForRule() },
    ...(canBackUp() ? [{ ...named(mark("Back up now")), group, hint: "", words: "", icon: "archive", run: () => void backUp(null) }] : []),
    ...(backupsOf().some(isThere) ? [{
      ...named(mark("Check all backups")), group, hint: "", words: "", icon: "shield-check", run: () => {
        go("backups");
        checkAgain(backupsOf());
      },
    }] : []),
    { ...named(mark("Restore from a file")), group, hint: "", words: "", icon: "archive-restore", run: () => go("backups?file=1") },
    { ...named(mark("Move to another computer")), group, hint: "", words: "", icon: "package", run: () => go("backups?move=1") },
    { ...named(mark("Save recovery key")), group, hint: "", words: "", icon: "key-round", run: () => go("backups?key=1") },
    ...(upgrades().length ? [{ ...named(mark("Upgrade all")), group, hint: "", words: "", icon: "circle-arrow-up", run: askForAll }] : []),
    ...(upgradeList()?.modules.length ? [{
      ...named(mark("Look for new versions")), group, hint: "", words: "", icon: "search", run: () => void askRegistries(),
    }] : []),
    { ...named(mark("Add a module")), group, hint: "", words: "", icon: "plus", run: () => go("home?add=1") },
  ];
}

/** @param {Module} module @param {PageState} page @returns {Command[]} */
function ofModule(module, page) {
  const { title, name, abilities } = module;
  const main = mainService(module);
  const services = main ? [main, ...module.services.filter((one) => one !== main && hasTerminal(one))] : [];
  const base = { module, icon: module.icon, words: `${name} ${module.summary}` };
  const possible = /** @type {(keyof ModuleAbilities)[]} */ (Object.keys(ACTIONS)).filter((action) => abilities[action] === null);
  return [
    ...possible.map((action) => ({
      ...base, ...named(ACTIONS[action]?.title ?? "", title), group: t("Actions"), hint: "",
      words: `${base.words} ${OF_ACTION[action] ?? ""}`, run: () => ACTIONS[action]?.run(module, page.snapshot),
    })),
    ...(canBackUp() ? [{
      ...base, ...named(mark("Back up {name}"), title), group: t("Actions"), hint: "", words: `${base.words} ${OF_ACTION["backUp"]}`,
      run: () => void backUp([name]),
    }] : []),
    ...(upgradeOf(name)?.offer ? [{
      ...base, ...named(mark("Upgrade {name}…"), title), group: t("Actions"), hint: "", words: `${base.words} ${OF_ACTION["upgrade"]}`,
      run: visit(addressTo("modules", [name])),
    }] : []),
    ...offered(name).filter(({ enabled }) => enabled).map(({ text, run }) => ({
      ...base, group: t("Actions"), title: labelled(title, text), hint: "", synonyms: SYNONYMS["Actions"], run,
    })),
    { ...base, group: t("Modules"), title, hint: module.summary, run: visit(addressTo("modules", [name])) },
    ...services.map((service) => ({
      ...base, group: t("Modules"), title: labelled(title, t("Terminal")), synonyms: SYNONYMS["Terminal"], hint: service.name,
      words: `${base.words} ${service.name}`, run: () => go(terminalOf(name, service.name)),
    })),
    {
      ...base, group: t("Modules"), title: labelled(title, t("Logs")), synonyms: SYNONYMS["Logs"], hint: "",
      run: visit(addressTo("logs", [name])),
    },
    {
      ...base, group: t("Modules"), title: labelled(title, t("Backups")), synonyms: SYNONYMS["Backups"], hint: "",
      run: visit(addressTo("modules", [name, "backups"])),
    },
    {
      ...base, group: t("Modules"), title: labelled(title, t("Settings")), synonyms: SYNONYMS["Settings"], hint: "",
      run: visit(addressTo("modules", [name, "settings"])),
    },
  ];
}

/** @param {string} text @returns {Command} */
export const logSearch = (text) => ({
  group: t("Logs"), title: t("Search the logs for “{text}”", { text }), hint: "", words: "", icon: "text-search",
  run: () => go(addressTo("logs", [], { text, only: "1" })),
});

/** Rows of the settings that are no setting of the owner's, by what they are called on the page. */
const ROWS = {
  autostart: mark("Start at login"), "single-keys": mark("Single-key shortcuts"), chosen: mark("Start all starts"),
  "kept-logs": mark("Logs by module"), home: mark("Folder of settings"), packages: mark("Libraries"),
  version: mark("Version of AI-Server Tray"),
};

/** @param {Setting[]} entries @param {PageState} page @returns {Command[]} The applet's first, then by module as on Home. */
export function settingCommands(entries, { snapshot }) {
  const base = { group: t("Settings"), icon: "sliders-horizontal" };
  const modules = [...snapshot?.modules ?? []].sort((a, b) => Number(a.kind === "basic") - Number(b.kind === "basic"));
  const of = (/** @type {string} */ owner) => entries.filter(({ address }) => address.split(".", 1)[0] === owner);
  return [
    ...of("app").map((setting) => ({
      ...base, ...foundBy(setting), hint: t("Settings"),
      run: WEBHOOK_SETTINGS.includes(setting.address) ? openWebhook : visit(addressTo("settings", [], { at: setting.address })),
    })),
    ...Object.entries(ROWS).map(([at, title]) => ({
      ...base, ...named(title), words: "", hint: t("Settings"), run: visit(addressTo("settings", [], { at })),
    })),
    ...modules.flatMap((module) => of(module.name).map((setting) => {
      const { title, words, synonyms } = foundBy(setting);
      return {
        ...base, title, hint: module.title, words, synonyms: `${synonyms} ${module.title} ${module.name}`,
        run: visit(addressTo("modules", [module.name, "settings"], { at: setting.address })),
      };
    })),
  ];
}

/** @param {Setting} setting */
const foundBy = ({ address, title, help, type, choices }) => ({
  title, synonyms: SYNONYMS[address] ?? OF_TYPE[type] ?? "", words: `${address} ${help} ${Object.values(choices).join(" ")}`,
});

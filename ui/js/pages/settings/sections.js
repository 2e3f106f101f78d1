// @ts-check
/** The sections of the app's settings, with what is in them. */
import { html } from "../../../vendor/lit-html/lit-html.js";
import { ask, confirm } from "../../base/actions.js";
import { labelled } from "../../base/format.js";
import { mark, t } from "../../base/i18n.js";
import { hasSingleKeys, press, setSingleKeys } from "../../base/keys.js";
import { update } from "../../base/store.js";
import { button } from "../../components/button.js";
import { copyButton } from "../../components/copy.js";
import { select, toggle } from "../../components/field.js";
import { icon } from "../../components/icon.js";
import { pill } from "../../components/state.js";
import { chooseFolder } from "../backups/folder.js";
import { backupList } from "../backups/list.js";
import { ownRoomRows } from "../engine/room.js";
import { keptLogRows } from "../logs/keeping.js";
import { engines } from "./engines.js";
import { mirrors } from "./mirrors.js";
import { change, changeAutostart, load, own } from "./state.js";
import { themes } from "./themes.js";

/**
 * @import { Package, Setting } from "../../contract.d.ts"
 * @import { PageState, SettingRow } from "../../types.d.ts"
 */

/** @typedef {{name: string, title: string, icon: string, rows: (page: PageState) => SettingRow[]}} Section */

const NOT_KEPT = "app.logs_not_kept";

/** @type {Section[]} */
export const SECTIONS = [
  {
    name: "general", title: mark("General"), icon: "settings",
    rows: () => [...rows("app.language"), ...theme(), singleKeys()],
  },
  {
    name: "start", title: mark("Start-up"), icon: "power",
    rows: (page) => [...atLogin(), ...rows("app.start_desired", "app.stop_unused_basics"), ...startAll(page)],
  },
  {
    name: "notifications", title: mark("Notifications"), icon: "bell",
    rows: () => [...rows("app.notify_alerts", "app.notify_operations", "app.notify_engine"), alertRules()],
  },
  {
    name: "logs", title: mark("Kept logs"), icon: "scroll-text",
    rows: (page) => [...rows("app.logs_keep", "app.logs_keep_days", "app.logs_keep_size", "app.logs_engine_size"), ...keptLogs(page)],
  },
  {
    name: "backups", title: mark("Backups"), icon: "archive-restore",
    rows: () => [...backupFolder(), ...rows(
      "app.backup_every", "app.backup_time", "app.backup_weekday", "app.backup_keep_daily", "app.backup_keep_weekly", "app.backup_keep_monthly",
    )],
  },
  {
    name: "docker", title: mark("Docker"), icon: "container",
    rows: (page) => [...engine(page), ...engines(page), ...ownRoomRows(page), severalComputers(), ...rows("app.stop_unused_engine", "app.ca_certificates", "app.kernel_settings")],
  },
  {
    name: "mirrors", title: mark("Mirrors"), icon: "cloud-download",
    rows: () => of("app.mirrors").map((setting) => ({ ...texts(setting), below: mirrors(setting) })),
  },
  {
    name: "modules", title: mark("Modules"), icon: "package", rows: () => [...rows("app.check_versions", "app.keep_upgrades_days", "app.check_models"), ...moduleFolders()],
  },
  { name: "advanced", title: mark("Advanced"), icon: "sliders-horizontal", rows: () => rows("app.bind", "app.acme_directory") },
  { name: "about", title: mark("About"), icon: "info", rows: about },
];

/** @param {...string} addresses @returns {Setting[]} */
const of = (...addresses) => addresses.flatMap((address) => own.get().settings[address] ?? []);

/** @param {Setting} setting */
const texts = ({ address, title, help }) => ({ id: address, title, help });

/** @param {...string} addresses @returns {SettingRow[]} */
const rows = (...addresses) => of(...addresses).map((setting) => ({ ...texts(setting), control: control(setting) }));

/** @returns {SettingRow} */
const alertRules = () => ({
  id: "alert-rules", title: t("Alert rules and webhook"), help: t("What is watched, and where you are notified"),
  control: html`<a class="button small" href="#alerts">${icon("bell")}<span>${t("Show")}</span></a>`,
});

/** @returns {SettingRow} */
const severalComputers = () => ({
  id: "cluster", title: t("Run on several computers"), help: t("On a Docker Swarm, when one computer is not enough"),
  control: html`<a class="button small" href="#cluster">${icon("network")}<span>${t("Show")}</span></a>`,
});

/** @param {PageState} page */
function keptLogs(page) {
  const notKept = (own.get().settings[NOT_KEPT]?.value ?? "").split(" ").filter(Boolean);
  return keptLogRows(page, notKept, (names) => change(NOT_KEPT, names.join(" ")));
}

/** @param {Setting} setting */
function control({ address, type, value, choices, title }) {
  const set = (/** @type {string} */ text) => change(address, text);
  if (type === "boolean") {
    return toggle({ id: address, on: value === "true", label: title, change: (on) => set(String(on)) });
  }
  if (type === "choice") {
    return select({
      id: address, value, label: title, change: set,
      choices: Object.entries(choices).map(([own, text]) => ({ value: own, text })),
    });
  }
  return html`<form class="sr-text" @submit=${(/** @type {SubmitEvent} */ event) => {
    event.preventDefault();
    set(String(new FormData(/** @type {HTMLFormElement} */ (event.target)).get("value")));
  }}>
    <span class="input"><input id=${address} name="value" .value=${value} aria-labelledby="label-${address}"
      autocomplete="off" spellcheck="false"></span>
    <button class="button small">${t("Apply")}</button>
  </form>`;
}

const backupFolder = () => of("app.backup_folder").map((setting) => ({
  ...texts(setting), control: html`<span class="buttons"><code class="cut">${setting.value || backupList()?.folder}</code>${button({
    text: t("Choose…"), name: labelled(t("Choose…"), setting.title), icon: "folder-open", size: "small", run: chooseFolder,
  })}</span>`,
}));

const theme = () => of("app.theme").map((setting) => ({
  ...texts(setting), help: "", control: themes(setting, (value) => change(setting.address, value)),
}));

/** @returns {SettingRow} */
function singleKeys() {
  const title = t("Single-key shortcuts");
  return {
    id: "single-keys", title, help: t("Such as R to restart a module. They never work while you write."),
    control: html`<span class="buttons">${button({
      text: t("All shortcuts"), icon: "keyboard", size: "small", run: () => press("?"),
    })}${toggle({
      id: "single-keys", on: hasSingleKeys(), label: title, change: (on) => {
        setSingleKeys(on);
        update({});
      },
    })}</span>`,
  };
}

/** @returns {SettingRow[]} */
function atLogin() {
  const { autostart } = own.get();
  if (!autostart?.supported) return [];
  const title = t("Start at login");
  return [{
    id: "autostart", title, help: t("The tray icon appears when you sign in."),
    control: toggle({ id: "autostart", on: autostart.enabled, label: title, change: changeAutostart }),
  }];
}

/** @param {PageState} page @returns {SettingRow[]} */
function startAll({ snapshot }) {
  const features = (snapshot?.modules ?? []).filter(({ kind, orphan }) => kind === "feature" && !orphan);
  if (!snapshot || !features.length) return [];
  const set = (/** @type {string} */ name, /** @type {boolean} */ isOn) => ask("chosen", "ai/config/choose", {
    modules: isOn ? [...snapshot.chosen, name] : snapshot.chosen.filter((other) => other !== name),
  });
  return [{
    id: "chosen", title: t("Start all starts"), help: t("Their required services start, too."),
    below: html`<div class="chosen-modules">${features.map(({ name, title }) => html`
      <label class="row-flex"><input type="checkbox" class="check" .checked=${snapshot.chosen.includes(name)}
        @change=${(/** @type {Event} */ { target }) => set(name, /** @type {HTMLInputElement} */ (target).checked)}>${title}</label>`)}
    </div>`,
  }];
}

/** @param {PageState} page @returns {SettingRow[]} */
function engine({ snapshot }) {
  const { about: process } = own.get();
  if (!snapshot || !process) return [];
  const { running, version } = snapshot.engine;
  return [{
    id: "engine", title: running ? t("Docker Engine {version}", { version: version ?? "" }) : t("Docker"),
    help: process.engineOrigin,
    control: html`<span class="buttons">${pill(running ? "running" : "engine_down")}${button({
      text: t("Check"), icon: "stethoscope", size: "small", run: () => { location.hash = "doctor"; },
    })}</span>`,
  }];
}

/** @returns {SettingRow[]} Those that the user added. */
function moduleFolders() {
  const folders = own.get().about?.moduleFolders ?? [];
  return [
    ...folders.map((folder) => ({
      id: folder, title: t("Folder of modules"), help: folder,
      control: html`<span class="buttons">${copyButton(folder, t("Copy path"))}${button({
        text: t("Remove"), name: t("Remove {name}", { name: folder }), icon: "trash-2", size: "small", run: () => askToForget(folder),
      })}</span>`,
    })),
    {
      id: "add-module", covers: "app.module_folders", title: t("Add a module"), help: t("From a folder with a Compose file"),
      control: html`<a class="button small" href="#home?add=1">${icon("plus")}<span>${t("Add")}</span></a>`,
    },
  ];
}

/** @param {string} folder */
const askToForget = (folder) => confirm({
  title: t("Remove this folder?"),
  text: t("Its modules leave the dashboard. The files stay in {folder}, and containers keep running until you remove them.", { folder }),
  action: t("Remove"),
  run: async () => {
    if ((await ask("catalog", "ai/catalog/remove", { folder })).success) load();
  },
});

/** @returns {SettingRow[]} */
function about() {
  const { about: process } = own.get();
  if (!process) return [];
  return [
    {
      id: "version", title: "AI-Server Tray", help: t("Version {version}", { version: process.version }),
    },
    { id: "home", title: t("Folder of settings"), help: process.home, control: copyButton(process.home, t("Copy path")) },
    {
      id: "packages", title: t("Libraries"), help: t("What AI-Server Tray consists of, with versions and licences"),
      control: button({ text: t("Show"), size: "small", run: showPackages }),
    },
    ...process.catalogs.map((folder) => ({
      id: folder, title: t("Folder of modules"), help: folder, control: copyButton(folder, t("Copy path")),
    })),
  ];
}

async function showPackages() {
  const [answer, page] = await Promise.all([
    ask("packages", "ai/app/packages", {}), fetch("vendor/manifest.json").then((response) => response.json(), () => []),
  ]);
  if (!answer.success) return;
  /** @type {Package[]} */
  const packages = [...answer.data.packages, ...page];
  confirm({
    title: t("Libraries"), text: "",
    more: html`<table class="table"><thead><tr><th>${t("Name")}</th><th>${t("Version")}</th><th>${t("Licence")}</th></tr></thead>
      <tbody>${packages.map(({ name, version, licence }) => html`
        <tr><td>${name}</td><td class="num">${version}</td><td>${licence}</td></tr>`)}</tbody></table>`,
  });
}

// @ts-check
import { mark, t } from "../../base/i18n.js";

/** @type {Record<string, string>} */
const NAMES = {
  address: mark("Address of Docker"),
  autostart: mark("Start at login"),
  backups: mark("Backups"),
  catalog: mark("Modules"),
  clock: mark("Clock"),
  connection: mark("Connection to Docker"),
  crash: mark("Crash report"),
  disk: mark("Disk space"),
  engine: mark("Docker"),
  files: mark("Damaged files"),
  graphics: mark("Graphics card"),
  icon: mark("Tray icon"),
  images: mark("Unused images"),
  installations: mark("Other installations"),
  key: mark("Encryption key"),
  locks: mark("Locks and sockets"),
  logs: mark("Logs"),
  memory: mark("Memory"),
  modules: mark("Chosen modules"),
  names: mark("Names"),
  ports: mark("Ports"),
  resources: mark("Resources"),
  secrets: mark("Secrets"),
  settings: mark("Settings"),
  windows: mark("Application windows"),
};

/** @param {string} name of a check */
export const nameOf = (name) => t(NAMES[name] ?? name);

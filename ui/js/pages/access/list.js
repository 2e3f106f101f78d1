// @ts-check
/** From where modules can be used, kept up to date for all parts of the page, and what is done about it. */
import { ask } from "../../base/actions.js";
import { CONNECTION, inOrder, on } from "../../base/bridge.js";
import { current, slice } from "../../base/store.js";

/** @import { AccessList, Code, LockRequest, Module, ModuleAccess, OpenModule, OpenRequest } from "../../contract.d.ts" */

const own = slice({
  list: /** @type {AccessList|null} */ (null),
  open: /** @type {OpenModule[]} */ ([]),
  /** QR codes, by their text. */
  codes: /** @type {Record<string, Code>} */ ({}),
  /** Addresses with the key of the extra lock, by module. */
  links: /** @type {Record<string, {url: string, ipUrl: string}>} */ ({}),
  /** How many parts of the page show the list. */
  followers: 0,
});

/** `null`: not known yet. */
export const accessList = () => own.get().list;

/** @param {string} name of a module @returns {ModuleAccess|undefined} none: it can't be opened */
export const accessOf = (name) => accessList()?.modules.find((one) => one.name === name);

/** The modules that are open to the network, or are to be. */
export const openModules = () => own.get().open;

/** @param {string} name @returns {OpenModule|undefined} */
export const openOf = (name) => openModules().find((one) => one.name === name);

/** Where a module is opened. While it is open to the network, its cookies and sign-ins count only there. @param {Module} module */
export function pageOf({ name, open }) {
  const found = openOf(name);
  return open && (found?.state === "open" || found?.state === "broken") ? found.page : open;
}

const take = inOrder("ai/access/list", (answer) => answer.success && own.set({ list: answer.data }));

export const loadAccess = () => take({});

/** Asking costs requests to the modules: only while somebody looks. */
const refresh = () => own.get().followers && loadAccess();

/** Keeps the list up to date. @returns {() => void} ends that */
export function follow() {
  own.set({ followers: own.get().followers + 1 });
  loadAccess();
  return () => own.set({ followers: own.get().followers - 1 });
}

on(CONNECTION, ({ state }) => state === "up" && refresh());
on("ai/access/event", ({ modules }) => {
  own.set({ open: modules, links: {} });
  // Home shows why an address is broken.
  if (modules.some(({ state }) => state === "broken")) loadAccess();
  else refresh();
});

/** @param {string} module */
export const keyOf = (module) => `access ${module}`;

/** @param {string} module */
export const canChange = (module) => current().connection === "up" && !current().asked.has(keyOf(module));

/** @param {string} module */
export async function closeNow(module) {
  await ask(keyOf(module), "ai/access/close", { module });
  refresh();
}

/** @param {OpenRequest} request */
export async function open(request) {
  await ask(keyOf(request.module), "ai/access/open", request);
  refresh();
}

/** @param {string} module @param {LockRequest["state"]} state */
export async function setLock(module, state) {
  await ask(keyOf(module), "ai/access/lock", { module, state });
  own.set({ links: {} });
  refresh();
}

/** The addresses with the key, once somebody has asked for them. @param {string} module */
export const linkOf = (module) => own.get().links[module];

/** Each time is an entry in Activity. @param {string} module */
export async function showLink(module) {
  const answer = await ask(`link ${module}`, "ai/access/link", { module });
  if (answer.success) own.set({ links: { ...own.get().links, [module]: answer.data } });
}

/** @param {string} module */
export async function checkNow(module) {
  const answer = await ask(keyOf(module), "ai/access/check", { modules: [module] });
  if (answer.success) own.set({ list: answer.data });
}

/** All devices have to trust another one then. */
export async function forgetCertificate() {
  await ask("certificate", "ai/access/forget", {});
  loadAccess();
}

/** The QR code of a text, once it is there. @param {string} text @returns {Code|undefined} */
export function codeOf(text) {
  const { codes } = own.get();
  if (!(text in codes)) loadCode(text);
  return codes[text];
}

const asked = new Set();

/** @param {string} text */
async function loadCode(text) {
  if (asked.has(text)) return;
  asked.add(text);
  const answer = await ask(`code ${text}`, "ai/access/code", { text });
  if (answer.success) own.set({ codes: { ...own.get().codes, [text]: answer.data } });
}

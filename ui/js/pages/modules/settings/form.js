// @ts-check
/**
 * The form's state: settings as they are stored, drafts of changes, and what the owner says to them.
 *
 * @import { Effects, Error, Field, Previous, SettingCheck } from "../../../contract.d.ts"
 * @import { PageState } from "../../../types.d.ts"
 */
import { invoke } from "../../../base/bridge.js";
import { current, observe, slice } from "../../../base/store.js";

/** @typedef {Record<string, string|null>} Draft New values by address; `null` resets a setting. */

const CHECK_MS = 250;

/** The row for a new variable. */
const NOT_TYPED = { service: "", name: "", value: "", isSecret: false };

const EMPTY = {
  module: "",
  /** @type {Field[]|null} `null` until they are there */
  settings: null,
  /** @type {string[]} that can get further variables */
  services: [],
  /** a further variable that is not added yet */
  typed: NOT_TYPED,
  /** @type {Previous|null} */
  previous: null,
  /** @type {Error|null} why there are no settings */
  error: null,
  /** @type {Record<string, SettingCheck>} */
  checks: {},
  /** @type {Effects|null} */
  effects: null,
  /** @type {Error|null} what stands against the changes */
  blocker: null,
  /** whether the owner works on what the draft says */
  isChecking: false,
  /** @type {Record<string, number>} what each service uses, in bytes */
  memory: {},
};

const own = slice(EMPTY);

/** @type {Map<string, Draft>} By module: a draft stays while the page does. It is without the row for a new variable. */
const drafts = new Map();

/** @type {ReturnType<typeof setTimeout>|undefined} */
let timer;
let round = 0;
let isOpen = false;

// Changes that were saved wait, or are applied by now.
observe((now, before) => {
  if (isOpen && isOutdated(now) !== isOutdated(before)) check();
});

/** @param {PageState} page */
const isOutdated = ({ snapshot }) => snapshot?.modules.find(({ name }) => name === form().module)?.outdated ?? false;

export const form = () => own.get();
/** The variable of the row for a new one counts as a change as soon as it can be added. */
export const draft = () => ({ ...entered(), ...typed() });
const entered = () => drafts.get(form().module) ?? {};
export const isChanged = () => Object.keys(draft()).length > 0;
export const isValid = () => Object.values(form().checks).every(({ error }) => !error);

/** Whether nothing that runs now has to be recreated. */
export const isIdle = () => form().blocker?.code === "E_ENGINE_DOWN" || form().effects?.modules.length === 0;

/** @returns {"now"|"later"} */
export const whenNow = () => (isIdle() ? "later" : "now");

/** @returns {Draft} */
function typed() {
  const { name, value, isSecret } = form().typed;
  if (!name.trim() || (isSecret && !value)) return {};
  return { [[form().module, isSecret ? "secret" : "variable", typedService(), name.trim()].join(".")]: value };
}

/** The service that gets the new variable: the first one unless another is chosen. */
export function typedService() {
  const { services, typed: { service } } = form();
  return services.includes(service) ? service : services[0] ?? "";
}

/** The address of the new variable, if it can be added. */
export const typedAddress = () => Object.keys(typed())[0];

/** @param {Partial<typeof NOT_TYPED>} patch what was typed */
export function type(patch) {
  own.set({ typed: { ...form().typed, ...patch } });
  recheck();
}

/** Takes the new variable into the draft, and empties its row. */
export function addTyped() {
  drafts.set(form().module, draft());
  own.set({ typed: NOT_TYPED });
}

/** Whether a setting is only in the row for a new variable. @param {string} address */
export const isOnlyTyped = (address) => !(address in entered()) && !form().settings?.some((one) => one.address === address);

/** All settings, with the further variables that are about to be new. */
export function fields() {
  const settings = form().settings ?? [];
  const known = new Set(settings.map(({ address }) => address));
  return [...settings, ...Object.keys(draft()).filter((address) => !known.has(address)).map(newVariable)];
}

/** @param {string} address A further variable. @returns {Field} */
export function newVariable(address) {
  const [, kind, service, ...name] = address.split(".");
  return {
    address, type: kind === "secret" ? "secret" : "text", value: "", origin: "none", title: `${name.join(".")} (${service})`,
    help: "", keep: false, choices: {}, group: "variables", section: "", default: null, choiceHelp: {}, pattern: null,
    generated: false, locked: false, upgraded: false, tokenOf: null, services: [], readBy: [],
  };
}

/** @param {string} address */
export const checkOf = (address) => form().checks[address];

/** @param {Field} field The value that it would have. */
export function valueOf({ address, value, default: initial, type }) {
  const drafted = draft()[address];
  if (drafted === undefined) return type === "secret" ? "" : value;
  return drafted ?? initial ?? "";
}

/** @param {string} module */
export async function openForm(module) {
  isOpen = true;
  if (form().module !== module) own.set({ ...EMPTY, module });
  await reload();
}

export function closeForm() {
  isOpen = false;
  addTyped();
}

/** Reads the settings again: they were changed, here or elsewhere. */
export async function reload() {
  const { module } = form();
  const [answer, usage] = await Promise.all([
    invoke("ai/config/form", { module }),
    invoke("ai/stats/history", { module }),
  ]);
  if (form().module !== module) return;
  if (!answer.success) {
    own.set({ error: answer });
    return;
  }
  const { settings, services, previous } = answer.data;
  own.set({ settings, services, previous, error: null, memory: usage.success ? lastOf(usage.data.services) : {} });
  prune();
  check();
}

/** @param {{service: string, memory: (number|null)[]}[]} services */
const lastOf = (services) =>
  Object.fromEntries(services.map(({ service, memory }) => [service, memory.findLast((value) => value !== null) ?? 0]));

/** Takes out of the draft what is stored by now. */
function prune() {
  for (const field of form().settings ?? []) {
    const drafted = draft()[field.address];
    if (drafted !== undefined && isStored(field, drafted)) undo(field.address);
  }
}

/** @param {Field} field @param {string|null} value */
const isStored = ({ type, value: stored, origin, group }, value) =>
  type !== "secret" && (value === null ? origin !== "set" : value === stored && (group !== "variables" || origin === "set"));

/** @param {Field} field @param {string|null} value */
export function change(field, value) {
  if (isStored(field, value)) undo(field.address);
  else put({ ...entered(), [field.address]: value });
}

/** @param {string} address */
export function undo(address) {
  if (address in typed()) own.set({ typed: NOT_TYPED });
  const { [address]: _, ...rest } = entered();
  put(rest);
}

export function discard() {
  own.set({ typed: NOT_TYPED });
  put({});
}

/** @param {Draft} changes */
function put(changes) {
  drafts.set(form().module, changes);
  recheck();
}

function recheck() {
  const changes = draft();
  const checks = Object.entries(form().checks).filter(([address]) => address in changes);
  own.set({ checks: Object.fromEntries(checks), isChecking: true });
  clearTimeout(timer);
  timer = setTimeout(check, CHECK_MS);
}

/** Asks the owner about the draft: whether each value can be taken, and what all of it would do. */
async function check() {
  const asked = { module: form().module, changes: draft() };
  round += 1;
  const mine = round;
  if (!isChanged() && !isOutdated(current())) {
    own.set({ checks: {}, effects: null, blocker: null, isChecking: false });
    return;
  }
  own.set({ isChecking: true });
  const checked = await invoke("ai/config/check", asked);
  if (mine !== round) return;
  const checks = checked.success ? checked.data.checks : [];
  own.set({ checks: Object.fromEntries(checks.map((one) => [one.address, one])) });
  const previewed = isValid() ? await invoke("ai/config/preview", asked) : null;
  if (mine !== round) return;
  own.set({
    isChecking: false,
    effects: previewed?.success ? previewed.data : null,
    blocker: previewed && !previewed.success ? previewed : null,
  });
}

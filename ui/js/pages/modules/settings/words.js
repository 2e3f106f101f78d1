// @ts-check
/** Settings and their values as people read them. */
import { bytes } from "../../../base/format.js";
import { t } from "../../../base/i18n.js";

/** @import { Field, SettingGroup } from "../../../contract.d.ts" */

export const GROUPS = /** @type {Exclude<SettingGroup, "advanced"|"variables">[]} */ (["general", "memory", "secrets"]);

const UNITS = "bkmgtp";
const STEP = 1024;

/** @param {string} address as an element's id */
export const idOf = (address) => `setting-${address.replaceAll(".", "-")}`;

/** @param {typeof GROUPS[number]} group */
export const groupTitle = (group) =>
  ({ general: t("General"), memory: t("Memory"), secrets: t("Secrets") })[group];

/** @param {string} size as settings have it, such as `512m` @returns {[number: string, unit: string]} */
export function splitSize(size) {
  const unit = size.at(-1)?.toLowerCase() ?? "";
  return unit && UNITS.includes(unit) ? [size.slice(0, -1), unit] : [size, ""];
}

/** @param {string} size @returns {number} bytes, or NaN */
export function bytesOf(size) {
  const [number, unit] = splitSize(size);
  return Number.parseFloat(number) * STEP ** Math.max(0, UNITS.indexOf(unit || "b"));
}

/** @param {number} size as settings have it: `512m` */
export function sizeValue(size) {
  let [count, unit] = [size, 0];
  while (count >= STEP && unit < UNITS.length - 1) [count, unit] = [count / STEP, unit + 1];
  return `${Number(count.toFixed(2))}${UNITS[unit]}`;
}

/** @param {Field} field @param {string|null|undefined} value */
export function shown({ type, choices, default: initial }, value) {
  if (type === "secret") return t("a new value");
  const text = value ?? initial ?? "";
  if (type === "boolean") return text === "true" ? t("On") : t("Off");
  if (type === "choice") return choices[text] ?? text;
  if (type === "size" && Number.isFinite(bytesOf(text))) return bytes(bytesOf(text));
  return text || t("empty");
}

/** @param {Field} field @param {string|null} value */
export const changeText = (field, value) =>
  field.type === "secret"
    ? t("{name}: new value", { name: field.title })
    : t("{name} {before} → {after}", { name: field.title, before: shown(field, field.value), after: shown(field, value) });

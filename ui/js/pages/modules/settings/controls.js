// @ts-check
/** A control for each type of setting. */
import { html, nothing } from "../../../../vendor/lit-html/lit-html.js";
import { addressTo } from "../../../base/address.js";
import { bytes } from "../../../base/format.js";
import { t } from "../../../base/i18n.js";
import { choiceCards, input, toggle } from "../../../components/field.js";
import { folderPicker } from "../../../components/folder_picker.js";
import { upgradeOf } from "../../upgrade/list.js";
import { change, checkOf, form, valueOf } from "./form.js";
import { secret } from "./secret.js";
import { bytesOf, idOf, shown, sizeValue, splitSize } from "./words.js";

/** @import { Field } from "../../../contract.d.ts" */

const GB = 1024 ** 3;
const STOPS = [64, 128, 256, 512, 768, 1024, 1536, 2048, 3072, 4096, 6144, 8192, 12288, 16384, 24576, 32768, 49152, 65536, 98304, 131072]
  .map((megabytes) => megabytes * 1024 ** 2);
const TICKS = 4;

/** @param {Field} field @param {number|null} memory of the engine's machine */
export function control(field, memory) {
  if (field.upgraded) return version(field);
  if (field.type === "secret") return secret(field);
  if (field.type === "choice") return choices(field);
  if (field.type === "boolean") return onOff(field);
  if (field.type === "size") return size(field, memory);
  if (field.type === "folder") return folder(field);
  return text(field);
}

/** @param {Field} field Only shown: an upgrade changes it, to which a link leads if one is offered. */
function version(field) {
  const upgrade = upgradeOf(form().module);
  return html`<span class="row-flex"><output class="control" id=${idOf(field.address)}>${shown(field, field.value)}</output>${upgrade?.offer
    ? html`<a class="link control" href="#${addressTo("modules", [upgrade.name])}">${t("Upgrade {name}…", { name: upgrade.title })}</a>` : nothing}</span>`;
}

/** @param {Field} field */
const text = (field) => html`
  <div class="setting-${field.type}">${input({
    id: idOf(field.address), value: valueOf(field), change: (value) => change(field, value),
    invalid: Boolean(checkOf(field.address)?.error), placeholder: t("Not set"),
  })}</div>`;

/** @param {Field} field */
const folder = (field) => html`
  <div class="setting-folder">${folderPicker({
    id: idOf(field.address), label: field.title, value: valueOf(field), change: (value) => change(field, value),
    invalid: Boolean(checkOf(field.address)?.error), placeholder: t("Not set"),
  })}</div>`;

/** @param {Field} field */
const choices = (field) => choiceCards({
  id: idOf(field.address), label: field.title, value: valueOf(field), change: (value) => change(field, value),
  choices: Object.entries(field.choices).map(([value, title]) => ({ value, title, text: field.choiceHelp[value] ?? "" })),
});

/** @param {Field} field */
function onOff(field) {
  const on = valueOf(field) === "true";
  return html`
    <div class="row-flex onoff">
      ${toggle({ id: idOf(field.address), on, change: (value) => change(field, String(value)) })}
      <span class="control muted" aria-hidden="true">${on ? t("On") : t("Off")}</span>
    </div>`;
}

/** @param {Field} field @param {number|null} memory A slider for usual sizes, and a number for all. */
function size(field, memory) {
  const value = valueOf(field);
  const held = bytesOf(value);
  const [number, unit] = splitSize(value);
  const stops = stopsAround(bytesOf(field.default ?? value) || GB, memory);
  const at = stops.findIndex((stop) => stop >= held);
  return html`
    <div class="size">
      <div>
        <input type="range" class="slider" min="0" max=${stops.length - 1} step="1" aria-label=${field.title}
          aria-valuetext=${Number.isFinite(held) ? bytes(held) : nothing} .value=${String(at < 0 ? stops.length - 1 : at)}
          @input=${(/** @type {InputEvent} */ { target }) =>
            change(field, sizeValue(stops[Number(/** @type {HTMLInputElement} */ (target).value)] ?? GB))}>
        <div class="ticks num" aria-hidden="true">${ticks(stops).map((stop) => html`<span>${bytes(stop)}</span>`)}</div>
      </div>
      ${input({
        id: idOf(field.address), value: number, unit: unit ? `${unit.toUpperCase()}B` : "B",
        change: (typed) => change(field, splitSize(typed)[1] ? typed : typed + unit),
        invalid: Boolean(checkOf(field.address)?.error),
      })}
    </div>`;
}

/** @param {number} initial @param {number|null} memory Sizes from a quarter of `initial` to what there is. */
function stopsAround(initial, memory) {
  const most = Math.min(memory ?? Number.POSITIVE_INFINITY, initial * 8);
  const stops = STOPS.filter((stop) => stop >= initial / 4 && stop <= Math.max(most, initial));
  return stops.length > 1 ? stops : STOPS;
}

/** @param {number[]} stops A few of them, evenly spaced. */
function ticks(stops) {
  const count = Math.min(TICKS, stops.length);
  return Array.from({ length: count }, (_, i) => stops[Math.round((i * (stops.length - 1)) / (count - 1))] ?? 0);
}

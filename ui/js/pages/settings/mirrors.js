// @ts-check
/** The list of mirrors: those above are tried first. */
import { html } from "../../../vendor/lit-html/lit-html.js";
import { labelled } from "../../base/format.js";
import { t } from "../../base/i18n.js";
import { button } from "../../components/button.js";
import { showToast } from "../../components/toast.js";
import { change } from "./state.js";

/** @import { Setting } from "../../contract.d.ts" */

/** @param {Setting} setting */
export function mirrors({ address, value }) {
  const all = value.split(" ").filter(Boolean);
  const set = (/** @type {string[]} */ list) => change(address, list.join(" "));
  return html`
    <ol class="mirrors">
      ${all.map((mirror, place) => mirrorRow(mirror, {
        up: place > 0 ? () => set(moved(all, place, -1)) : null,
        down: place < all.length - 1 ? () => set(moved(all, place, 1)) : null,
        remove: () => remove(all, place, set),
      }))}
      <li class="mr"><span class="muted grow">${t("Then the image's own registry")}</span></li>
    </ol>
    <form class="sr-text" @submit=${(/** @type {SubmitEvent} */ event) => add(event, all, set)}>
      <span class="input"><input id=${address} name="mirror" placeholder="mirror.example.com" aria-label=${t("Address of a mirror")}
        autocomplete="off" spellcheck="false"></span>
      <button class="button small">${t("Add")}</button>
    </form>`;
}

/** @param {string} mirror @param {{up: (() => void)|null, down: (() => void)|null, remove: () => void}} moves */
const mirrorRow = (mirror, { up, down, remove: drop }) => html`
  <li class="mr"><span class="mono grow cut">${mirror}</span>
    ${move(t("Move up"), "arrow-up", mirror, up)} ${move(t("Move down"), "arrow-down", mirror, down)}
    ${move(t("Remove"), "x", mirror, drop)}
  </li>`;

/** @param {string} text @param {string} icon @param {string} mirror @param {(() => void)|null} run */
const move = (text, icon, mirror, run) => button({
  text, icon, name: labelled(text, mirror), kind: "quiet", size: "small", iconOnly: true,
  enabled: run !== null, run: () => run?.(),
});

/** @param {string[]} all @param {number} place @param {number} step */
function moved(all, place, step) {
  const list = [...all];
  const [mirror = ""] = list.splice(place, 1);
  list.splice(place + step, 0, mirror);
  return list;
}

/** @param {string[]} all @param {number} place @param {(list: string[]) => Promise<boolean>} set */
async function remove(all, place, set) {
  if (!(await set(all.filter((_, index) => index !== place)))) return;
  showToast({ text: t("Removed {name}", { name: all[place] }), icon: "trash-2", undo: () => set(all) });
}

/** @param {SubmitEvent} event @param {string[]} all @param {(list: string[]) => Promise<boolean>} set */
async function add(event, all, set) {
  event.preventDefault();
  const form = /** @type {HTMLFormElement} */ (event.target);
  const mirror = String(new FormData(form).get("mirror")).trim();
  if (mirror && (await set([...all, mirror]))) form.reset();
}

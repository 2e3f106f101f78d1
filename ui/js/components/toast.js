// @ts-check
/** Short messages in a corner that go by themselves. No problem is only a toast. */
import { repeat } from "../../vendor/lit-html/directives/repeat.js";
import { html, nothing } from "../../vendor/lit-html/lit-html.js";
import { t } from "../base/i18n.js";
import { slice } from "../base/store.js";
import { button } from "./button.js";
import { icon } from "./icon.js";

/**
 * @typedef {{text: string, undo?: () => void, show?: () => void, about?: string, icon?: string}} Toast
 *   `undo`: what takes it back; `show`: what shows more of it; `about`: a newer one about the same takes its place
 */

const MOST = 3;
const SHOWN_MS = 6000;
const ACTION_MS = 10000;

const own = slice({ toasts: /** @type {(Toast & {id: number})[]} */ ([]) });
/** @type {Map<number, ReturnType<typeof setTimeout>>} */
const timers = new Map();
let count = 0;

/** @param {Toast} toast */
export function showToast(toast) {
  count += 1;
  const others = own.get().toasts.filter(({ about }) => about === undefined || about !== toast.about);
  own.set({ toasts: [...others, { ...toast, id: count }].slice(-MOST) });
  rest(count, toast);
}

/** @param {number} id @param {Toast} toast */
function rest(id, { undo, show }) {
  timers.set(id, setTimeout(() => remove(id), undo || show ? ACTION_MS : SHOWN_MS));
}

/** @param {number} id */
function remove(id) {
  clearTimeout(timers.get(id));
  timers.delete(id);
  own.set({ toasts: own.get().toasts.filter((toast) => toast.id !== id) });
}

/** @param {string} text @param {number} id of the toast, which goes then @param {() => void} act */
const action = (text, id, act) => button({
  text, kind: "quiet", size: "small", run: () => {
    remove(id);
    act();
  },
});

export const toasts = () => html`
  <div class="toasts" role="status">
    ${repeat(own.get().toasts, ({ id }) => id, (toast) => html`
      <div class="toast" @pointerenter=${() => clearTimeout(timers.get(toast.id))}
        @pointerleave=${() => rest(toast.id, toast)}>
        ${icon(toast.icon ?? "circle-check", toast.icon === "triangle-alert" ? "busy" : "")}<span class="grow">${toast.text}</span>
        ${toast.undo ? action(t("Undo"), toast.id, toast.undo) : nothing}
        ${toast.show ? action(t("Show"), toast.id, toast.show) : nothing}
        ${button({
          text: t("Dismiss"), icon: "x", kind: "quiet", size: "small", iconOnly: true,
          run: () => remove(toast.id),
        })}
      </div>`)}
  </div>`;

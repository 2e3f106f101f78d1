// @ts-check
/** A menu beside the button that opens it. There is one at a time. */
import { html, nothing, render } from "../../vendor/lit-html/lit-html.js";
import { button } from "./button.js";
import { icon } from "./icon.js";

/**
 * @typedef {{text: string, run?: () => void, href?: string, icon?: string, more?: unknown,
 *   kind?: "danger", enabled?: boolean, why?: string|null, checked?: boolean, choice?: boolean}} Item
 *   `href`: an address of the page, or of a web page, instead of `run`; `more`: what stands at its end;
 *   `checked`: of one that is on or off, and leaves the menu open; `choice`: of one of which one is chosen
 */

const menu = /** @type {HTMLElement} */ (document.getElementById("menu"));

/** @type {{opener: HTMLElement, items: () => (Item|null)[]}|null} */
let open = null;

// It comes late: the next menu may be open already.
menu.addEventListener("toggle", () => menu.matches(":popover-open") || close());
menu.addEventListener("keydown", move);

/**
 * Opens a menu at `opener`; `null` is a line between items.
 * @param {HTMLElement} opener @param {() => (Item|null)[]} items
 */
export function openMenu(opener, items) {
  if (open) close();
  open = { opener, items };
  opener.setAttribute("aria-expanded", "true");
  showMenu();
  menu.showPopover();
  place(opener);
  elements()[0]?.focus();
}

/** @param {HTMLElement} opener Below it, or above where there is no room. */
function place(opener) {
  const at = opener.getBoundingClientRect();
  const { offsetWidth: width, offsetHeight: height } = menu;
  const left = at.left + width > innerWidth - 8 ? at.right - width : at.left;
  const top = at.bottom + 4 + height > innerHeight - 8 ? at.top - height - 4 : at.bottom + 4;
  menu.style.left = `${Math.max(8, left)}px`;
  menu.style.top = `${Math.max(8, top)}px`;
}

function close() {
  const was = open;
  open = null;
  if (menu.matches(":popover-open")) menu.hidePopover();
  was?.opener.setAttribute("aria-expanded", "false");
  if (was?.opener.isConnected && menu.contains(document.activeElement)) was.opener.focus();
  render(nothing, menu);
}

/** Draws the open menu: its items may change while it is open. */
export function showMenu() {
  if (open) render(trimmed(open.items()).map(shown), menu);
}

/** Without lines that part nothing. @param {(Item|null)[]} items */
const trimmed = (items) => items.filter((item, index) => item || (index && items[index + 1]));

/** @param {Item|null} item */
function shown(item) {
  if (!item) return html`<hr>`;
  const { text, enabled = true, href, run } = item;
  const content = html`${item.icon ? icon(item.icon) : nothing}<span class="grow">${text}</span>${item.more ?? nothing}`;
  if (href) {
    return html`<a class="mi ${item.kind ?? ""}" role="menuitem" href=${href} @click=${close}
      target=${href.startsWith("#") ? nothing : "_blank"} rel=${href.startsWith("#") ? nothing : "noopener noreferrer"}>${content}</a>`;
  }
  const choose = () => {
    if (!enabled) return;
    if (item.checked === undefined) close();
    run?.();
  };
  const state = item.checked ?? item.choice;
  return html`
    <button type="button" class="mi ${item.kind ?? ""}" role=${roleOf(item)} aria-disabled=${enabled ? nothing : "true"}
      aria-checked=${state ?? nothing} title=${item.why ?? nothing} @click=${choose}>${
      state === undefined ? nothing : icon("check", state ? "on" : "off")}${content}</button>`;
}

/** @param {Item} item */
function roleOf({ checked, choice }) {
  if (checked !== undefined) return "menuitemcheckbox";
  return choice === undefined ? "menuitem" : "menuitemradio";
}

const elements = () => /** @type {HTMLElement[]} */ ([...menu.querySelectorAll(".mi")]);

/** @param {KeyboardEvent} event */
function move(event) {
  const all = elements();
  const at = all.indexOf(/** @type {HTMLElement} */ (document.activeElement));
  /** @type {Record<string, number>} */
  const to = { ArrowDown: at + 1, ArrowUp: at - 1 + all.length, Home: 0, End: all.length - 1 };
  const next = to[event.key];
  if (event.key === "Tab") close();
  if (next === undefined) return;
  event.preventDefault();
  all[next % all.length]?.focus();
}

/**
 * A button that opens a menu.
 * @param {{text: string, items: () => (Item|null)[], name?: string, icon?: string, size?: "small",
 *   kind?: import("./button.js").Kind, iconOnly?: boolean}} options
 */
export const menuButton = ({ items, icon: drawing = "ellipsis", kind = "quiet", iconOnly = true, ...more }) =>
  button({
    ...more, kind, iconOnly, icon: drawing,
    run: (event) => openMenu(/** @type {HTMLElement} */ (event.currentTarget), items),
  });

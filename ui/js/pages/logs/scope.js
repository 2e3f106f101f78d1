// @ts-check
/** Whose lines are shown: a menu of modules and of services. */
import { html, nothing } from "../../../vendor/lit-html/lit-html.js";
import { addressTo, go, goQuery } from "../../base/address.js";
import { labelled } from "../../base/format.js";
import { t, tn } from "../../base/i18n.js";
import { current } from "../../base/store.js";
import { icon } from "../../components/icon.js";
import { openMenu } from "../../components/menu.js";
import { keptModules } from "./kept.js";
import { view } from "./state.js";

/**
 * @import { Module } from "../../contract.d.ts"
 * @import { Item } from "../../components/menu.js"
 */

/** What the applet itself does is kept as lines of this module. */
const OWNER = "AI-Server";

/** @param {string|null} name of the module that the page is about */
export function scopeButton(name) {
  const { wanted: { modules, services } } = view();
  const own = moduleOf(name);
  if (own && own.services.length < 2) return nothing;
  const all = own ? t("All services") : t("All modules");
  const text = textOf(name ? [] : modules, services, all);
  const count = own ? own.services.length : names([]).size + 1;
  return html`
    <button type="button" class="select scope ${text === all ? "all" : ""}" aria-haspopup="menu" aria-expanded="false"
      @click=${(/** @type {MouseEvent} */ { currentTarget }) => openMenu(/** @type {HTMLElement} */ (currentTarget), () => own ? serviceItems(own) : moduleItems())}>
      ${icon("boxes")}<span class="unseen">${labelled(own ? t("Services") : t("Modules"), "")}</span><span class="cut">${text}</span>${text === all ? html`<span class="tag">${count}</span>` : nothing}${icon("chevron-down")}
    </button>`;
}

/** @param {string|null} name */
const moduleOf = (name) => current().snapshot?.modules.find((module) => module.name === name);

/** @param {string[]} chosen Names of these, and of all modules that may have lines: they have containers, or had some. */
function names(chosen) {
  const there = (current().snapshot?.modules ?? []).filter(({ services }) => services.some(({ state }) => state !== "absent"));
  const found = new Set([...there.map(({ name }) => name), ...keptModules(), ...chosen]);
  found.delete(OWNER);
  return found;
}

/** @param {string[]} modules @param {string[]} services @param {string} all */
function textOf(modules, services, all) {
  const chosen = [...modules.map((name) => moduleOf(name)?.title ?? name), ...services];
  if (chosen.length > 1) return tn("{count} chosen", "{count} chosen", chosen.length);
  return chosen[0] ?? all;
}

/** @returns {(Item|null)[]} */
function moduleItems() {
  const { wanted: { modules, services } } = view();
  const [only] = modules;
  const single = modules.length === 1 && !services.length ? moduleOf(only ?? "") : moduleOf(services[0]?.split("/")[0] ?? "");
  return [
    { text: t("All modules"), checked: !modules.length && !services.length, run: () => choose([], []) },
    null,
    ...[...names(modules), OWNER].map((name) => ({
      text: moduleOf(name)?.title ?? name, checked: modules.includes(name), run: () => choose(toggled(modules, name), services),
    })),
    ...(single && single.services.length > 1 ? [null, ...single.services.map(({ name: service }) => {
      const full = `${single.name}/${service}`;
      return {
        text: full, checked: services.includes(full),
        run: () => choose(modules.filter((name) => name !== single.name), toggled(services, full)),
      };
    })] : []),
  ];
}

/** @param {Module} module @returns {(Item|null)[]} */
function serviceItems({ name, services: all }) {
  const { wanted: { services } } = view();
  return [
    { text: t("All services"), checked: !services.length, run: () => goQuery({ service: "" }) },
    null,
    ...all.map(({ name: service }) => ({
      text: service, checked: services.includes(`${name}/${service}`),
      run: () => goQuery({ service: toggled(services, `${name}/${service}`).map((one) => one.slice(name.length + 1)).join(",") }),
    })),
  ];
}

/** @param {string[]} all @param {string} one */
const toggled = (all, one) => (all.includes(one) ? all.filter((other) => other !== one) : [...all, one]);

/** @param {string[]} modules @param {string[]} services */
export function choose(modules, services) {
  const { service: _, ...query } = current().address.query;
  go(addressTo("logs", [], { ...query, of: [...modules, ...services].join(",") }));
}

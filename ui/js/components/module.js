// @ts-check
/** A module: how it is, and what can be done with it. */
import { html, nothing } from "../../vendor/lit-html/lit-html.js";
import * as actions from "../actions.js";
import { isBrowser } from "../bridge.js";
import { labelled, list } from "../format.js";
import { t, tn } from "../i18n.js";
import { button } from "./button.js";
import { icon } from "./icon.js";
import { progress } from "./meter.js";
import { pill } from "./state.js";

/**
 * @import { Module, State } from "../contract.d.ts"
 * @import { ModuleAction, PageState } from "../types.d.ts"
 */

/** @param {Module} module @param {PageState} page */
export const card = (module, page) => html`
  <li class="card module" data-module=${module.name} data-state=${module.state}>
    <div class="module-head">
      <h3>${titleOf(module)}</h3>
      ${pill(module.state)}
    </div>
    ${module.summary ? html`<p class="summary">${module.summary}</p>` : nothing}
    ${reason(module)}
    ${count(module)}
    <div class="module-foot">
      <span class="muted">${facts(module, page)}</span>
      <div class="buttons">${buttons(module, page)}</div>
    </div>
  </li>`;

/** @param {Module} module @param {PageState} page */
export const row = (module, page) => html`
  <li class="row module" data-module=${module.name} data-state=${module.state}>
    <div class="row-title">
      <h3>${titleOf(module)}</h3>
      <span class="muted">${facts(module, page)}</span>
    </div>
    <div class="row-state">${pill(module.state)}${count(module)}</div>
    <div class="buttons">${buttons(module, page)}</div>
    ${reason(module)}
  </li>`;

/** @param {Module} module */
const titleOf = ({ title, name }) => title ?? name;

/** @param {Module} module */
function reason({ reason: why, problem }) {
  return html`
    ${why ? html`<p class="reason">${why}</p>` : nothing}
    ${problem && problem !== why ? html`<p class="reason problem">${problem}</p>` : nothing}`;
}

/** @param {Module} module */
function count({ state, ready, total }) {
  if (state !== "starting" && state !== "degraded") return nothing;
  const text = t("{done} of {total} ready", { done: ready, total });
  return html`
    <div class="count">
      ${progress(text, ready / (total || 1))}
      <span class="muted number">${text}</span>
    </div>`;
}

/** @param {Module} module @param {PageState} page */
function facts({ orphan, usedBy, ports }, { snapshot }) {
  const titles = new Map(snapshot?.modules.map((module) => [module.name, module.title]));
  const told = [];
  if (orphan) told.push(t("No longer in the catalog"));
  if (ports.length) told.push([...new Set(ports.map((p) => `${p.address}:${p.host}`))].join(" "));
  if (usedBy.length) {
    told.push(t("used by {names}", { names: list(usedBy.map((name) => titles.get(name) ?? name)) }));
  }
  return told.join(" · ");
}

/** @param {Module} module @param {PageState} page */
function buttons(module, page) {
  const { name, state, orphan } = module;
  const isThere = state !== "stopped" && state !== "engine_down";
  const isUp = isThere && !orphan && !TROUBLED.has(state);
  const restart = { ...about(module, t("Restart")), ...can(module, "restart", page), icon: "rotate-cw" };
  const end = { ...about(module, t("Stop")), ...can(module, "stopWithUsers", page), icon: "square" };
  return html`
    ${isThere && module.open ? openButton(module, page) : nothing}
    ${isThere && !orphan
      ? button({ ...restart, ...small, run: () => actions.restart(name) })
      : nothing}
    ${isThere && !isUp ? button({ ...end, ...small, run: () => stop(module, page) }) : nothing}
    ${isUp ? button({ ...end, run: () => stop(module, page) }) : firstButton(module, page)}`;
}

/** @param {Module} module @param {PageState} page */
function firstButton(module, page) {
  if (module.orphan) {
    return button({
      ...about(module, t("Remove")), ...can(module, "remove", page), icon: "x",
      run: () => actions.remove(module.name),
    });
  }
  return button({
    ...about(module, t("Start")), ...can(module, "start", page), icon: "play",
    run: () => actions.start(module.name),
  });
}

/** @type {ReadonlySet<State>} */
const TROUBLED = new Set(["error", "degraded"]);

const small = { kind: /** @type {const} */ ("quiet"), iconOnly: true };

/** @param {Module} module @param {string} verb */
const about = (module, verb) => ({ text: verb, name: labelled(verb, titleOf(module)) });

/**
 * Whether the button for `action` works now, and why not.
 * @param {Module} module @param {ModuleAction} action @param {PageState} page
 */
function can({ name, abilities }, action, { asked, connection }) {
  const why = abilities[action];
  const key = action === "open" ? `open ${name}` : name;
  return { why, enabled: why === null && connection === "up" && !asked.has(key) };
}

/** @param {Module} module @param {PageState} page */
function openButton(module, page) {
  const look = { ...about(module, t("Open")), icon: "external-link" };
  if (isBrowser && module.abilities.open === null) {
    return html`
      <a class="button plain" href=${module.open} target="_blank" rel="noopener noreferrer"
        aria-label=${look.name}>${icon(look.icon)}<span>${look.text}</span></a>`;
  }
  return button({ ...look, ...can(module, "open", page), run: () => actions.open(module.name) });
}

/** @param {Module} module @param {PageState} page */
function stop(module, { snapshot }) {
  const users = (snapshot?.modules ?? []).filter(
    ({ name, state }) => module.usedBy.includes(name) && state !== "stopped",
  );
  if (!users.length) {
    actions.stop(module.name);
    return;
  }
  actions.confirm({
    title: t("Stop {name}?", { name: titleOf(module) }),
    text: tn(
      "{users} uses it and will stop too. Your data is kept.",
      "{users} use it and will stop too. Your data is kept.",
      users.length,
      { users: list(users.map(titleOf)) },
    ),
    action: t("Stop"),
    run: () => actions.stopWithUsers(module.name),
  });
}

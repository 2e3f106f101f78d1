// @ts-check
/** A module: how it is, and what can be done with it. */
import { html, nothing } from "../../vendor/lit-html/lit-html.js";
import * as actions from "../actions.js";
import { isBrowser } from "../bridge.js";
import { list } from "../format.js";
import { t } from "../i18n.js";
import { button } from "./button.js";
import { icon } from "./icon.js";
import { isActive } from "./operations.js";
import { pill } from "./state.js";

/**
 * @typedef {import("../types.js").PageState} PageState
 * @typedef {import("../types.js").Module} Module
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
const reason = (module) => (module.reason ? html`<p class="reason">${module.reason}</p>` : nothing);

/** @param {Module} module */
function count({ state, ready, total }) {
  if (state !== "starting" && state !== "degraded") return nothing;
  const text = t("{ready} of {total} ready", { ready, total });
  return html`
    <div class="count">
      <progress max=${total || 1} .value=${ready} aria-label=${text}></progress>
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
  const { name, state } = module;
  const isFree = isUsable(module, page);
  const isUp = ["running", "degraded", "error"].includes(state);
  const about = (/** @type {string} */ text) => ({ text, name: `${text}: ${titleOf(module)}` });
  return html`
    ${module.open ? openButton(module, page) : nothing}
    ${button({
      ...about(t("Restart")), icon: "rotate-cw", kind: "quiet", iconOnly: true,
      enabled: isFree && isUp, run: () => actions.restart(name),
    })}
    ${isUp && state !== "error"
      ? button({
          ...about(t("Stop")), icon: "square", enabled: isFree, run: () => stop(module, page),
        })
      : startButtons(module, page)}`;
}

/** @param {Module} module @param {PageState} page */
function startButtons(module, page) {
  const isFree = isUsable(module, page);
  const about = (/** @type {string} */ text) => ({ text, name: `${text}: ${titleOf(module)}` });
  return html`
    ${module.state === "error"
      ? button({
          ...about(t("Stop")), icon: "square", kind: "quiet", iconOnly: true, enabled: isFree,
          run: () => stop(module, page),
        })
      : nothing}
    ${button({
      ...about(t("Start")), icon: "play", enabled: isFree && !module.orphan,
      run: () => actions.start(module.name),
    })}`;
}

/** @param {Module} module @param {PageState} page */
function isUsable({ name, state }, { snapshot, asked, connection }) {
  const isBusy = snapshot?.operations.some((o) => isActive(o) && o.modules.includes(name));
  const isMoving = state === "starting" || state === "stopping";
  return connection === "up" && Boolean(snapshot?.engine.running) && !isBusy && !isMoving
    && !asked.has(name);
}

/** @param {Module} module @param {PageState} page */
function openButton(module, { asked, connection }) {
  const isReady = module.state === "running" || module.state === "degraded";
  const name = `${t("Open")}: ${titleOf(module)}`;
  if (isBrowser && isReady) {
    return html`
      <a class="button plain" href=${module.open} target="_blank" rel="noopener noreferrer"
        aria-label=${name}>${icon("external-link")}<span>${t("Open")}</span></a>`;
  }
  return button({
    text: t("Open"), name, icon: "external-link", run: () => actions.open(module.name),
    enabled: isReady && connection === "up" && !asked.has(`open ${module.name}`),
  });
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
    text: t("{users} need it and will be stopped first. All data stays.", {
      users: list(users.map(titleOf)),
    }),
    action: t("Stop"),
    run: () => actions.stopWithUsers(module.name),
  });
}

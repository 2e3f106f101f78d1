// @ts-check
/** What is being done. */
import { html, nothing } from "../../vendor/lit-html/lit-html.js";
import { repeat } from "../../vendor/lit-html/directives/repeat.js";
import * as actions from "../actions.js";
import { labelled, list, timeLeft } from "../format.js";
import { mark, t } from "../i18n.js";
import { button } from "./button.js";
import { progress } from "./meter.js";

/**
 * @import { Module, Operation, OperationKind } from "../contract.d.ts"
 * @import { PageState } from "../types.d.ts"
 */

/** @type {Record<OperationKind, [some: string, all: string]>} */
const WORDS = {
  up: [mark("Starting {names}"), mark("Starting everything")],
  stop: [mark("Stopping {names}"), mark("Stopping everything")],
  down: [mark("Removing {names}"), mark("Removing everything")],
  restart: [mark("Restarting {names}"), mark("Restarting everything")],
  pull: [mark("Downloading {names}"), mark("Downloading all images")],
  build: [mark("Building images for {names}"), mark("Building all images")],
};

/** @type {Record<OperationKind, string>} What it counts: who stops something waits for nothing to be ready. */
const COUNTS = {
  up: mark("{done} of {total} ready"),
  stop: mark("{done} of {total} stopped"),
  down: mark("{done} of {total} removed"),
  restart: mark("{done} of {total} ready"),
  pull: mark("{done} of {total} downloaded"),
  build: mark("{done} of {total} built"),
};

/** @param {Operation} operation */
const isActive = ({ status }) => status === "waiting" || status === "running";

/** @param {PageState} page */
export function operations({ snapshot, asked, connection }) {
  const active = snapshot?.operations.filter(isActive) ?? [];
  const isUp = connection === "up";
  const modules = snapshot?.modules ?? [];
  return repeat(active, idOf, (/** @type {Operation} */ operation) =>
    running(operation, title(operation, modules), isUp && !asked.has(`cancel ${operation.id}`)));
}

const idOf = (/** @type {{id: string}} */ { id }) => id;

/** @param {Operation} operation @param {string} what @param {boolean} canCancel */
const running = (operation, what, canCancel) => html`
  <section class="operation" aria-label=${what} data-operation=${operation.id}>
    <div class="operation-text">
      <strong>${what}</strong>
      <span class="muted grow" title=${detail(operation)}>${detail(operation)}</span>
      <span class="muted number">${remaining(operation)}</span>
      ${operation.foreign ? nothing : button({
        text: t("Cancel"), name: labelled(t("Cancel"), what), kind: "quiet", enabled: canCancel,
        run: () => actions.cancel(operation.id),
      })}
    </div>
    ${progress(t("Progress"), operation.done / (operation.total || 1))}
  </section>`;

/** @param {Operation} operation @param {Module[]} modules */
function title({ kind, modules: names }, modules) {
  const [some, all] = WORDS[kind];
  if (!names.length) return t(all);
  const titles = new Map(modules.map((module) => [module.name, module.title]));
  return t(some, { names: list(names.map((name) => titles.get(name) ?? name)) });
}

/** @param {Operation} operation */
function detail({ status, text }) {
  return text ?? (status === "waiting" ? t("Waiting for another task") : "");
}

/** @param {Operation} operation */
function remaining({ kind, done, total, secondsLeft }) {
  const count = total ? t(COUNTS[kind], { done, total }) : "";
  return secondsLeft === null ? count : `${count} · ${timeLeft(secondsLeft)}`;
}

// @ts-check
/** What is being done, and what went wrong with what was done. */
import { html, nothing } from "../../vendor/lit-html/lit-html.js";
import { repeat } from "../../vendor/lit-html/directives/repeat.js";
import * as actions from "../actions.js";
import { labelled, list, timeLeft } from "../format.js";
import { mark, t } from "../i18n.js";
import { button } from "./button.js";
import { icon } from "./icon.js";
import { progress } from "./meter.js";

/**
 * @import { Error, Module, Operation, OperationKind, Remedy } from "../contract.d.ts"
 * @import { PageState } from "../types.d.ts"
 */

/** @type {Record<OperationKind, [doing: string, failed: string, doingAll: string, failedAll: string]>} */
const WORDS = {
  up: [
    mark("Starting {names}"),
    mark("{names} couldn't start"),
    mark("Starting everything"),
    mark("Some modules couldn't start"),
  ],
  stop: [
    mark("Stopping {names}"),
    mark("{names} couldn't stop"),
    mark("Stopping everything"),
    mark("Some modules couldn't stop"),
  ],
  down: [
    mark("Removing {names}"),
    mark("{names} couldn't be removed"),
    mark("Removing everything"),
    mark("Some modules couldn't be removed"),
  ],
  restart: [
    mark("Restarting {names}"),
    mark("{names} couldn't restart"),
    mark("Restarting everything"),
    mark("Some modules couldn't restart"),
  ],
  pull: [
    mark("Downloading {names}"),
    mark("{names} couldn't be downloaded"),
    mark("Downloading all images"),
    mark("Some images couldn't be downloaded"),
  ],
  build: [
    mark("Building images for {names}"),
    mark("Images for {names} couldn't be built"),
    mark("Building all images"),
    mark("Some images couldn't be built"),
  ],
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
    running(operation, title(operation, modules, 0), isUp && !asked.has(`cancel ${operation.id}`)));
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

/** @param {Operation} operation @param {Module[]} modules @param {0|1} which doing, or failed */
function title({ kind, modules: names, revival }, modules, which) {
  const [doing, failing, doingAll, failingAll] = WORDS[kind];
  // A revival brings up what it can: its failure is of some only.
  if (!names.length || (which && revival)) return t(which ? failingAll : doingAll);
  const titles = new Map(modules.map((module) => [module.name, module.title]));
  return t(which ? failing : doing, { names: list(names.map((name) => titles.get(name) ?? name)) });
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

/** @param {PageState} page */
export function failures(page) {
  const { snapshot, failures: answers, dismissed } = page;
  const modules = snapshot?.modules ?? [];
  const told = (snapshot?.operations ?? []).flatMap((operation) => [
    ...(operation.status === "failed" && operation.error && !dismissed.has(operation.id)
      ? [failed(operation, operation.error, title(operation, modules, 1), page)] : []),
    ...(operation.notices.length && !dismissed.has(noteOf(operation)) ? [remark(operation)] : []),
  ]);
  return [...told, ...answers.map((answer) => failure(answer.id, t("Something went wrong"), answer))];
}

/** @param {Operation} operation What its note is dismissed by; its failure is by its own id. */
const noteOf = ({ id }) => `note ${id}`;

/** @param {Operation} operation */
const remark = (operation) =>
  notice({ id: noteOf(operation), kind: "info", lead: t("Please note"), lines: operation.notices });

/** @param {Error} error */
const each = (error) => (error.data.errors?.length ? error.data.errors : [error]);

/** @param {Operation} operation @param {Error} error @param {string} lead @param {PageState} page */
function failed(operation, error, lead, { asked, connection }) {
  const all = each(error);
  const remedies = all.flatMap(({ data }) => data.remedies?.slice(0, 1) ?? []);
  const fixes = remedies.filter(({ kind }) => kind === "set");
  const trusts = remedies.filter(({ kind }) => kind === "trust");
  // What nobody can fix from here would only fail again.
  const isFixable = fixes.length + trusts.length === all.length && !operation.foreign;
  const enabled = connection === "up" && !asked.has(operation.id);
  return failure(operation.id, lead, error,
    isFixable ? fixButton(operation, fixes, trusts, enabled) : nothing);
}

/** @param {Operation} operation @param {Remedy[]} fixes @param {Remedy[]} trusts @param {boolean} enabled */
function fixButton(operation, fixes, trusts, enabled) {
  const action = fixes.length ? t("Allow and start again") : t("Trust and start");
  const questions = new Set(fixes.map(({ question, text }) => question ?? text));
  const run = () => actions.confirm({
    title: fixes.length ? t("Allow this change?") : t("Trust this module?"),
    text: [[...questions].join(" "), ...trusts.map(wishes)].filter(Boolean).join("\n"),
    action,
    run: () => actions.fix(operation, fixes, trusts),
  });
  return html`<div class="fix">${button({ text: action, enabled, run })}</div>`;
}

/** @param {Remedy} trust Each permission of a module on its own line. */
const wishes = ({ module, permissions = [] }) =>
  [t("{module} may then:", { module }), ...permissions.map(({ text }) => `– ${text}`)].join("\n");

/** @param {string} id @param {string} lead @param {Error} error @param {unknown} [more] */
function failure(id, lead, error, more = nothing) {
  const all = each(error);
  const codes = list([...new Set(all.map(({ code }) => code))]);
  return notice({ id, kind: "failure", lead, lines: all.map(({ message }) => message), codes, more });
}

/**
 * @param {{id: string, kind: string, lead: string, lines: string[], codes?: string,
 *   more?: unknown}} told
 */
const notice = ({ id, kind, lead, lines, codes, more = nothing }) => html`
  <div class="notice ${kind}" role=${kind === "info" ? "status" : "alert"}>
    ${icon(kind === "info" ? "info" : "circle-x")}
    <div class="notice-text">
      <strong>${lead}</strong>
      ${lines.map((line) => html`<p>${line}</p>`)}
      ${codes ? html`<code>${codes}</code>` : nothing}
      ${more}
    </div>
    ${button({
      text: t("Dismiss"), name: labelled(t("Dismiss"), lead), icon: "x", kind: "quiet",
      iconOnly: true, run: () => actions.dismiss(id),
    })}
  </div>`;

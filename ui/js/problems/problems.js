// @ts-check
/**
 * What needs the user's attention: failed operations, refused requests, and modules that do not run
 * as they should. The badge on Home, the pill of the whole and the cards are all made from it.
 */
import { explained, plainTitle, titleOf, troubled } from "./words.js";

/**
 * @import { Error, Module, OperationSummary, Remedy, RequestKind, State } from "../contract.d.ts"
 * @import { PageState } from "../types.d.ts"
 */

/**
 * @typedef {{ kind: RequestKind } & Pick<OperationSummary, "modules"|"services">} Again what is tried again
 * @typedef {object} Problem
 * @property {string} id
 * @property {string|null} module the module that it is about
 * @property {string} title what happened
 * @property {string} why its parts between \u0001 are the names that matter
 * @property {string[]} lines what the service or the engine wrote
 * @property {string|null} since
 * @property {Remedy[]} remedies the next steps, the best first
 * @property {Again|null} again
 * @property {string} code may be empty
 * @property {string} raw the whole message
 * @property {number} count of equal ones
 * @property {string[]} dismissible the ids by which it can be dismissed; none: it goes when it is solved
 */

/** Codes of what a lost engine causes: the page says that it is off. */
const ENGINE = ["E_ENGINE_DOWN", "E_ENGINE_NOT_INSTALLED"];

/** Codes of an operation that gave up waiting for a service that is in trouble by itself, too. */
const OF_SERVICES = ["E_EXITED", "E_HEALTH_TIMEOUT", "E_JOB_FAILED"];

/** @type {{of: unknown[], found: Problem[]}} What was found last, and in what. */
let last = { of: [], found: [] };

/** @param {PageState} page @returns {Problem[]} Several parts of the page ask, each time it is drawn. */
export function problems(page) {
  const of = [page.snapshot, page.failures, page.dismissed];
  if (of.some((part, index) => part !== last.of[index])) last = { of, found: find(page) };
  return last.found;
}

/**
 * Those of a module. A failed start is one until the module is started or stopped, also if its card on Home was dismissed.
 * @param {PageState} page @param {string} name @returns {Problem[]}
 */
export function problemsOf(page, name) {
  const found = problems(page).filter(({ module }) => module === name);
  const module = page.snapshot?.modules.find((one) => one.name === name);
  if (found.length || module?.trouble?.kind !== "start") return found;
  return find({ ...page, dismissed: new Set() }).filter(({ module }) => module === name)
    .map((problem) => ({ ...problem, dismissible: [] }));
}

/**
 * How everything is: what needs attention is red, whatever else runs.
 * @param {PageState} page @param {State} state of the whole stack
 */
export const overallState = (page, state) =>
  problems(page).length && state !== "degraded" && state !== "engine_down" ? "error" : state;

/** @param {PageState} page @returns {Problem[]} */
function find(page) {
  const { snapshot, failures } = page;
  if (!snapshot) return [];
  const refused = failures.filter(({ code }) => !snapshot.engine.running || !ENGINE.includes(code));
  const answers = refused.map((answer) => ofAnswer(answer, snapshot.modules));
  if (!snapshot.engine.running) return answers;
  const failed = snapshot.operations.flatMap((operation) => ofOperation(operation, page, snapshot.modules));
  const solvedBy = new Set(failed.flatMap(({ again }) => again?.modules ?? []));
  const worstFirst = [...snapshot.modules].sort((one, other) => rank(one) - rank(other));
  const troubles = worstFirst.flatMap((module) => {
    // What was not created is a consequence of the failure that has its own card.
    const isConsequence = module.trouble?.kind === "absent" && solvedBy.has(module.name);
    // A failed start has the card of its operation.
    return module.trouble && module.trouble.kind !== "start" && !isConsequence ? [ofTrouble(module, snapshot.modules)] : [];
  });
  return joined([...failed.map((problem) => withTrouble(problem, snapshot.modules)), ...troubles, ...answers]);
}

/** @param {Module} module */
const rank = ({ state }) => (state === "error" ? 0 : 1);

/** @param {Error} error */
const each = (error) => (error.data.errors?.length ? error.data.errors : [error]);

/** @param {OperationSummary} operation @param {PageState} page @param {Module[]} modules @returns {Problem[]} */
function ofOperation(operation, { dismissed }, modules) {
  const { id, status, error, kind, foreign } = operation;
  if (status !== "failed" || !error) return [];
  return each(error).flatMap((one, index) => {
    // Nothing is wrong then: the module stays as it is, and its page says why.
    if (one.code === "E_UPGRADE_UNFIT") return [];
    const module = about(one, modules) ?? (operation.modules.length === 1 ? operation.modules[0] : undefined) ?? null;
    const own = `${id}/${index}`;
    if (ENGINE.includes(one.code) || dismissed.has(own) || isSolved(kind, module, modules)) return [];
    // A backup needs its file, and so does what restores one; an upgrade, its version.
    const again = foreign || kind === "backup" || kind === "move" || kind === "restore" || kind === "rehearse" || kind === "upgrade" || kind === "adopt" ? null : { kind, modules: operation.modules, services: operation.services };
    return [{
      ...explained(one, module, modules), title: titleOf(one, operation, module, modules),
      id: own, module, again, since: operation.endedAt, remedies: one.data.remedies ?? [],
      code: one.code, raw: one.message, count: 1, dismissible: [own],
    }];
  });
}

/** The module that an error is about; that of a setting is in its address. @param {Error} error @param {Module[]} modules */
function about({ data }, modules) {
  const [name] = String(/** @type {Record<string, unknown>} */ (data).name ?? "").split(".");
  return data.module ?? modules.find((module) => module.name === name)?.name;
}

/** @param {OperationSummary["kind"]} kind @param {string|null} name @param {Module[]} modules */
const isSolved = (kind, name, modules) =>
  (kind === "up" || kind === "restart") &&
  modules.some((module) => module.name === name && module.state === "running");

/** @param {Error & {id: string}} answer @param {Module[]} modules @returns {Problem} */
function ofAnswer({ id, code, message, data }, modules) {
  const module = data.module ?? null;
  return {
    id, module, title: plainTitle(code, module, modules), why: message, lines: [], since: null,
    remedies: (data.remedies ?? []).filter(({ kind }) => kind === "logs" || kind === "open" || kind === "start_engine"),
    again: null, code, raw: message, count: 1, dismissible: [id],
  };
}

/** @param {Module} module @param {Module[]} modules @returns {Problem} */
function ofTrouble(module, modules) {
  const { reason = "", since = null, remedies = [] } = module.trouble ?? {};
  return {
    ...troubled(module, modules), id: `trouble ${module.name}`, module: module.name, since, remedies,
    again: { kind: "up", modules: [module.name], services: [] }, lines: [], code: "", raw: reason,
    count: 1, dismissible: [],
  };
}

/**
 * An operation that gave up and the trouble of the same service are one problem.
 * @param {Problem} problem @param {Module[]} modules
 */
function withTrouble(problem, modules) {
  const module = modules.find(({ name }) => name === problem.module);
  const trouble = OF_SERVICES.includes(problem.code) ? module?.trouble : null;
  if (!module || !trouble) return problem;
  const kinds = new Set(problem.remedies.map(({ kind }) => kind));
  const more = trouble.remedies.filter(({ kind }) => !kinds.has(kind));
  const isBetter = more[0]?.kind === "set";
  const [first, ...rest] = isBetter ? more : [];
  return {
    ...problem,
    ...(trouble.kind === "memory" ? troubled(module, modules) : {}),
    remedies: [...(first ? [first] : []), ...problem.remedies, ...(isBetter ? rest : more)],
    id: `trouble ${module.name}`,
  };
}

/** Equal ones are one. @param {Problem[]} all @returns {Problem[]} */
function joined(all) {
  /** @type {Map<string, Problem>} */
  const found = new Map();
  for (const problem of all) {
    const key = problem.id.startsWith("trouble ") ? problem.id : `${problem.code} ${problem.module} ${problem.raw}`;
    const known = found.get(key);
    found.set(key, known ? merged(known, problem) : problem);
  }
  return [...found.values()];
}

/** @param {Problem} one @param {Problem} other @returns {Problem} */
function merged(one, other) {
  const isSame = one.code === other.code;
  return {
    ...one,
    count: isSame ? one.count + 1 : one.count,
    since: [one.since, other.since].filter(Boolean).sort()[0] ?? null,
    dismissible: isSame ? [...one.dismissible, ...other.dismissible] : [],
  };
}

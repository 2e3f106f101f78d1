// @ts-check
/** Titles and reasons of problems, by the code of the error. */
import { bytes, capitalised, exactTime, list } from "../base/format.js";
import { mark, t } from "../base/i18n.js";
import { moduleStats } from "../base/stats.js";

/** @import { Error, Module, OperationSummary, OperationKind } from "../contract.d.ts" */

/** @typedef {Record<string, any>} Data of an error; its fields depend on the code */

/** @type {Record<OperationKind, [some: string, all: string]>} */
const FAILED = {
  up: [mark("{names} couldn't start"), mark("Some modules couldn't start")],
  stop: [mark("{names} couldn't stop"), mark("Some modules couldn't stop")],
  down: [mark("{names} couldn't be removed"), mark("Some modules couldn't be removed")],
  restart: [mark("{names} couldn't restart"), mark("Some modules couldn't restart")],
  pull: [mark("{names} couldn't be downloaded"), mark("Some images couldn't be downloaded")],
  build: [mark("Images for {names} couldn't be built"), mark("Some images couldn't be built")],
  backup: [mark("{names} couldn't be backed up"), mark("The backup couldn't be made")],
  move: [mark("{names} couldn't be packed"), mark("The file for another computer couldn't be made")],
  restore: [mark("{names} couldn't be restored"), mark("The backup couldn't be restored")],
  rehearse: [mark("The upgrade of {names} couldn't be rehearsed"), mark("Some upgrades couldn't be rehearsed")],
  adopt: [mark("Your {names} couldn't be copied"), mark("Yours couldn't be copied")],
  upgrade: [mark("{names} couldn't be upgraded"), mark("Some modules couldn't be upgraded")],
};

/** @type {Record<string, string>} */
const TITLES = {
  E_PORT_CONFLICT: mark("{module} couldn't start: port {port} is in use"),
  E_HEALTH_TIMEOUT: mark("{module} isn't healthy yet"),
  E_EXITED: mark("{module} stopped while it was starting"),
  E_JOB_FAILED: mark("{module} couldn't start: a job failed"),
  E_IMAGE_PULL: mark("An image for {module} couldn't be downloaded"),
  E_IMAGE_BUILD: mark("An image for {module} couldn't be built"),
  E_DEP_MISSING: mark("{module} needs a module that is missing: {missing}"),
  E_DEP_CYCLE: mark("{module} couldn't start: modules require each other"),
  E_NAME_CONFLICT: mark("{module} couldn't start: the name {name} is taken"),
  E_TRUST: mark("{module} needs your permission"),
  E_SETTING: mark("{module} couldn't start: a setting has no valid value"),
  E_CATALOG: mark("{module} couldn't start: there is a mistake in its file"),
  E_BUSY: mark("Another task is working on {module}"),
};

/** @type {Record<string, string>} By what is short. */
const SHORT = {
  memory: mark("{module} needs more memory than Docker has"),
  disk: mark("{module} couldn't start: the disk is full"),
};

/** A name that matters within a text. @param {unknown} name */
const strong = (name) => `\u0001${name}\u0001`;

/** @param {string|null} name @param {Module[]} modules */
const titleOfModule = (name, modules) => modules.find((module) => module.name === name)?.title ?? name ?? "";

/**
 * @param {Error} error @param {OperationSummary} operation @param {string|null} module @param {Module[]} modules
 */
export function titleOf({ code, data }, operation, module, modules) {
  const given = /** @type {Data} */ (data);
  const text = code === "E_RESOURCES"
    ? SHORT[given.resource] ?? mark("{module} needs a higher kernel setting") : TITLES[code];
  const names = list((module ? [module] : operation.modules).map((name) => titleOfModule(name, modules)));
  const [some, all] = FAILED[operation.kind];
  // A revival brings up what it can: its failure is of some only.
  if (!names || (!module && operation.revival)) return t(all);
  return text ? t(text, { ...given, module: names }) : t(some, { names });
}

/** The title of a refused request. @param {string} code @param {string|null} module @param {Module[]} modules */
export const plainTitle = (code, module, modules) =>
  code === "E_BUSY" && module
    ? t("Another task is working on {module}", { module: titleOfModule(module, modules) })
    : t("Something went wrong");

/** A service without its module, which the title names. @param {string} address */
const serviceIn = (address) => strong(address.split("/").at(-1));

/** @type {Record<string, (data: Data, module: string) => string>} */
const REASONS = {
  E_PORT_CONFLICT: ({ owner, setting, free }, module) => setting
    ? t("{owner} is using it. Give {module} another port, or close that program and try again.", { owner: strong(owner), module })
    : t("{owner} is using it. Close that program, or change the port in the Compose file of {module}, for example to {free}.",
      { owner: strong(owner), module, free: strong(free) }),
  E_HEALTH_TIMEOUT: ({ service, seconds }) =>
    t("{service} still fails its health check after {seconds} s. It keeps running.", { service: serviceIn(service), seconds: Math.round(seconds) }),
  // What 137 stands for is in `why`.
  E_EXITED: ({ service, exitCode, why }) => exitCode === null || exitCode === undefined || exitCode === 137
    ? t("{service} couldn't run. {why}", { service: serviceIn(service), why: capitalised(why) })
    : t("{service} exited with code {code}. {why}", { service: serviceIn(service), code: exitCode, why }),
  E_JOB_FAILED: ({ service, exitCode }) =>
    t("The job {service} exited with code {code}.", { service: serviceIn(service), code: exitCode }),
  E_IMAGE_PULL: ({ image }) =>
    t("None of the sources has {image}. Check the network, or add a mirror.", { image: strong(image) }),
  E_IMAGE_BUILD: ({ image, why }) => t("{image}: {why}", { image: strong(image), why }),
  E_TRUST: () => t("It doesn't come with AI-Server Tray. Look at what it does, then allow it if you trust who wrote it."),
  E_DEP_MISSING: ({ missing }, module) =>
    t("No catalog folder contains {missing}, which {module} requires.", { missing: strong(missing), module }),
};

/** @type {Record<string, (data: Data, module: string) => string>} */
const SHORTAGES = {
  memory: ({ needed, available }, module) =>
    t("{module} needs {needed}, but Docker has {available}. Give Docker more memory, or don't start this module.",
      { module, needed: strong(bytes(needed)), available: strong(bytes(available)) }),
  disk: ({ needed, available }) =>
    t("Its images and data need {needed}, but only {available} is free.",
      { needed: strong(bytes(needed)), available: strong(bytes(available)) }),
};

/** @type {(data: Data, module: string) => string} */
const kernel = ({ resource, needed, available }, module) =>
  t("{module} needs {name} to be at least {needed}; it is {found}. AI-Server Tray can set it for you.",
    { module, name: strong(resource), needed, found: available });

/**
 * Why, and what was written then.
 * @param {Error} error @param {string|null} module @param {Module[]} modules
 */
export function explained({ code, message, data }, module, modules) {
  const given = /** @type {Data} */ (data);
  const canSet = data.remedies?.some(({ kind }) => kind === "set");
  const reason = code === "E_RESOURCES" ? SHORTAGES[given.resource] ?? (canSet ? kernel : undefined) : REASONS[code];
  const isKnown = reason && !(code === "E_IMAGE_PULL" && !given.tried?.length) && !(code === "E_HEALTH_TIMEOUT" && given.command);
  const why = isKnown ? reason(given, titleOfModule(module, modules)).trim() : message;
  return { why, lines: isKnown ? written(given) : [] };
}

/** @param {Data} data */
function written({ check, lines = [], tried = [] }) {
  return [
    ...tried.map((/** @type {Data} */ { source, why }) => `${source}: ${why}`),
    ...(check ? [check] : []), ...lines,
  ];
}

/** What happened to a module by itself, and why. @param {Module} module @param {Module[]} modules */
export function troubled(module, modules) {
  const { name, title, state, trouble } = module;
  if (trouble?.kind === "memory") {
    return { title: t("{module} ran out of memory", { module: title }), why: outOfMemory(module, trouble, modules) };
  }
  if (trouble?.kind === "killed") {
    const why = [killed(module, trouble), cutOff(module, modules)].filter(Boolean).join("\n");
    return { title: t("{module} was ended from outside", { module: title }), why };
  }
  const what = trouble?.kind === "blocked" ? mark("{module} can't start")
    : state === "degraded" ? mark("{module} is only partly running")
      : trouble?.kind === "unhealthy" ? mark("{module} is unhealthy") : mark("{module} failed");
  const reason = trouble?.reason ?? "";
  const isOther = trouble?.service && trouble.service !== name;
  const why = isOther ? `${strong(trouble.service)}: ${reason}` : capitalised(reason);
  return { title: t(what, { module: title }), why: [why, state === "error" ? cutOff(module, modules) : ""].filter(Boolean).join("\n") };
}

/** Who can't go on without a module. @param {Module} module @param {Module[]} modules */
function cutOff({ usedBy }, modules) {
  const users = list(usedBy.map((user) => titleOfModule(user, modules)));
  return users && t("{names} can't use it until it is back.", { names: users });
}

/** @param {Module} module @param {NonNullable<Module["trouble"]>} trouble */
function killed({ name, services }, { service, since }) {
  const time = since ? exactTime(since) : "";
  const what = service && service !== name
    ? t("The process of {service} was killed (signal 9) at {time}.", { service: strong(service), time })
    : t("Its process was killed (signal 9) at {time}.", { time });
  const limit = services.length === 1 ? services[0]?.memoryLimit : null;
  const used = moduleStats(name).memory.filter((value) => value !== null).at(-1);
  return limit && used
    ? `${what} ${t("It wasn't short of memory: {used} of {limit}.", { used: bytes(used), limit: bytes(limit) })}` : what;
}

/** @param {Module} module @param {NonNullable<Module["trouble"]>} trouble @param {Module[]} modules */
function outOfMemory(module, trouble, modules) {
  const { name, title, services } = module;
  const { available } = trouble;
  const limit = services.find((one) => one.name === trouble.service)?.memoryLimit;
  const service = trouble.service === name ? title : trouble.service;
  return [
    limit ? t("{service} reached its limit of {limit}, so Docker stopped it.", { service, limit: strong(bytes(limit)) })
      : t("{service} used more memory than Docker has left.", { service }),
    cutOff(module, modules),
    available !== null && limit ? t("Up to {available} is available for it.", { available: strong(bytes(available)) }) : "",
  ].filter(Boolean).join(document.documentElement.lang === "zh" ? "" : " ");
}

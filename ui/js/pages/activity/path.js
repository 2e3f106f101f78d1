// @ts-check
/** The steps of an operation in time: what they were for, and which of them decided how long it took. */
import { mark } from "../../base/i18n.js";

/** @import { ActivityStep, StepKind, StepStatus } from "../../contract.d.ts" */

/**
 * @typedef {"pull"|"build"|"create"|"job"|"wait"|"stop"|"remove"|"copy"|"write"} Phase
 * @typedef {Pick<ActivityStep, "kind"|"subject"|"module"|"service"|"usual"|"total"> &
 *   {status: StepStatus, began: number, end: number, phase: Phase}} Bar a step that began
 */

/** @type {Record<Phase, {word: string, doing: string, colour: string}>} In the order of the legend. */
export const PHASES = {
  pull: { word: mark("Download"), doing: mark("{name}: download"), colour: "var(--hue-blue)" },
  build: { word: mark("Build"), doing: mark("{name}: build"), colour: "var(--hue-orchid)" },
  create: { word: mark("Create"), doing: mark("{name}: create and start"), colour: "var(--hue-violet)" },
  job: { word: mark("Job"), doing: mark("{name}: job"), colour: "var(--hue-teal)" },
  wait: { word: mark("Wait until healthy"), doing: mark("{name}: wait until healthy"), colour: "var(--busy-fill)" },
  stop: { word: mark("Stop"), doing: mark("{name}: stop"), colour: "var(--hue-orange)" },
  remove: { word: mark("Remove"), doing: mark("{name}: remove"), colour: "var(--hue-slate)" },
  copy: { word: mark("Copy"), doing: mark("{name}: copy"), colour: "var(--hue-olive)" },
  write: { word: mark("Write and check"), doing: mark("{name}: write and check"), colour: "var(--hue-sky)" },
};

/** @type {Record<StepKind, Phase>} */
const PHASE_OF = {
  pull: "pull", build: "build", network: "create", volume: "create", create: "create", start: "create",
  kernel_setting: "create", wait: "wait", stop: "stop", remove: "remove", remove_network: "remove",
  remove_volume: "remove", clone: "copy", dump: "copy", swap: "copy", pack: "write", unpack: "write", proof: "write",
  trial: "wait", probe: "write", discard: "remove",
};

/**
 * The steps that began. One that runs ends now.
 * @param {ActivityStep[]} steps @param {number} now seconds since the operation began
 * @param {(step: ActivityStep) => boolean} isJob
 * @returns {Bar[]}
 */
export function bars(steps, now, isJob) {
  return steps.flatMap((step) => {
    if (step.began === null) return [];
    const end = step.seconds === null ? Math.max(now, step.began) : step.began + step.seconds;
    const phase = step.kind === "wait" && isJob(step) ? "job" : PHASE_OF[step.kind];
    return [{ ...step, began: step.began, end, phase }];
  });
}

/** Seconds by which a step may seem to begin before the end of the one it waited for: times are rounded. */
const ROUNDING = 0.005;

/**
 * The critical path, in order. A step begins as soon as what it waits for has ended, so the step
 * before is the one that ended last before it began; of several, one of the same service or module.
 * @param {Bar[]} all
 */
export function criticalPath(all) {
  /** @type {Bar[]} */
  const path = [];
  let next = all.reduce((last, bar) => (last && last.end >= bar.end ? last : bar), all[0]);
  while (next) {
    path.unshift(next);
    next = before(next, all.filter((bar) => !path.includes(bar)));
  }
  return path;
}

/** @param {Bar} step @param {Bar[]} others */
function before({ began, module, service }, others) {
  const earlier = others.filter((bar) => bar.end <= began + ROUNDING && bar.began < began + ROUNDING);
  const latest = Math.max(...earlier.map(({ end }) => end));
  const near = earlier.filter(({ end }) => end >= latest - ROUNDING);
  return near.find((bar) => bar.module === module && bar.service === service)
    ?? near.find((bar) => bar.module === module) ?? near[0];
}

/**
 * @typedef {{name: string, bars: Bar[], end: number}} Row
 * @param {Bar[]} all @param {(bar: Bar) => string} nameOf @returns {Row[]} in the order in which they began
 */
export function rows(all, nameOf) {
  /** @type {Map<string, Bar[]>} */
  const byName = new Map();
  for (const bar of [...all].sort((a, b) => a.began - b.began)) {
    byName.set(nameOf(bar), [...(byName.get(nameOf(bar)) ?? []), bar]);
  }
  return [...byName].map(([name, own]) => ({ name, bars: own, end: Math.max(...own.map(({ end }) => end)) }));
}

/**
 * @typedef {{module: string, phase: Phase, seconds: number, usual: number|null, bytes: number}} Part
 * @param {Bar[]} path @returns {Part[]} its longest parts, in order
 */
export function parts(path) {
  /** @type {Map<string, Part>} */
  const found = new Map();
  for (const { module, phase, began, end, usual, total } of path) {
    const key = `${module} ${phase}`;
    const part = found.get(key) ?? { module, phase, seconds: 0, usual: 0, bytes: 0 };
    part.seconds += end - began;
    part.usual = part.usual === null || usual === null ? null : part.usual + usual;
    part.bytes += total;
    found.set(key, part);
  }
  const all = [...found.values()];
  const longest = new Set([...all].sort((a, b) => b.seconds - a.seconds).slice(0, 3));
  return all.filter((part) => longest.has(part));
}

const STEPS = [0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 20, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200];

/** Seconds between two marks of an axis of so many seconds. @param {number} seconds */
export const tick = (seconds) => STEPS.find((step) => seconds / step <= 8) ?? 14400;

// @ts-check
/** What everything uses: processor, memory, and the memory by module against what the engine has. */
import { html, nothing } from "../../../vendor/lit-html/lit-html.js";
import { bytes, gigabytes, labelled, percent } from "../../base/format.js";
import { t, tn } from "../../base/i18n.js";
import { moduleStats, newest, totalStats } from "../../base/stats.js";
import { meter } from "../../components/meter.js";
import { spark } from "../../components/spark.js";
import { hue, hueStyle } from "../../components/tile.js";

/**
 * @import { Module, Snapshot } from "../../contract.d.ts"
 */

/** What would be 0.0 in GB. */
const SMALL = 0.05 * 1024 ** 3;

/** @param {Snapshot} snapshot */
export function heroStats({ engine, modules }) {
  const { cpu, memory } = totalStats();
  const isKnown = newest(memory) !== null && modules.some(({ state }) => state !== "stopped");
  if (!engine.cpus || !engine.memory || !isKnown) return nothing;
  const [cpus, size] = [engine.cpus, engine.memory];
  const [whole, used, held] = [cpus * 100, newest(cpu), newest(memory) ?? 0];
  // A calm stack is not drawn as a wild one: the line has room above.
  const top = Math.max(whole / 4, ...cpu.map((value) => (value ?? 0) * 1.2));
  return html`
    <div class="hero-stats">
      <div>${lead(t("CPU"), used === null ? null : used / whole, tn("of {count} core", "of {count} cores", cpus))}
        ${spark(cpu, { colour: "var(--focus)", height: 34, max: top })}</div>
      <div>${lead(t("Memory"), held / size, t("last 30 min"))}
        ${spark(memory, { colour: "var(--hue-teal)", height: 34, max: size })}</div>
      <div>${budget(modules, held, size)}</div>
    </div>`;
}

/** @param {string} name @param {number|null} share @param {string} more */
const lead = (name, share, more) => html`
  <div class="stat-line"><span>${name}</span><b>${share === null ? "–" : percent(share)}</b><span class="faint">${more}</span></div>`;

/** @param {Module[]} modules @param {number} used @param {number} size */
function budget(modules, used, size) {
  const parts = modules
    .map((module) => ({ module, held: newest(moduleStats(module.name).memory) ?? 0 }))
    .filter(({ held }) => held)
    .sort((one, other) => other.held - one.held);
  return html`
    <div class="stat-line"><span class="grow">${t("Memory by module")}</span><b>${gigabytes(used)}</b>
      <span>${t("of {size} GB for Docker", { size: gigabytes(size) })}</span></div>
    ${meter({
      label: t("{used} of {size} GB memory used", { used: gigabytes(used), size: gigabytes(size) }), size: "thick",
      parts: parts.map(({ module, held }) => ({ share: held / size, colour: hue(module.name), title: told(module, held) })),
    })}
    <div class="fit"><div class="legend">
      ${parts.map(({ module, held }) => html`
        <span .style=${hueStyle(module.name)} title=${told(module, held)}><i class="swatch"></i>${module.title} <b>${held < SMALL ? "< 0.1" : gigabytes(held)}</b></span>`)}
    </div><div class="legend left"><span>${t("Left")} <b>${t("{size} GB", { size: gigabytes(Math.max(0, size - used)) })}</b></span></div></div>`;
}

/** @param {Module} module @param {number} held */
function told({ title, memoryLimit }, held) {
  const value = memoryLimit ? t("{used} of at most {size}", { used: bytes(held), size: bytes(memoryLimit) }) : bytes(held);
  return labelled(title, value);
}

// @ts-check
/** What Docker has on its disk, and what is left there. */
import { html, nothing } from "../../../vendor/lit-html/lit-html.js";
import { invoke, on } from "../../base/bridge.js";
import { ago, bytes } from "../../base/format.js";
import { t } from "../../base/i18n.js";
import { needed } from "../../base/later.js";
import { slice } from "../../base/store.js";
import { button } from "../../components/button.js";
import { meter } from "../../components/meter.js";

/** @import { Disk } from "../../contract.d.ts" */

const own = slice({ disk: /** @type {Disk|null} */ (null), isAsked: false, why: "" });

/** Bytes of memory that are free on the machine of the engine, if that is this one. */
export const freeMemory = () => own.get().disk?.machine?.memoryAvailable ?? null;

/** The owner counts every ten minutes at most; free space is read each time. @returns {() => void} what ends it */
export function followStorage() {
  loadStorage(false);
  return on("ai/stats/sample", () => loadStorage(false));
}

/** @param {boolean} refresh */
async function loadStorage(refresh) {
  if (own.get().isAsked) return;
  own.set({ isAsked: true });
  const answer = await invoke("ai/stats/disk", { refresh });
  own.set(answer.success ? { disk: answer.data, why: "", isAsked: false } : { why: answer.message, isAsked: false });
}

export function storageCard() {
  const { disk, isAsked, why } = own.get();
  return html`
    <section class="card usage storage" data-measure="storage">
      <div class="stat-line"><h2 class="grow">${t("Storage")}</h2>${disk ? html`
        <b>${bytes(sum(disk))}</b><span>${ago(new Date(disk.engine.time * 1000).toISOString())}</span>` : nothing}
        ${button({ text: t("Count again"), icon: "refresh-cw", kind: "quiet", size: "small", iconOnly: true, enabled: !isAsked, run: () => loadStorage(true) })}</div>
      ${disk ? content(disk) : why ? html`<p class="small muted">${why}</p>` : html`<div class="skeleton"></div>`}
    </section>`;
}

/** @param {number} total */
const cleanUp = async (total) => (await needed(() => import("./cleanup.js")))?.showCleanup(total, () => loadStorage(true));

/** @param {Disk} disk */
const sum = ({ engine }) => engine.images + engine.volumes + engine.containers + engine.buildCache;

/** @param {Disk} disk */
function content(disk) {
  const { engine, machine } = disk;
  const parts = [
    { name: t("Images"), size: engine.images, colour: "var(--hue-blue)" },
    { name: t("Volumes"), size: engine.volumes, colour: "var(--hue-violet)" },
    { name: t("Build cache"), size: engine.buildCache, colour: "var(--hue-amber)" },
    { name: t("Containers"), size: engine.containers, colour: "var(--hue-teal)" },
  ];
  const whole = machine?.diskSize ?? (sum(disk) || 1);
  return html`
    ${meter({
      label: t("{size} used by Docker", { size: bytes(sum(disk)) }),
      parts: parts.map(({ name, size, colour }) => ({ share: size / whole, colour, title: `${name} ${bytes(size)}` })),
    })}
    <div class="legend">${parts.map(({ name, size, colour }) => html`
      <span .style=${`--hue: ${colour}`}><i class="swatch"></i>${name} <b>${bytes(size)}</b></span>`)}</div>
    <dl>
      <dt>${t("Not in use")}</dt><dd>${bytes(engine.unused)} · ${button({ text: t("Clean up…"), kind: "link", run: () => cleanUp(sum(disk)) })}</dd>
      ${machine?.diskFree != null && machine.diskSize ? html`
        <dt>${t("Free on the disk")}</dt><dd>${t("{free} of {size}", { free: bytes(machine.diskFree), size: bytes(machine.diskSize) })}</dd>` : nothing}
    </dl>`;
}

// @ts-check
/** A clean-up: lists what takes space and is not in use, and removes what is ticked. */
import { html, nothing, render } from "../../../vendor/lit-html/lit-html.js";
import { invoke, on } from "../../base/bridge.js";
import { bytes, dayAndMonth } from "../../base/format.js";
import { mark, t, tn } from "../../base/i18n.js";
import { current, observe } from "../../base/store.js";
import { button } from "../../components/button.js";
import { progress } from "../../components/meter.js";
import { empty, notice } from "../../components/notice.js";
import { showToast } from "../../components/toast.js";

/** @import { CleanupPlan, Group, Outcome, Removable } from "../../contract.d.ts" */

/** Of things that are not ours, so many are listed at first. */
const FIRST = 5;

/** @type {[group: Group, title: string, text: (count: number) => string][]} Those that are ticked as a whole. */
const GROUPS = [
  ["images", mark("Old images of your modules"), (count) => tn(
    "{count} image that no container uses. It is downloaded again when you go back to that version",
    "{count} images that no container uses. They are downloaded again when you go back to that version", count,
  )],
  ["containers", mark("Dead containers"), (count) => tn("{count} that ended and belongs to nothing any more", "{count} that ended and belong to nothing any more", count)],
  ["exports", mark("Old exports of logs"), (count) => tn("{count} file, older than a day", "{count} files, older than a day", count)],
  ["needed", mark("Images for the next start"), (count) => tn(
    "{count} image of a module that has no container now. Its next start downloads it again",
    "{count} images of modules that have no containers now. Their next start downloads them again", count,
  )],
];
const REFUSED = mark("It can't be cleaned up now");
const TICKED = ["images", "containers", "exports"];

const dialog = document.createElement("dialog");
dialog.className = "dialog cleanup";
dialog.setAttribute("aria-labelledby", "cleanup-title");
document.body.append(dialog);

const blank = {
  plan: /** @type {CleanupPlan|null} */ (null),
  error: "",
  /** @type {ReadonlySet<string>} The ids of the ticked things. */
  ticked: new Set(),
  /** @type {ReadonlySet<string>} The groups whose things are listed. */
  open: new Set(),
  /** How many are done, while it runs. */
  done: /** @type {number|null} */ (null),
  /** @type {Outcome[]} Those that are still there. */
  failed: [],
  total: 0,
  onRemoved: () => {},
};
let own = blank;

/** @param {Partial<typeof own>} patch */
function set(patch) {
  own = { ...own, ...patch };
  draw();
}

/** @param {number} total bytes that Docker uses @param {() => void} onRemoved called when something was removed */
export function showCleanup(total, onRemoved) {
  // One that runs goes on; it is shown again.
  if (own.done === null) own = { ...blank, total, onRemoved };
  draw();
  if (!dialog.open) dialog.showModal();
  if (own.done === null) load();
}

on("ai/cleanup/event", ({ done }) => {
  if (own.done !== null) set({ done });
});
dialog.addEventListener("close", () => {
  if (!dialog.open) render(nothing, dialog);
});
dialog.addEventListener("keydown", (event) => {
  if (event.key !== "Enter" || !(event.ctrlKey || event.metaKey)) return;
  event.preventDefault();
  if (canRun()) run();
});
observe(({ address }, before) => {
  if (!dialog.open) return;
  if (address.page !== before.address.page) dialog.close();
  else draw();
});

const draw = () => render(content(), dialog);

async function load() {
  set({ plan: null, error: "", failed: [] });
  const answer = await invoke("ai/cleanup/plan", {});
  if (!answer.success) {
    set({ error: answer.message });
    return;
  }
  const { things } = answer.data;
  set({ plan: answer.data, ticked: new Set(things.filter(({ group }) => TICKED.includes(group)).map(({ id }) => id)) });
  const cancel = dialog.querySelector(".dialog-foot button");
  if (cancel instanceof HTMLElement) cancel.focus(); // by a slip of Enter, nothing happens
}

const canRun = () => own.plan !== null && own.ticked.size > 0 && own.done === null && current().connection === "up";

async function run() {
  set({ done: 0, error: "", failed: [] });
  const answer = await invoke("ai/cleanup/run", { ids: [...own.ticked] });
  set({ done: null });
  if (!answer.success) {
    tell(REFUSED, () => set({ error: answer.message }));
    return;
  }
  const { outcomes, bytes: freed } = answer.data;
  const named = new Map(own.plan?.things.map((thing) => [thing.id, thing.names]));
  const failed = outcomes.filter(({ problem }) => problem !== null).map((one) => ({ ...one, names: named.get(one.id) ?? one.names }));
  if (failed.length < outcomes.length) {
    showToast({ text: t("{size} became free", { size: bytes(freed) }), icon: "circle-check" });
    own.onRemoved();
  }
  if (!failed.length) dialog.close();
  else tell(stillThere(failed), () => showFailed(failed));
}

/** @param {string} text @param {() => void} show in the dialog; on request, if that was closed meanwhile */
function tell(text, show) {
  if (dialog.open) show();
  else {
    showToast({
      text, icon: "triangle-alert", show: () => {
        if (!dialog.open) dialog.showModal();
        draw();
        if (own.done === null) show(); // else the next one runs
      },
    });
  }
}

/** @param {Outcome[]} failed */
async function showFailed(failed) {
  await load();
  set({ failed, ticked: new Set() });
}

/** @param {Outcome[]} failed */
const stillThere = ({ length }) => tn("{count} thing is still there", "{count} things are still there", length);

/** @param {CleanupPlan} plan @param {ReadonlySet<string>} ids The bytes that become free; what images share counts once. */
function freed({ things, shared }, ids) {
  const alone = things.filter(({ id }) => ids.has(id)).reduce((sum, thing) => sum + thing.bytes, 0);
  return shared.filter((one) => one.ids.every((id) => ids.has(id))).reduce((sum, one) => sum + one.bytes, alone);
}

function content() {
  const { plan, error, done, ticked, failed } = own;
  const isRunning = done !== null;
  return html`
    <header class="dialog-head"><div>
      <h2 id="cleanup-title">${t("Clean up")}</h2>
      <p class="control muted">${t("What is in use, and the data of your modules, is never part of it")}</p></div></header>
    <div class="dialog-body" aria-busy=${isRunning || (!plan && !error)} ?inert=${isRunning}>
      ${error ? notice({ tone: "bad", title: t(REFUSED), text: error, actions: button({ text: t("Try again"), run: load }) }) : nothing}
      ${failed.length ? notice({
        tone: "busy", title: stillThere(failed),
        text: html`<ul>${failed.map(({ id, names, problem }) => html`<li><code>${nameOf({ id, names })}</code> ${problem}</li>`)}</ul>`,
      }) : nothing}
      ${plan ? list(plan) : error ? nothing : html`<div class="skeleton for-hero" role="status" aria-label=${t("Looking for what is not in use")}></div>`}
    </div>
    <footer class="dialog-foot">
      <div class="grow" role="status">${isRunning
        ? html`<p class="small muted">${t("{done} of {total} removed", { done, total: ticked.size })}</p>${progress(t("Clean up"), done / ticked.size)}`
        : plan?.things.length ? html`<p class="small muted"><b>${t("{size} become free", { size: bytes(freed(plan, ticked)) })}</b>
          ${t("of {size}", { size: bytes(own.total) })}</p>` : nothing}</div>
      ${button({ text: isRunning || !plan?.things.length ? t("Close") : t("Cancel"), run: () => dialog.close() })}
      ${plan?.things.length ? button({
        text: tn("Remove {count} thing", "Remove {count} things", ticked.size), kind: "primary", enabled: canRun(), run,
      }) : nothing}
    </footer>`;
}

/** @param {CleanupPlan} plan */
function list(plan) {
  if (!plan.things.length) return empty({ icon: "check", title: t("There is nothing to clean up") });
  const own = GROUPS.filter(([group]) => plan.things.some((thing) => thing.group === group));
  const foreign = plan.things.filter(({ group }) => group === "foreign");
  return html`
    ${own.length ? html`<div class="rows framed">${own.map(([group, title, text]) => groupRow(plan, group, t(title), text))}</div>` : nothing}
    ${foreign.length ? html`<h3 class="label">${t("Not from AI-Server Tray")}</h3>${foreignRows(foreign)}` : nothing}`;
}

/** @param {CleanupPlan} plan @param {Group} group @param {string} title @param {(count: number) => string} text */
function groupRow(plan, group, title, text) {
  const things = plan.things.filter((thing) => thing.group === group);
  const ids = things.map(({ id }) => id);
  const isTicked = ids.every((id) => own.ticked.has(id));
  const isOpen = own.open.has(group);
  return html`
    <div class="item">
      ${tick(ids, `cleanup-${group}`, isTicked)}
      <label class="grow" for="cleanup-${group}"><b>${title}</b><span>${text(things.length)}</span></label>
      ${button({
        text: isOpen ? t("Hide") : t("Show"), name: isOpen ? t("Hide {name}", { name: title }) : t("Show {name}", { name: title }),
        icon: isOpen ? "chevron-up" : "chevron-down", kind: "quiet", size: "small", run: () => set({ open: toggled(own.open, group, !isOpen) }),
      })}
      <span class="num small amount ${isTicked ? "strong" : "muted"}">${bytes(freed(plan, new Set(ids)))}</span>
    </div>
    ${isOpen ? html`${things.map(child)}${together(plan, things, new Set(ids))}` : nothing}`;
}

/** @param {CleanupPlan} plan @param {Removable[]} things @param {ReadonlySet<string>} ids The row that completes their sum. */
function together(plan, things, ids) {
  const rest = freed(plan, ids) - things.reduce((sum, thing) => sum + thing.bytes, 0);
  return rest ? html`
    <div class="item kid"><span class="grow small muted">${t("Shared by several of them")}</span>
      <span class="num small muted amount">${bytes(rest)}</span></div>` : nothing;
}

/** @param {Removable} thing */
const child = (thing) => html`
  <div class="item kid"><span class="mono grow cut" title=${nameOf(thing)}>${nameOf(thing)}</span>
    <span class="small muted">${about(thing)}</span><span class="num small muted amount">${bytes(thing.bytes)}</span></div>`;

/** @param {Removable[]} things Each is chosen by itself. */
function foreignRows(things) {
  const isOpen = own.open.has("foreign") || things.length <= FIRST;
  const more = things.length - FIRST;
  return html`<div class="rows framed">
    ${(isOpen ? things : things.slice(0, FIRST)).map((thing) => html`
      <div class="item">
        ${tick([thing.id], `cleanup-${thing.id}`, own.ticked.has(thing.id))}
        <label class="grow" for="cleanup-${thing.id}"><b class="text">${nameOf(thing)}</b><span>${about(thing)}</span></label>
        <span class="num small amount ${own.ticked.has(thing.id) ? "strong" : "muted"}">${bytes(thing.bytes)}</span></div>`)}
    ${isOpen ? nothing : html`<div class="item"><span class="grow small muted">
      ${tn("{count} more. Choose each one that you know.", "{count} more. Choose each one that you know.", more)}</span>
      ${button({ text: t("Show all"), icon: "chevron-down", kind: "quiet", size: "small", run: () => set({ open: toggled(own.open, "foreign", true) }) })}</div>`}
  </div>`;
}

/** @param {string[]} ids @param {string} id @param {boolean} isTicked */
const tick = (ids, id, isTicked) => html`
  <input type="checkbox" class="check" id=${id} .checked=${isTicked} @change=${() => {
    const others = [...own.ticked].filter((one) => !ids.includes(one));
    set({ ticked: new Set(isTicked ? others : [...others, ...ids]) });
  }}>`;

/** @param {ReadonlySet<string>} names @param {string} name @param {boolean} isIn */
const toggled = (names, name, isIn) => new Set([...names].filter((one) => one !== name).concat(isIn ? name : []));

/** @param {{id: string, names: string[]}} thing An image without a name has the beginning of its digest. */
const nameOf = ({ id, names }) => names.join(", ") || id.replace(/^\w+ (sha256:)?/, "").slice(0, 12);

/** @param {Removable} thing */
function about({ group, time, module }) {
  const title = current().snapshot?.modules.find(({ name }) => name === module)?.title ?? module;
  const when = time === null ? "" : dayAndMonth(new Date(time * 1000).toISOString());
  if (group === "foreign") return when ? t("Image, here since {date}", { date: when }) : t("Image");
  return [title, when].filter(Boolean).join(" · ");
}

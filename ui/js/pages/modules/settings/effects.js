// @ts-check
/** What would happen if the changes were applied, by the owner's planner. */
import { html, nothing } from "../../../../vendor/lit-html/lit-html.js";
import { about, labelled, list } from "../../../base/format.js";
import { t, tn } from "../../../base/i18n.js";
import { current } from "../../../base/store.js";
import { icon } from "../../../components/icon.js";
import { draft, form, isChanged, isValid } from "./form.js";
import { isLacking, tokenAt, tokenButton } from "./token.js";

/**
 * @import { EffectKind, Module, ModuleEffects, ServiceEffect } from "../../../contract.d.ts"
 * @import { PageState } from "../../../types.d.ts"
 */

/** @type {Record<EffectKind, string>} */
const ICONS = { recreate: "refresh-cw", create: "plus", start: "play", remove: "trash-2" };

/** @param {PageState} page @param {Module} module */
export const effects = (page, module) => html`
  <section class="card will" aria-label=${t("What will happen")} aria-busy=${form().isChecking}>
    <h3>${t("What will happen")}</h3>
    <div aria-live="polite">${content(page, module)}</div>
  </section>
  ${isChanged() || module.outdated ? notes(module) : nothing}`;

/** @param {Module} module */
function notes(module) {
  const { modules = [], notices = [] } = form().effects ?? {};
  return [
    ...modules.map(({ page }) => (page ? moved(module, page) : nothing)),
    ...notices.map((text) => html`<div class="notice busy side-note">${icon("triangle-alert")}<p>${text}</p></div>`),
  ];
}

/** @param {PageState} page @param {Module} module */
function content(page, module) {
  const { effects: found, blocker } = form();
  if (!isChanged() && !module.outdated) return said(t("Change a setting to see which services are recreated."));
  if (!isValid()) return said(t("Some values can't be used yet. Correct them first."));
  if (blocker) return blocked(blocker);
  if (!found) return skeleton();
  if (!found.modules.length) return said(idle(page, module));
  return html`
    ${found.modules.map((one) => moduleEffects(one, found.modules.length > 1))}
    ${found.pulls.length ? said(t("Downloaded first: {images}", { images: list(found.pulls) })) : nothing}
    ${users(page, found.modules)}
    <hr class="rule">
    <p class="row-flex small muted safe"><span class="ok">${icon("shield-check", "s14")}</span>
      <span>${t("All data stays. If {title} isn't healthy afterwards, you can restore the previous settings.", { title: module.title })}</span></p>`;
}

const skeleton = () => html`<div class="skeleton will-skeleton"></div><div class="skeleton will-skeleton"></div>`;

/** @param {string} text */
const said = (text) => html`<p class="small muted">${text}</p>`;

/** @param {string|null} name of a module */
const titleOf = (name) => current().snapshot?.modules.find((module) => module.name === name)?.title ?? name;

/** @param {import("../../../contract.d.ts").Error} error */
function blocked({ code, message, data }) {
  if (code === "E_ENGINE_DOWN") return said(t("Docker is off. The changes take effect when it is back."));
  const token = code === "E_SETTING" ? tokenAt(/** @type {Record<string, unknown>} */ (data).name) : undefined;
  if (token) {
    if (!isLacking(token)) return skeleton(); // it was just created
    return html`${said(t("This choice needs an access token, which {name} issues.", { name: titleOf(token.tokenOf) }))}
      <div class="buttons token">${tokenButton(token)}</div>`;
  }
  return html`<p class="small bad text" role="alert">${message}</p>`;
}

/** @param {PageState} page @param {Module} module */
function idle({ snapshot }, { title, state }) {
  if (!snapshot?.engine.running) return t("Docker is off. The changes take effect when it is back.");
  return state === "stopped"
    ? t("{title} isn't running. The changes take effect when it starts.", { title })
    : t("No service has to be recreated.");
}

/** @param {ModuleEffects} effects @param {boolean} isOneOfSeveral */
const moduleEffects = (effects, isOneOfSeveral) => html`
  ${isOneOfSeveral ? html`<h4>${effects.title}</h4>` : nothing}
  ${said(summary(effects))}
  <ul>
    ${grouped(effects.services).map(({ kind, names, reasons, seconds }) => html`
      <li><span class=${kind === "create" || kind === "start" ? "ok" : "busy"}>${icon(ICONS[kind])}</span>
        <b class="strong">${list(names)}</b>
        <span class="small muted num">${seconds === null ? nothing : about(seconds)}</span>
        <p>${what(kind, reasons)}</p></li>`)}
    ${effects.kept ? html`
      <li><span class="ok">${icon("check")}</span><span>${
        tn("{count} other service keeps running", "{count} other services keep running", effects.kept)}</span></li>` : nothing}
  </ul>`;

/** @param {ModuleEffects} effects */
function summary({ title, interrupted, seconds }) {
  const count = Object.keys(draft()).length;
  const changes = count ? tn("{count} change.", "{count} changes, applied together.", count) : t("Saved changes.");
  if (!interrupted) return changes;
  return [
    changes,
    seconds === null
      ? t("{title} is interrupted for a moment.", { title })
      : t("{title} is interrupted for {time}.", { title, time: about(seconds) }),
  ].join(" ");
}

/** @param {ServiceEffect[]} services Those with the same reasons are one line. */
function grouped(services) {
  /** @type {Map<string, {kind: EffectKind, names: string[], reasons: string[], seconds: number|null}>} */
  const groups = new Map();
  for (const { service, kind, job, reasons, seconds } of services) {
    const key = JSON.stringify([kind, job, reasons]);
    const known = groups.get(key);
    groups.set(key, {
      kind, reasons: known?.reasons ?? (job && !reasons.length ? [t("runs once")] : reasons),
      names: [...(known?.names ?? []), service],
      seconds: seconds === null && !known ? null : Math.max(seconds ?? 0, known?.seconds ?? 0),
    });
  }
  return [...groups.values()];
}

/** @param {EffectKind} kind @param {string[]} reasons */
function what(kind, reasons) {
  const word = { recreate: t("Recreated"), create: t("Created"), start: t("Started"), remove: t("Removed") }[kind];
  return reasons.length ? labelled(word, list(reasons)) : word;
}

/** @param {PageState} page @param {ModuleEffects[]} modules Modules that lose their connection. */
function users({ snapshot }, modules) {
  const hit = new Set(modules.map(({ name }) => name));
  return (snapshot?.modules ?? [])
    .filter(({ name }) => modules.some((one) => one.name === name && one.interrupted))
    .map(({ title, usedBy }) => [title, usedBy.filter((name) => !hit.has(name))])
    .filter(([, names]) => names?.length)
    .map(([title, names]) => said(t("{title} is used by {users}, which lose their connection for a moment.", {
      title, users: list(/** @type {string[]} */ (names).map((name) => snapshot?.modules.find((one) => one.name === name)?.title ?? name)),
    })));
}

/** @param {Module} module @param {string} address */
const moved = ({ open }, address) => html`
  <div class="notice busy side-note">${icon("triangle-alert")}
    <p><b>${t("Bookmarks to {address} stop working.", { address: open ?? "" })}</b> ${t("The new address is {address}.", { address })}</p></div>`;

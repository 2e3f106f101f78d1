// @ts-check
/** The backups as rows: when, why, what is in them, and whether they are good. */
import { repeat } from "../../../vendor/lit-html/directives/repeat.js";
import { html, nothing } from "../../../vendor/lit-html/lit-html.js";
import { confirm } from "../../base/actions.js";
import { addressTo } from "../../base/address.js";
import { bytes, labelled, percent } from "../../base/format.js";
import { mark, t, tn } from "../../base/i18n.js";
import { current } from "../../base/store.js";
import { button } from "../../components/button.js";
import { copy } from "../../components/copy.js";
import { icon } from "../../components/icon.js";
import { menuButton } from "../../components/menu.js";
import { hueStyle } from "../../components/tile.js";
import { CHECKS, REASONS, askToDelete, backupList, backupsOf, checkAgain, isThere, shareChecked, when, within } from "./list.js";
import { askToRestore } from "./restore.js";

/** @import { Backup, Module } from "../../contract.d.ts" */

/** So many modules are named in a row. */
const FEW = 3;

const HEADS = [mark("When"), mark("Why")];

/** @param {Module} [module] only those with it */
export function backupTable(module) {
  const backups = backupsOf(module?.name);
  const size = backups.reduce((sum, backup) => sum + (bytesOf(backup, module) ?? 0), 0);
  const heads = [...HEADS, module ? mark("Version") : mark("What is in it")];
  return html`
    <section class="card" aria-labelledby="backups-title">
      <div class="card-head"><h2 id="backups-title">${module ? t("Backups with {name}", { name: module.title }) : t("Backups")}</h2>
        <span class="muted num grow">${backups.length} · ${bytes(size)}</span>
        ${module ? html`<a class="link small" href="#backups">${t("All backups")}</a>` : button({
          text: t("Check all again"), icon: "shield-check", kind: "quiet", size: "small",
          enabled: current().connection === "up" && !current().asked.has("check"), run: () => checkAgain(backups),
        })}</div>
      <div class="tablehold"><table class="table backups">
        <thead><tr>${heads.map((head) => html`<th>${t(head)}</th>`)}
          <th class="r">${module ? t("Size of {name}", { name: module.title }) : t("Size")}</th><th>${t("Check")}</th>
          <th><span class="unseen">${t("Actions")}</span></th></tr></thead>
        <tbody>${repeat(backups, ({ id }) => id, (backup) => row(backup, module))}</tbody>
      </table></div>
    </section>`;
}

/** @param {Backup} backup @param {Module} [module] */
const bytesOf = (backup, module) =>
  (module && backup.bytes !== null ? backup.modules.find(({ name }) => name === module.name)?.bytes ?? 0 : backup.bytes);

/** @param {Backup} backup @param {Module} [module] */
function row(backup, module) {
  const { id, madeAt, reason } = backup;
  const size = bytesOf(backup, module);
  return html`
    <tr data-row=${id}>
      <td class="strong num">${when(madeAt)}</td>
      <td class="why muted">${icon(REASONS[reason].icon, "s14")}${t(REASONS[reason].word)}</td>
      <td class="muted">${module ? versionIn(backup, module) : contents(backup)}</td>
      <td class="r muted">${size === null ? "–" : bytes(size)}</td>
      <td>${checkTag(backup)}${backup.hereOnly && !backupList()?.key.remind ? html` <span class="tag here-only" title=${t("Without the recovery key, it can't be restored on another computer.")}>
        ${icon("monitor")}<span>${t("Only here")}</span></span>` : nothing}</td>
      <td><span class="buttons" data-main>${main(backup, module)}
        ${menuButton({ text: t("More"), name: labelled(when(madeAt), t("More")), size: "small", items: () => items(backup, module) })}</span></td>
    </tr>`;
}

/** @param {Backup} backup @param {Module} module */
const versionIn = ({ modules }, module) => modules.find(({ name }) => name === module.name)?.version ?? "–";

/** @param {Backup} backup */
function contents({ modules, whole }) {
  if (whole) return html`<span class="all">${tn("The only module", "All {count} modules", modules.length)}</span>`;
  const shown = modules.slice(0, FEW);
  return html`<span class="chips">${shown.map(({ name, title }) => html`
    <a class="chip" href="#${addressTo("modules", [name, "backups"])}" .style=${hueStyle(name)}><i class="swatch"></i>${title}</a>`)}
    ${modules.length > FEW ? html`<span class="small" title=${modules.slice(FEW).map(({ title }) => title).join(", ")}>+${modules.length - FEW}</span>` : nothing}</span>`;
}

/** @param {Backup} backup */
export function checkTag({ check, problem }) {
  const { word, tone, icon: drawing } = CHECKS[check];
  const text = check === "checking" && shareChecked() ? t("Checking, {percent}", { percent: percent(shareChecked()) }) : t(word);
  return html`<span class="tag ${tone}" title=${problem ?? nothing}>${icon(drawing, check === "checking" ? "turn" : "")}${text}</span>`;
}

/** @param {Backup} backup @param {Module} [module] */
function main(backup, module) {
  const look = { kind: /** @type {const} */ ("quiet"), size: /** @type {const} */ ("small") };
  return isThere(backup) ? button({
    ...look, text: t("Restore…"), name: labelled(t("Restore…"), when(backup.madeAt)), icon: "archive-restore",
    enabled: current().connection === "up", run: () => askToRestore(backup, module?.name),
  }) : button({
    ...look, text: t("Show why"), name: labelled(t("Show why"), when(backup.madeAt)), icon: "info", run: () => showWhy(backup),
  });
}

/** @param {Backup} backup @param {Module} [module] */
const items = (backup, module) => [
  ...(backup.bytes === null ? [] : [
    { text: t("Check again"), icon: "shield-check", run: () => checkAgain([backup]) },
    ...(isThere(backup) ? [] : [{ text: t("Restore…"), icon: "archive-restore", run: () => askToRestore(backup, module?.name) }]),
    { text: t("Copy path"), icon: "copy", run: () => copy(backup.file) },
  ]),
  null,
  {
    text: backup.bytes === null ? t("Remove from the list") : t("Delete…"), icon: "trash-2",
    kind: /** @type {const} */ ("danger"), run: () => askToDelete(backup),
  },
];

/** @param {Backup} backup */
function showWhy({ madeAt, check, problem, file }) {
  const isDamaged = check === "damaged";
  confirm({
    title: isDamaged ? t("The backup from {when} is damaged", { when: within(madeAt) }) : t("The backup from {when} failed", { when: within(madeAt) }),
    text: problem ?? "",
    more: isDamaged ? html`<p class="small"><code>${file}</code></p>` : nothing,
  });
}

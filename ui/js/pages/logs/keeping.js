// @ts-check
/** The kept logs in the settings: how much is kept, by module, and its deletion. */
import { html, nothing } from "../../../vendor/lit-html/lit-html.js";
import { ask, confirm } from "../../base/actions.js";
import { invoke } from "../../base/bridge.js";
import { bytes, dayAndMonth, list, number } from "../../base/format.js";
import { t, tn } from "../../base/i18n.js";
import { slice } from "../../base/store.js";
import { button } from "../../components/button.js";
import { toggle } from "../../components/field.js";
import { recoveryText } from "./kept.js";

/**
 * @import { KeptLogs, KeptModule } from "../../contract.d.ts"
 * @import { PageState, SettingRow } from "../../types.d.ts"
 * @typedef {{name: string, title: string, kept: KeptModule|undefined}} Source
 */

const own = slice({ kept: /** @type {KeptLogs|null} */ (null) });

export async function loadKept() {
  const answer = await invoke("ai/logs/kept", {});
  if (answer.success) own.set({ kept: answer.data });
}

/**
 * @param {PageState} page @param {string[]} notKept names of modules
 * @param {(notKept: string[]) => unknown} change @returns {SettingRow[]}
 */
export function keptLogRows({ snapshot }, notKept, change) {
  const { kept } = own.get();
  if (!kept || !snapshot) return [];
  const unreadable = kept.unreadable.map(({ module, service }) => `${module}/${service}`);
  return [{
    id: "kept-logs", covers: "app.logs_not_kept", title: t("Logs by module"), help: t("{size} on the disk", { size: bytes(kept.bytes) }),
    below: html`
      ${kept.problem ? html`<p class="bad" role="alert">${kept.problem}</p>` : nothing}
      ${kept.recovered === null ? nothing : html`<p role="status">${recoveryText(kept.recovered)}</p>`}
      ${unreadable.length ? html`<p>${t("The engine can't read these logs because of their logging driver: {services}", {
        services: list(unreadable),
      })}</p>` : nothing}
      <ul class="mirrors">${sources(snapshot.modules, kept.modules).map((source) => sourceRow(source, notKept, change))}</ul>`,
  }];
}

/**
 * Modules, then the journal, and what was removed and still has lines.
 * @param {{name: string, title: string}[]} modules @param {KeptModule[]} kept @returns {Source[]}
 */
function sources(modules, kept) {
  const others = kept.filter(({ module }) => !modules.some(({ name }) => name === module));
  const named = [...modules, ...others.map(({ module }) => ({ name: module, title: module }))];
  return named.map(({ name, title }) => ({ name, title, kept: kept.find(({ module }) => module === name) }));
}

/** @param {Source} source @param {string[]} notKept @param {(notKept: string[]) => unknown} change */
const sourceRow = ({ name, title, kept }, notKept, change) => html`
  <li class="mr" data-module=${name}>
    <span class="grow cut">${title}</span>
    <span class="num muted">${kept ? amount(kept) : t("No lines")}</span>
    ${button({
      text: t("Delete"), name: t("Delete the logs of {name}", { name: title }), icon: "trash-2", size: "small", kind: "quiet",
      iconOnly: true, enabled: kept !== undefined, run: () => kept && askToDelete(title, kept),
    })}
    ${toggle({
      id: `keep-${name}`, on: !notKept.includes(name), label: t("Keep the logs of {name}", { name: title }),
      change: (on) => change(on ? notKept.filter((other) => other !== name) : [...notKept, name]),
    })}
  </li>`;

/** @param {KeptModule} kept */
const amount = ({ lines, bytes: size, first }) => t("{lines}, {size}, since {day}", {
  lines: tn("{count} line", "{count} lines", lines, { count: number(lines) }), size: bytes(size), day: dayAndMonth(new Date(first * 1000).toISOString()),
});

/** @param {string} title @param {KeptModule} kept */
const askToDelete = (title, { module, lines }) => confirm({
  title: t("Delete the logs of {name}?", { name: title }),
  text: tn("{count} line is deleted. This can't be undone.", "{count} lines are deleted. This can't be undone.", lines, {
    count: number(lines),
  }),
  kind: "danger",
  action: t("Delete"),
  run: async () => {
    if ((await ask("logs", "ai/logs/delete", { module })).success) loadKept();
  },
});

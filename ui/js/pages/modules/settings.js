// @ts-check
/** The settings of a module: a form, what a change would do, and a bar to apply it. */
import { repeat } from "../../../vendor/lit-html/directives/repeat.js";
import { html, nothing } from "../../../vendor/lit-html/lit-html.js";
import { setQuery } from "../../base/address.js";
import { on } from "../../base/bridge.js";
import { labelled } from "../../base/format.js";
import { t } from "../../base/i18n.js";
import { bind } from "../../base/keys.js";
import { current } from "../../base/store.js";
import { button } from "../../components/button.js";
import { field, searchInput, toggle } from "../../components/field.js";
import { empty } from "../../components/notice.js";
import { hideSecrets } from "../../components/secret.js";
import { apply } from "./settings/actions.js";
import { banners, lastChange, noSettings, skeleton } from "./settings/banners.js";
import { bar } from "./settings/bar.js";
import { control } from "./settings/controls.js";
import { effects } from "./settings/effects.js";
import { change, checkOf, closeForm, draft, fields, form, isChanged, openForm, reload, undo, whenNow } from "./settings/form.js";
import { messageOf } from "./settings/message.js";
import { hideTyped } from "./settings/secret.js";
import { variables } from "./settings/variables.js";
import { GROUPS, groupTitle, idOf, shown } from "./settings/words.js";

/**
 * @import { Address } from "../../base/address.js"
 * @import { Field, Module } from "../../contract.d.ts"
 * @import { PageState } from "../../types.d.ts"
 */

/** @param {Address} address */
export function enter({ rest: [name = ""] }) {
  openForm(name);
  const module = () => current().snapshot?.modules.find((one) => one.name === name);
  const applyNow = () => {
    const found = module();
    if (found && isChanged()) apply(found, whenNow());
  };
  const search = () => document.getElementById("find-setting")?.focus();
  const leaves = [bind({ "Mod+Enter": applyNow, "Mod+f": search, "/": search }), on("ai/activity/added", reload)];
  return () => {
    for (const leave of leaves) leave();
    closeForm();
    hideSecrets();
    hideTyped();
  };
}

/** @param {PageState} page @param {Module} module */
export const view = (page, module) => html`
  <div class="setwrap">
    <div class="setform">
      ${banners(module)}
      ${form().error ? noSettings() : form().module === module.name && form().settings ? content(page) : skeleton()}
    </div>
    <aside class="setside" aria-label=${t("Effects")}>${effects(page, module)}${lastChange(module)}</aside>
  </div>
  ${bar(page, module)}`;

/** @param {PageState} page */
function content(page) {
  const { find = "", changed = "" } = page.address.query;
  const all = fields();
  const found = all.filter((one) => (!changed || isSpecial(one)) && matches(one, find));
  const further = found.filter((one) => one.group === "variables");
  return html`
    <div class="row-flex setfind">
      ${searchInput({ id: "find-setting", value: find, label: t("Find a setting"), change: (text) => setQuery({ find: text }) })}
      <span class="grow"></span>
      <label class="small muted" for="changed-only">${t("Changed only")}</label>
      ${toggle({ id: "changed-only", on: Boolean(changed), change: (on) => setQuery({ changed: on ? "1" : "" }) })}
    </div>
    ${GROUPS.map((group) => section(groupTitle(group), found.filter((one) => one.group === group), page))}
    ${[...new Set(all.map((one) => one.section))].filter(Boolean).map((title) =>
      advanced(title, found.filter((one) => one.section === title), page))}
    ${further.length || !(find || changed) ? variables(further) : nothing}
    ${found.length || !(find || changed) ? nothing : empty({
      icon: "search", title: t("No setting matches"),
      actions: button({ text: t("Show all"), run: () => setQuery({ find: "", changed: "" }) }),
    })}`;
}

/** @param {Field} setting Whether it differs from how it comes, or is about to. */
const isSpecial = ({ address, type, origin, value, default: initial, generated }) =>
  address in draft() || (origin === "set" && (type === "secret" ? !generated : value !== initial));

/** @param {Field} setting @param {string} text */
const matches = ({ address, title, help }, text) =>
  [address, title, help].some((words) => words.toLowerCase().includes(text.trim().toLowerCase()));

/** @param {string} title @param {Field[]} settings @param {PageState} page */
const section = (title, settings, page) => settings.length ? html`
  <section class="fs" aria-label=${title}>
    <h2>${title}</h2>
    ${rows(settings, page)}
  </section>` : nothing;

/** @param {string} title @param {Field[]} settings @param {PageState} page Open where something is found or special. */
const advanced = (title, settings, page) => settings.length ? html`
  <details class="fs" ?open=${Boolean(page.address.query.find) || settings.some(isSpecial)}>
    <summary><h2>${title}</h2></summary>
    ${rows(settings, page)}
  </details>` : nothing;

/** @param {Field[]} settings @param {PageState} page */
const rows = (settings, page) => repeat(settings, ({ address }) => address, (setting) => field({
  id: idOf(setting.address), setting: setting.address, label: setting.title, help: setting.help,
  changed: setting.address in draft(), message: messageOf(setting),
  control: html`<div class="setcontrol">${control(setting, page.snapshot?.engine.memory ?? null)}${takeBack(setting)}</div>`,
}));

/** @param {Field} setting */
function takeBack(setting) {
  const { address, title, origin, type, value, default: initial } = setting;
  const free = checkOf(address)?.port?.free;
  if (free) {
    return button({ text: t("Use port {free}", { free }), size: "small", run: () => change(setting, String(free)) });
  }
  if (address in draft()) {
    return button({
      text: t("Undo"), name: t("Undo {name}", { name: title }), icon: "undo-2", kind: "quiet", size: "small",
      run: () => undo(address),
    });
  }
  if (origin !== "set" || type === "secret" || value === initial) return nothing;
  return button({
    text: t("Default"), name: labelled(t("Default"), title),
    why: shown(setting, null), icon: "rotate-ccw", kind: "quiet", size: "small", run: () => change(setting, null),
  });
}

// @ts-check
/** How programs connect to a module, as addresses to copy. Passwords come into them on request only. */
import { html, nothing } from "../../../vendor/lit-html/lit-html.js";
import { addressTo } from "../../base/address.js";
import { labelled } from "../../base/format.js";
import { t } from "../../base/i18n.js";
import { slice } from "../../base/store.js";
import { button } from "../../components/button.js";
import { copy } from "../../components/copy.js";
import { select } from "../../components/field.js";
import { icon } from "../../components/icon.js";
import { copySecret, hideSecret, plainOf, secret, showSecret } from "../../components/secret.js";
import { mainService, terminalOf } from "./service_state.js";

/** @import { ModuleConnection, Module, ModuleDetails } from "../../contract.d.ts" */

const PASSWORD = "{password}";

const own = slice({
  /** Which one is shown, by module. */
  chosen: /** @type {Record<string, number>} */ ({}),
});

/** @param {Module} module @param {ModuleDetails} details */
export function connectCard(module, { connections, notHere }) {
  const { name } = module;
  const chosen = connections[own.get().chosen[name] ?? 0] ?? connections[0];
  if (!chosen) return nothing;
  return html`
    <section class="card connect">
      <div class="card-head"><h2 class="h3">${t("Connect")}</h2><span class="grow"></span>
        ${connections.length > 1 ? select({
          id: "connect-to", label: t("Account"), value: String(connections.indexOf(chosen)),
          choices: connections.map((one, index) => ({ value: String(index), text: nameOf(one) })),
          change: (index) => own.set({ chosen: { ...own.get().chosen, [name]: Number(index) } }),
        }) : html`<span class="small muted">${nameOf(chosen)}</span>`}</div>
      <div class="rows">
        ${chosen.here === null ? unreachable(name, notHere) : row(t("From this computer"), chosen.here, chosen)}
        ${row(t("From another module"), chosen.others, chosen)}
        ${chosen.setting && !chosen.others.includes(PASSWORD) ? key(chosen.setting, chosen) : nothing}
        ${inside(name, mainService(module)?.name)}
      </div>
      ${navigator.clipboard && chosen.setting && [chosen.here, chosen.others].some((address) => address?.includes(PASSWORD))
        ? html`<p class="card-foot">${t("Copy takes the password along. The clipboard is cleared after 60 s.")}</p>` : nothing}
    </section>`;
}

/** @param {ModuleConnection} connection */
const nameOf = ({ title, database }) =>
  !database || database.toLowerCase() === title.toLowerCase() ? title : labelled(title, database);

/** @param {string} who @param {string} address @param {ModuleConnection} connection */
function row(who, address, { setting }) {
  const needed = setting !== null && address.includes(PASSWORD) ? setting : null;
  const plain = needed === null ? undefined : plainOf(needed);
  const shown = address.replace(PASSWORD, plain === undefined ? "••••••••" : encoded(plain));
  return html`
    <div class="item">
      <div class="grow"><h3>${who}</h3><p class="mono text">${shown}</p></div>
      <span class="buttons">
        ${needed === null ? nothing : plain === undefined
          ? button({ ...look, text: t("Show the password"), name: labelled(who, t("Show the password")), icon: "eye", iconOnly: true, run: () => showSecret(needed) })
          : button({ ...look, text: t("Hide the password"), name: labelled(who, t("Hide the password")), icon: "eye-off", iconOnly: true, run: () => hideSecret(needed) })}
        ${button({
          text: t("Copy"), name: labelled(t("Copy"), who), icon: "copy", size: "small",
          run: () => (needed === null ? copy(address) : copySecret(needed, (found) => address.replace(PASSWORD, encoded(found)))),
        })}
      </span>
    </div>`;
}

/** @param {string} setting @param {ModuleConnection} connection Of an address that has no place for it. */
const key = (setting, connection) => html`
  <div class="item"><div class="grow"><h3>${connection.title}</h3></div>${secret(setting, connection.title)}</div>`;

/** @param {string} module @param {string} [service] in which a terminal can be opened */
const inside = (module, service) => service === undefined ? nothing : html`
  <div class="item">${icon("square-terminal", "muted")}<div class="grow"><h3>${t("In its container")}</h3></div>
    <a class="button small" href="#${terminalOf(module, service)}" aria-label=${labelled(t("In its container"), t("Open a terminal"))}>${t("Open a terminal")}</a></div>`;

/** @param {string} module @param {string|null} why */
const unreachable = (module, why) => html`
  <div class="item">${icon("unplug", "muted")}<div class="grow"><h3>${t("From this computer")}</h3><p>${why}</p></div>
    <a class="button small" href="#${addressTo("modules", [module, "settings"])}">${t("Settings")}</a></div>`;

/** @param {string} text As a part of an address; `encodeURIComponent` leaves some signs that shells know. */
const encoded = (text) => encodeURIComponent(text).replace(/[!'()*]/g, (sign) => `%${sign.charCodeAt(0).toString(16).toUpperCase()}`);

const look = { kind: /** @type {const} */ ("quiet"), size: /** @type {const} */ ("small") };

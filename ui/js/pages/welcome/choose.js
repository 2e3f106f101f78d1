// @ts-check
/** The second step: the features to start, and what they take. */
import { html, nothing } from "../../../vendor/lit-html/lit-html.js";
import { ask, operate } from "../../base/actions.js";
import { go } from "../../base/address.js";
import { invoke } from "../../base/bridge.js";
import { bytes, list } from "../../base/format.js";
import { t } from "../../base/i18n.js";
import { showAddModule } from "../../components/add_module.js";
import { button } from "../../components/button.js";
import { input, toggle as switchButton } from "../../components/field.js";
import { icon } from "../../components/icon.js";
import { meter } from "../../components/meter.js";
import { notice } from "../../components/notice.js";
import { hue, tile } from "../../components/tile.js";
import { engineSetupState } from "../engine/state.js";
import { chosen, own, setAutostart, setMirrors, toggle } from "./state.js";

/**
 * @import { Module, Snapshot } from "../../contract.d.ts"
 * @import { PageState } from "../../types.d.ts"
 */

const KEY = "first start";

/** @param {PageState} page */
export function chooseView(page) {
  const { snapshot } = page;
  if (!snapshot) return nothing;
  const features = snapshot.modules.filter(({ kind, orphan }) => kind === "feature" && !orphan);
  const { autostart } = own.get();
  return html`
    <div class="wiz-body">
      <div class="wiz-head"><div class="grow"><h2>${t("What would you like to run?")}</h2>
        <p class="muted">${t("The databases they need are included. You can add or remove modules at any time.")}</p></div></div>
      <div class="picks">
        ${features.map((module) => pick(module, snapshot))}
        <button type="button" class="pk own" @click=${showAddModule}>${icon("plus", "s20")}<strong>${t("Your own module")}</strong>
          <span class="muted">${t("From a folder with a Compose file")}</span></button>
      </div>
      ${sums(snapshot)} ${mirrors()} ${overflowHint()}
    </div>
    <footer class="wiz-foot">
      ${button({ text: t("Back"), icon: "chevron-left", kind: "quiet", run: () => go("welcome") })}
      <span class="grow"></span>
      ${autostart?.supported ? html`
        <label class="small muted" for="at-login">${t("Start at login")}</label>
        ${switchButton({ id: "at-login", on: autostart.enabled, label: t("Start at login"), change: setAutostart })}` : nothing}
      ${startButton(page, snapshot)}
    </footer>`;
}

/** @param {PageState} page @param {Snapshot} snapshot */
function startButton(page, { engine }) {
  const why = !engine.running ? t("Docker isn't running") : !chosen().length ? t("Choose a module first") : null;
  return button({
    text: t("Download and start"), icon: "rocket", kind: "primary", size: "large", why,
    enabled: why === null && page.connection === "up" && !page.asked.has(KEY), run: start,
  });
}

async function start() {
  const modules = chosen();
  if (!(await ask(KEY, "ai/config/choose", { modules })).success) return;
  await invoke("ai/app/welcome", { done: true });
  if ((await operate(KEY, { kind: "up", modules: [] })).success) go("home");
}

/** The modules that are started with these, and themselves. @param {string[]} names @param {Snapshot} snapshot */
function withRequired(names, { modules }) {
  const found = new Map(modules.map((module) => [module.name, module]));
  const all = new Set(names);
  for (const name of all) for (const required of found.get(name)?.requires ?? []) all.add(required);
  return [...all].flatMap((name) => found.get(name) ?? []);
}

/** @param {Module[]} modules @param {"download"|"memory"|"disk"} what */
const total = (modules, what) => modules.reduce((sum, { name }) => sum + (own.get().needs[name]?.[what] ?? 0), 0);

/** @param {Module} module @param {Snapshot} snapshot */
function pick(module, snapshot) {
  const isOn = chosen().includes(module.name);
  const all = withRequired([module.name], snapshot);
  const others = all.filter(({ name }) => name !== module.name).map(({ title }) => title);
  return html`
    <label class="pk">
      ${tile(module)}
      <span><b>${module.title}</b><span class="muted">${module.problem ?? module.summary}</span></span>
      <input type="checkbox" class="check" .checked=${isOn} aria-label=${module.title} aria-describedby="needs-${module.name}"
        @change=${() => toggle(module.name)}>
      <span class="foot" id="needs-${module.name}">
        ${size("download", total(all, "download"), t("Download"))} ${size("memory-stick", total(all, "memory"), t("Memory"))}
        <span class="grow"></span>
        ${others.length ? html`<span class="faint cut">${t("includes {names}", { names: list(others) })}</span>` : nothing}
      </span>
    </label>`;
}

/** @param {string} drawing @param {number} count @param {string} name */
const size = (drawing, count, name) =>
  count ? html`<span title=${name}>${icon(drawing)}${bytes(count)}</span>` : nothing;

/** @param {Snapshot} snapshot */
function sums(snapshot) {
  const all = withRequired(chosen(), snapshot);
  const memory = total(all, "memory");
  const room = snapshot.engine.memory;
  const parts = all.flatMap(({ name, title }) => {
    const share = (own.get().needs[name]?.memory ?? 0) / Math.max(room ?? memory, memory, 1);
    return share ? [{ share, colour: hue(name), title }] : [];
  });
  return html`
    <div class="card sums">
      <div><p class="stat-line"><span class="grow">${t("Download")}</span><b>${t("about {size}", { size: bytes(total(all, "download")) })}</b></p>
        <p class="small muted">${t("Images that are here already are not downloaded again.")}</p></div>
      <div><p class="stat-line"><span class="grow">${t("Disk space")}</span><b>${t("about {size}", { size: bytes(total(all, "disk")) })}</b></p>
        <p class="small muted">${t("For images and data")}</p></div>
      <div><p class="stat-line"><span class="grow">${t("Memory when running")}</span><b>${bytes(memory)}</b>
          ${room ? html`<span>${t("of {size}", { size: bytes(room) })}</span>` : nothing}</p>
        ${meter({ label: t("Memory when running"), parts, size: "thin" })}
        ${room ? html`<p class="small ${memory > room ? "bad" : "muted"}">${fits(memory, room)}</p>` : nothing}</div>
    </div>`;
}

/** @param {number} memory @param {number} room */
function fits(memory, room) {
  if (memory > room) return t("More than Docker has. Choose fewer modules, or give Docker more memory.");
  return memory > room * 0.8 ? t("Fits, but it's tight.") : t("Fits well.");
}

function mirrors() {
  const { mirrors: value, mirrorError } = own.get();
  return html`
    <details class="wiz-more" ?open=${Boolean(value || mirrorError)}>
      <summary>${t("Slow connection to Docker Hub? Set a mirror")}</summary>
      <form @submit=${(/** @type {SubmitEvent} */ event) => {
        event.preventDefault();
        setMirrors(own.get().mirrors);
      }}>
        ${input({
          id: "mirrors", label: t("Mirrors"), value, placeholder: "mirror.example.com", invalid: Boolean(mirrorError),
          change: (text) => own.set({ mirrors: text }),
        })}
        <button class="button plain">${t("Save")}</button>
      </form>
      ${mirrorError ? html`<p class="msg bad" id="mirrors-message" role="alert">${icon("circle-alert", "s14")}${mirrorError}</p>` : nothing}
    </details>`;
}

const overflowHint = () => engineSetupState()?.system === "windows" ? notice({
  title: t("Keep the icon in sight"),
  text: t("Windows hides new icons. In Settings > Personalization > Taskbar > Other system tray icons, turn on AI-Server Tray."),
}) : nothing;

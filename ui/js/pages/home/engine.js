// @ts-check
/** Home while the engine does not answer: whether it can be started here, and how long that takes. */
import { html, nothing } from "../../../vendor/lit-html/lit-html.js";
import { startEngine } from "../../base/actions.js";
import { about, duration, timeAndDay } from "../../base/format.js";
import { t } from "../../base/i18n.js";
import { part } from "../../base/later.js";
import { drawAgainIn } from "../../base/store.js";
import { button } from "../../components/button.js";
import { icon } from "../../components/icon.js";
import { progress } from "../../components/meter.js";
import { emblem } from "../../components/state.js";
import { needsSetup, setupTitle } from "../engine/state.js";

/**
 * @import { Snapshot } from "../../contract.d.ts"
 * @import { PageState } from "../../types.d.ts"
 */

const SECOND_MS = 1000;

const setup = part(() => import("../engine/setup.js"));

/** @param {PageState & {snapshot: Snapshot}} page */
export function engineCard(page) {
  const { engine } = page.snapshot;
  if (page.startingEngine || engine.starting) return starting(page.snapshot);
  if (engine.reconnecting) return reconnecting(page.snapshot);
  if (!engine.error) return big(emblem("starting"), t("Looking for Docker…"), "");
  if (!needsSetup(page.snapshot)) return off(page);
  return setup()?.engineSetup(page, html`<h1 id="engine-setup">${setupTitle(page.snapshot)}</h1>`) ?? nothing;
}

/** @param {unknown} drawing @param {string} title @param {string} text @param {unknown} [more] */
const big = (drawing, title, text, more = nothing) => html`
  <section class="card overview" data-state="engine_down" aria-labelledby="overall"><div class="big">
    ${drawing}<h1 id="overall">${title}</h1>${text ? html`<p>${text}</p>` : nothing}${more}
  </div></section>`;

/** @param {Snapshot} snapshot Whether the owner starts any of its modules when the engine is back. */
const hasWanted = ({ modules }) => modules.some(({ wanted }) => wanted);

/** @param {Snapshot} snapshot */
function starting(snapshot) {
  const { startBegun, usualStart } = snapshot.engine;
  drawAgainIn(SECOND_MS);
  const passed = startBegun ? Math.max(1, Math.round((Date.now() - Date.parse(startBegun)) / SECOND_MS)) : 0;
  const text = [
    usualStart === null ? "" : t("Usually takes {time}.", { time: about(usualStart) }),
    hasWanted(snapshot) ? t("Your modules start right after.") : "",
  ].filter(Boolean).join(" ");
  // The last part is for what takes longer this time.
  const share = usualStart === null ? 0 : Math.min(0.96, passed / usualStart);
  return big(emblem("starting"), t("Starting Docker…"), text, html`
    <div class="buttons"><div class="countdown">
      ${usualStart === null ? nothing : progress(t("Starting Docker…"), share)}
      <p class="small muted num">${duration(passed)}</p>
    </div></div>`);
}

/** @param {Snapshot} snapshot Its engine is on another computer. */
const reconnecting = ({ engine: { downSince, error } }) => big(
  emblem("starting"), t("Reconnecting to the engine…"),
  t("The connection to the other computer was lost. Modules there keep running, and are shown again as soon as it is back."), html`
    <div class="buttons"><a class="button large" href="#doctor">${icon("wrench")}<span>${t("Find out why")}</span></a></div>
    <p class="small">${error?.message}</p>
    ${since(downSince)}`);

/** @param {string|null} time */
const since = (time) =>
  time ? html`<p class="small faint since">${t("Docker stopped answering at {time}.", { time: timeAndDay(time) })}</p>` : nothing;

/** @param {PageState & {snapshot: Snapshot}} page */
function off({ canStartEngine, connection, snapshot }) {
  const { downSince, error } = snapshot.engine;
  // Starting it would not help where permission is missing.
  const canStart = canStartEngine && error?.data.remedies?.some(({ kind }) => kind === "start_engine");
  const text = !hasWanted(snapshot) ? t("Modules need Docker to run.")
    : canStart ? t("Your data is safe. Start Docker and your modules come back automatically.")
    : t("Your data is safe. Your modules come back automatically when Docker runs again.");
  return big(emblem("stopped", "unplug"), t("Docker isn't running"), text, html`
    <div class="buttons">
      ${canStart ? button({
        text: t("Start Docker"), icon: "play", kind: "start", size: "large", enabled: connection === "up", run: startEngine,
      }) : nothing}
      <a class="button large" href="#doctor">${icon("wrench")}<span>${t("Find out why")}</span></a>
    </div>
    ${canStart ? nothing : html`<p class="small">${error?.message}</p>`}
    ${since(downSince)}`);
}

// @ts-check
/** Bring your own: programs that run on the engine already, copied into modules. */
import { html, nothing } from "../../vendor/lit-html/lit-html.js";
import { ask, cancel, confirm } from "../base/actions.js";
import { CONNECTION, inOrder, on } from "../base/bridge.js";
import { ago, bytes, duration, labelled, list, versionIn } from "../base/format.js";
import { mark, t, tn } from "../base/i18n.js";
import { current, drawAgainIn, observe, slice } from "../base/store.js";
import { styled } from "../base/styles.js";
import { button } from "../components/button.js";
import { courseBody, courseCard, provenRow, sideLine, stepsRow } from "../components/course.js";
import { icon } from "../components/icon.js";
import { ring } from "../components/meter.js";
import { empty, notice } from "../components/notice.js";
import { active, isOver, leftOf, shareDone } from "../components/operations.js";
import { short } from "../components/page_link.js";
import { barePill, emblem } from "../components/state.js";
import { tile } from "../components/tile.js";

/**
 * @import { AdoptList, Adoption, OperationSummary, Snapshot, Source, Step, StepKind } from "../contract.d.ts"
 * @import { PageState } from "../types.d.ts"
 */

const MINUTE_MS = 60_000;
const KEY = "adopt";

const own = slice({ found: /** @type {AdoptList|null} */ (null), error: "", chosen: "" });

const load = inOrder("ai/adopt/list", (answer) => own.set(answer.success ? { found: answer.data, error: "" } : { error: answer.message }));

/** @param {Snapshot|null} snapshot @returns {OperationSummary|undefined} */
const running = (snapshot) => (snapshot ? active(snapshot) : []).find(({ kind }) => kind === "adopt");

export function enter() {
  styled("upgrade");
  styled("module-settings");
  if (current().connection === "up") load({});
  const ends = [
    on(CONNECTION, ({ state }) => state === "up" && load({})),
    on("ai/adopt/event", () => load({})),
    observe(({ snapshot }, before) => {
      const isNew = snapshot?.language !== before.snapshot?.language || running(snapshot)?.id !== running(before.snapshot)?.id;
      if (snapshot && before.snapshot && isNew) load({});
    }),
  ];
  return () => ends.forEach((end) => end());
}

/** @param {PageState} page */
export function view(page) {
  const { found, error } = own.get();
  const operation = running(page.snapshot);
  const source = operation ? undefined : choice();
  return html`
    <header class="top"><h1>${t("Bring your own")}</h1><span class="grow"></span></header>
    <div class="scroll"><div class="content adopt-page">
      ${operation ? underWay(operation, page) : error ? notice({
        tone: "bad", title: t("Docker can't be asked for what runs there"), text: error,
        actions: button({ text: t("Try again"), enabled: page.connection === "up", run: () => load({}) }),
      }) : found ? all(found, page, source) : html`<div class="skeleton adopt-skeleton"></div>`}
    </div></div>
    ${source ? applyBar(source, page) : nothing}`;
}

/** The program that is chosen: the first that can be copied and was not, as long as the user has chosen none. */
function choice() {
  const { found, chosen } = own.get();
  const copied = new Set(found?.adoptions.map(({ source }) => source));
  const fit = (found?.sources ?? []).filter(({ problem }) => problem === null);
  return fit.find(({ name }) => name === chosen) ?? fit.find(({ name }) => !copied.has(name));
}

/** @param {AdoptList} found @param {PageState} page @param {Source|undefined} source */
const all = ({ sources, adoptions, unended }, page, source) => html`
  ${unended ? notice({ tone: "bad", title: t("A copy needs your attention"), text: unended }) : nothing}
  ${adoptions.map((one) => copied(one, page))}
  ${sources.length ? html`
    <div class="adopt-cols">
      <div>
        <p class="lede muted">${t("An n8n, Dify or PostgreSQL that already runs here can be copied. You lose nothing: yours stays, and you decide later which one goes.")}</p>
        <section class="card" aria-labelledby="found-title">
          <div class="card-head"><h2 id="found-title" class="grow">${t("Found on this engine")}</h2>
            ${button({ text: t("Look again"), icon: "rotate-cw", kind: "quiet", size: "small", enabled: page.connection === "up", run: () => load({}) })}</div>
          <div role="radiogroup" aria-labelledby="found-title">${sources.map((one) => row(one, one === source, page))}</div>
          ${fromFile()}
        </section>
      </div>
      ${source ? will(source) : nothing}
    </div>` : html`<section class="card">${empty({
      icon: "scan-search", title: t("Nothing found"), text: t("There is no n8n, Dify or PostgreSQL of yours on this engine."),
      actions: button({ text: t("Look again"), icon: "rotate-cw", enabled: page.connection === "up", run: () => load({}) }),
    })}${fromFile()}</section>`}`;

const fromFile = () => html`<div class="card-foot bar"><span class="small muted grow">${t("Runs on another computer?")}</span>
  <a class="button quiet small" href="#backups?file=1">${icon("folder-open")}<span>${t("From a backup file…")}</span></a></div>`;

/** @param {Source} source @param {boolean} isChosen @param {PageState} page */
function row(source, isChosen, { snapshot }) {
  const { name, title, version, problem, running: runs, database, ports, bytes: size } = source;
  const said = [t("container {name}", { name }), database, ...ports.slice(0, 1).map((port) => `localhost:${port}`)];
  const module = snapshot?.modules.find((one) => one.name === source.module) ?? { name: source.module };
  return html`
    <label class="adopt-row" ?data-unfit=${problem !== null}>
      ${problem === null ? html`<input type="radio" class="radio" name="source" .checked=${isChosen} @change=${() => own.set({ chosen: name })}>`
        : icon("circle-slash", "faint")}
      ${tile(module)}
      <span class="grow"><strong>${title} ${versionIn(version)}</strong> ${problem === null
        ? barePill(runs ? "running" : "stopped") : html`<span class="tag busy">${t("Can't be copied")}</span>`}
        <span class="small muted about">${said.join(" · ")}</span>${problem === null ? nothing : html`<span class="small muted about">${problem}</span>`}</span>
      <span class="num small muted">${size === null ? nothing : bytes(size)}</span>
    </label>`;
}

/** @param {Source} source */
function will({ kind, title, containers, hasData, address, versionHere, lost, needed, free }) {
  const item = (/** @type {string} */ drawing, /** @type {string} */ head, /** @type {string} */ text, tone = "") =>
    html`<li><span class=${tone}>${icon(drawing)}</span><b class="strong">${head}</b><p>${text}</p></li>`;
  const space = { size: needed === null ? "" : bytes(needed), free: free === null ? "" : bytes(free) };
  return html`
    <section class="card will" aria-label=${t("What will happen")}>
      <h3>${t("What will happen")}</h3>
      <ul>
        ${item("copy", t("Copied"), kind === "postgres" ? t("All databases and roles") : t("Database, files, encryption key"))}
        ${kind === "n8n" ? item("key-round", t("The key is tried first"), t("Unless it opens a credential of your data, nothing is changed"), "ok") : nothing}
        ${containers.length ? item("timer", t("Stands still for a moment"), t("While it is copied: {names}", { names: list(containers) }), "busy")
          : item("circle-pause", t("Stays stopped"), t("It doesn't run, and isn't started"))}
        ${item("shield-check", t("Yours stays as it is"), t("Its containers and data aren't changed. That is checked by hashes"), "ok")}
        ${hasData ? item("triangle-alert", t("{name} has data here already", { name: title }), t("It stops, is backed up, and is then replaced"), "busy") : nothing}
        ${item("external-link", t("Then both run"), kind === "postgres" ? t("Ours with version {version}", { version: versionHere })
          : t("Ours on {address} with version {version}, its triggers off until you switch", { address: short(address), version: versionHere }))}
        ${needed === null ? nothing : item("hard-drive", t("Needs up to {size}", space), free === null ? "" : t("{free} are free", space))}
        ${lost.map((text) => item("info", t("Not copied"), text))}
      </ul>
    </section>`;
}

/** @param {Source} source @param {PageState} page */
const applyBar = ({ name, title, version, bytes: size }, { connection, asked, snapshot }) => html`
  <footer class="applybar" aria-label=${t("Copy {name}", { name: title })}>
    <span class="muted">${[`${title} ${versionIn(version)}`, name, ...(size === null ? [] : [bytes(size)])].join(" · ")}</span><span class="grow"></span>
    <a class="button quiet" href="#home">${t("Cancel")}</a>
    ${button({
      text: t("Copy {name}", { name: title }), icon: "copy", kind: "primary",
      enabled: connection === "up" && !asked.has(KEY) && Boolean(snapshot?.engine.running), run: () => void ask(KEY, "ai/adopt/start", { source: name }),
    })}
  </footer>`;

// -- under way ------------------------------------------------------------------------------------

/** @type {[string, StepKind[]][]} The rows of a copy, and their steps. */
const ROWS = [
  [mark("Download"), ["pull", "build"]], [mark("Stop yours"), ["stop"]], [mark("Copy its data"), ["clone"]], [mark("Compare the hashes"), ["proof"]],
  [mark("Read the copy"), ["trial"]], [mark("Put it beside ours"), ["dump", "unpack"]],
  [mark("Start ours on it"), ["swap", "remove", "network", "volume", "create", "start", "wait"]], [mark("Decrypt the credentials here"), ["probe"]],
];

/** @param {OperationSummary} operation @param {PageState} page */
function underWay(operation, { progress, asked, connection, snapshot }) {
  const steps = progress.find(({ id }) => id === operation.id)?.steps ?? [];
  const name = snapshot?.modules.find((one) => one.name === operation.modules[0])?.title ?? "";
  const isCopy = steps.some(({ kind }) => kind === "clone");
  const runs = isCopy && steps.filter(({ kind }) => kind === "clone").every(isOver);
  const left = leftOf(operation);
  return courseCard({
    id: "adopt-title", sign: ring(shareDone(operation)),
    title: isCopy || !steps.length ? t("Copying your {name}", { name }) : t("Switching {name}", { name }),
    text: html`<b class="strong">${left}</b>${left && runs ? " · " : ""}${runs ? t("yours runs again") : ""}`,
    buttons: operation.foreign ? nothing : button({ text: t("Cancel"), enabled: connection === "up" && !asked.has(`cancel ${operation.id}`), run: () => cancel(operation.id) }),
    below: courseBody(ROWS.map(([title, kinds]) => step(title, steps.filter(({ kind }) => kinds.includes(kind)), operation)), [t("Yours is safe"), [
      sideLine("shield-check", t("It is only read, and never changed"), "ok"),
      sideLine("play", t("It starts again as it was, also if something fails"), "ok"),
      sideLine("unplug", t("Triggers of the copy are off, so nothing runs twice"), "ok"),
    ]], { foot: t("You can close this window. Cancel throws the copy away.") }),
  });
}

/** @param {string} title @param {Step[]} steps @param {OperationSummary} operation */
function step(title, steps, operation) {
  const names = list([...new Set(steps.map(({ subject }) => subject))].slice(0, 3));
  return steps.length ? stepsRow(t(title), steps, operation, { said: (isNow) => (isNow ? undefined : names) }) : nothing;
}

// -- what was copied ------------------------------------------------------------------------------

/** @param {Adoption} one @param {PageState} page */
function copied(one, { snapshot, connection, asked }) {
  drawAgainIn(MINUTE_MS);
  const { title: name, state, proven, notices, waiting, address, module, versionHere } = one;
  const ours = snapshot?.modules.find((known) => known.name === module)?.open;
  const enabled = connection === "up" && !asked.has(KEY) && !running(snapshot);
  const isBeside = state === "beside";
  const [toSwitch, toForget] = isBeside ? [t("Switch over…"), t("Keep both")] : [t("Switch back…"), t("Dismiss")];
  const forget = () => ask(KEY, "ai/adopt/forget", { source: one.source }).then(() => load({}));
  return courseCard({
    id: `adopted-${one.source}`, sign: emblem("running", "circle-check"),
    title: isBeside ? t("Your {name} is here", { name }) : t("{name} has taken over", { name }),
    text: html`${t("Copied in {time}, {ago}", { time: duration(one.seconds), ago: ago(one.endedAt) })} · ${t("version {version}", { version: versionIn(versionHere) })}`,
    buttons: html`${isBeside && address ? opens(address, "plain", t("Open yours")) : nothing}${ours ? opens(ours, "primary", t("Open {name}", { name })) : nothing}`,
    below: courseBody(
      [
        ...proven.map((text) => provenRow(text)),
        isBeside && waiting ? provenRow(t("Triggers are off here"), tn("{count} active workflow waits, so that nothing runs twice", "{count} active workflows wait, so that nothing runs twice", waiting), "now", "triangle-alert") : nothing,
        ...notices.map((text) => provenRow(text, "", "next", "info")),
      ],
      isBeside ? [t("When you are content"), sideLine("arrow-right", t("Switch over: yours stops, the triggers run here. You can switch back"))]
        : [t("Not what you wanted?"), sideLine("undo-2", t("Switch back: yours starts again, and the triggers here are off"))],
      {
        more: html`<div class="buttons">${one.here ? button({ text: toSwitch, name: labelled(toSwitch, one.source), kind: "tonal", enabled, run: () => askToSwitch(one) }) : nothing}
          ${button({ text: toForget, name: labelled(toForget, one.source), kind: "quiet", enabled, run: () => void forget() })}</div>`,
        foot: html`<span class="grow">${t("Remove ours with its data, and all is as before.")}</span>
          <a class="button quiet small" href=${`#modules/${module}`}>${t("Show the module")}</a>`,
      },
    ),
  });
}

/** @param {string} address @param {string} kind @param {string} text */
const opens = (address, kind, text) => html`<a class="button ${kind}" href=${address} target="_blank" rel="noopener noreferrer">${icon("external-link")}<span>${text}</span></a>`;

/** @param {Adoption} adoption */
function askToSwitch({ source, title: name, state, containers }) {
  const isBeside = state === "beside";
  const names = list(containers);
  confirm({
    title: isBeside ? t("Switch over to {name} here?", { name }) : t("Switch back to {source}?", { source }),
    text: isBeside
      ? containers.length ? t("These containers stop: {names}. What {source} has stored since it was copied isn't here.", { names, source })
        : t("{source} is stopped already. What it has stored since it was copied isn't here.", { source })
      : containers.length ? t("These containers start again: {names}. What was stored here since you switched over stays only here.", { names })
        : t("{source} did not run when you switched over, so it stays stopped. What was stored here since then stays only here.", { source }),
    action: isBeside ? t("Switch over") : t("Switch back"),
    run: () => void ask(KEY, isBeside ? "ai/adopt/switch" : "ai/adopt/back", { source }),
  });
}

// @ts-check
/** The upgrade of a module, in one place: what is offered, how far it is, and what it has shown. */
import { html, nothing } from "../../../vendor/lit-html/lit-html.js";
import { cancel } from "../../base/actions.js";
import { about, ago, bytes, duration, labelled, list, versionIn } from "../../base/format.js";
import { mark, t, tn } from "../../base/i18n.js";
import { drawAgainIn } from "../../base/store.js";
import { button } from "../../components/button.js";
import { copy } from "../../components/copy.js";
import { courseBody, courseCard, provenRow, sideLine, stepsRow } from "../../components/course.js";
import { icon } from "../../components/icon.js";
import { menuButton } from "../../components/menu.js";
import { ring } from "../../components/meter.js";
import { notice } from "../../components/notice.js";
import { downloadsLeftOf, leftOf, shareDone } from "../../components/operations.js";
import { emblem } from "../../components/state.js";
import { when } from "../backups/list.js";
import { askDirect, askStopped, askTime, NIGHT, sharedOf, usersOf } from "./asking.js";
import { canBegin, keyOf, planFor, rehearse, rest, runningUpgrade, targetOf, unfit, upgrade, upgradeList, upgradeOf } from "./list.js";
import { doneNotice } from "./notices.js";
import { isTried, rowsOf } from "./steps.js";

/**
 * @import { Module, ModuleUpgrade, OperationSummary, Step, Version } from "../../contract.d.ts"
 * @import { PageState } from "../../types.d.ts"
 * @import { Side } from "../../components/course.js"
 * @import { Row } from "./steps.js"
 */

const MINUTE_MS = 60_000;

/** @param {PageState} page @param {Module} module */
export function upgradeCard(page, module) {
  const known = upgradeOf(module.name);
  if (!known) return nothing;
  const operation = runningUpgrade(module.name, page.snapshot);
  if (operation) return underWay(known, operation, page, module);
  const { offer, rehearsal } = known;
  const failed = unfit(known);
  const notices = [unended(), doneNotice(known)].filter((one) => one !== nothing);
  return html`${notices.length ? html`<h2 class="unseen">${t("Upgrade")}</h2>${notices}` : nothing}${
    offer ? rehearsal?.version === offer.version && rehearsal.problem === null ? fits(known, offer) : offerCard(known, offer)
      : failed ? doesNotFit(known, failed) : nothing}`;
}

/** What an interrupted upgrade left. */
function unended() {
  const why = upgradeList()?.unended;
  return why ? notice({ tone: "bad", title: t("An upgrade needs your attention"), text: why }) : nothing;
}

/** @param {unknown} sign @param {string} title @param {unknown} text @param {unknown} buttons @param {unknown} below */
const card = (sign, title, text, buttons, below) => courseCard({ id: "upgrade-title", sign, title, text, buttons, below });

// -- what is offered ------------------------------------------------------------------------------

/** @param {ModuleUpgrade} known @param {Version} offer */
const offerCard = (known, offer) => card(
  html`<span class="emblem info">${icon("circle-arrow-up")}</span>`, offerTitle(known, offer), html`${offerText(known, offer)}${notes(offer)}${planned(known)}`,
  offerButtons(known, offer), html`${blockers(known)}${fourSteps(known, offer)}`,
);

/** @param {ModuleUpgrade} known @param {Version} offer */
function offerTitle({ title, version }, offer) {
  if (offer.kind === "image") return t("Newer images of {name} are available", { name: title });
  return offer.version === version ? t("Newer files for {name} are available", { name: title })
    : t("{name} {version} is available", { name: title, version: versionIn(offer.version) });
}

/** @param {ModuleUpgrade} known @param {Version} offer */
function offerText({ version }, { kind }) {
  const said = { version: versionIn(version) };
  if (kind === "image") return t("{version} was published again", said);
  return kind === "files" ? t("They come with this version of AI-Server Tray. You have {version}", said) : t("You have {version}", said);
}

/** @param {Version} version */
const notes = ({ notes: address }) => (address ? html` · <a class="link" href=${address} target="_blank" rel="noopener noreferrer">${t("Release notes")}</a>` : nothing);

/** @param {ModuleUpgrade} known */
const planned = ({ at }) => (at ? html` · <b class="strong">${t("Upgrade planned: {when}", { when: when(at) })}</b>` : nothing);

/** @param {ModuleUpgrade} known @param {Version} offer */
function offerButtons(known, offer) {
  const { name, title, blockers: why } = known;
  // Asked again for each drawing of the open menu: what was asked for before may be answered meanwhile.
  const enabled = () => canBegin(keyOf(name));
  const look = { icon: "flask-conical", kind: /** @type {const} */ ("primary"), enabled: enabled() };
  const direct = () => ({ text: t("Upgrade without a rehearsal…"), icon: "circle-arrow-up", enabled: enabled(), run: () => askDirect(known, offer) });
  const stopped = () => ({ text: t("Rehearse with {name} stopped…", { name: title }), icon: "square", enabled: enabled(), run: () => askStopped(known, offer) });
  return html`
    ${known.at ? noPlan(known, offer) : button({ text: t("Later"), kind: "quiet", run: () => rest(known, offer, "week") })}
    <span class="split">${why.length ? button({ ...look, text: stopped().text, run: stopped().run })
      : button({ ...look, text: t("Rehearse first"), run: () => rehearse(name, offer.version, "rehearse") })}${menuButton({
      text: t("More"), name: t("More about this upgrade"), icon: "chevron-down", kind: "primary",
      items: () => [...(why.length ? [] : [stopped()]), direct(), null, ...rests(known, offer)],
    })}</span>`;
}

/** @param {ModuleUpgrade} known @param {Version} offer */
const rests = (known, offer) => [
  { text: t("Remind me in a week"), icon: "clock", run: () => rest(known, offer, "week") },
  { text: t("Skip this version"), icon: "skip-forward", run: () => rest(known, offer, "skip") },
];

/** @param {ModuleUpgrade} known @param {Version} offer */
const noPlan = (known, offer) => button({ text: t("Don't upgrade then"), kind: "quiet", run: () => planFor(known, offer, null) });

/** @param {ModuleUpgrade} known */
const blockers = ({ blockers: why }) => (why.length ? html`<div class="up-why" role="status">${icon("triangle-alert", "busy")}
  <p>${why.map((line) => html`<span class="note-line">${line}</span>`)}</p></div>` : nothing);

/** @param {ModuleUpgrade} known @param {Version} offer */
function fourSteps({ title, seconds, blockers: why }, offer) {
  const steps = [
    [t("Download"), offer.bytes === null ? t("The new images") : bytes(offer.bytes)],
    [t("Rehearse on a copy"), why.length ? t("{name} stands still meanwhile, your data is not touched", { name: title })
      : t("{name} keeps running, your data is not touched", { name: title })],
    [t("Upgrade"), seconds === null ? t("Only if it fits, and only when you say so. {name} stands still meanwhile", { name: title })
      : t("Only if it fits, and only when you say so. {name} stands still for {time}", { name: title, time: about(seconds) })],
    [t("Keep the way back"), t("The data from before stays for a while, so you can undo it")],
  ];
  return html`<ol class="four-steps">${steps.map(([name, text], index) => html`<li><h3><b aria-hidden="true">${index + 1}</b>${name}</h3><p>${text}</p></li>`)}</ol>`;
}

// -- under way ------------------------------------------------------------------------------------

/** @type {Record<Row, string>} */
const ROWS = {
  get: mark("Download"), rehearsal: mark("Rehearse on a copy"), copy: mark("Copy the data"), trial: mark("Start {version} on the copy"),
  stop: mark("Stop {name}"), keep: mark("Keep the way back"), change: mark("Start {version}"), ask: mark("Check that it answers"), discard: mark("Throw the copy away"),
};

/** @param {ModuleUpgrade} known @param {OperationSummary} operation @param {PageState} page @param {Module} module */
function underWay(known, operation, page, module) {
  const { title, version } = known;
  const isRehearsal = operation.kind === "rehearse";
  const steps = page.progress.find(({ id }) => id === operation.id)?.steps ?? [];
  const said = { name: title, version: versionIn(targetOf(known)), before: versionIn(version) };
  const isOnCopy = isTried(steps, isRehearsal);
  const stands = steps.some(({ kind, status }) => kind === "stop" && status !== "pending");
  const text = stands ? t("{name} stands still", said) : module.state === "running" ? t("{name} keeps running on {before}", said) : "";
  const left = leftOf(operation);
  return card(
    ring(shareDone(operation)), isRehearsal ? t("Rehearsing {version} on a copy", said) : t("Upgrading {name} to {version}", said),
    html`<b class="strong">${left}</b>${left && text ? " · " : ""}${text}`, back(operation, isOnCopy, said, page),
    courseBody(
      rowsOf(steps, isRehearsal).map(({ row, steps: own }) => stepsRow(t(ROWS[row], said), own, operation, { row, said: (isNow) => stepText(row, isNow, own, operation) })),
      isOnCopy ? harmless(said, module, stands)
        : [t("If the power goes now"), sideLine("undo-2", t("The next start goes back to {before}, with the data from before", said), "ok")],
      { foot: isRehearsal ? t("You can close this window. Cancel throws the copy away and leaves {name} as it is.", said)
        : t("You can close this window. The work continues in the background.") },
    ),
  );
}

/** @param {OperationSummary} operation @param {boolean} isOnCopy @param {{name: string, version: string, before: string}} said @param {PageState} page */
function back({ id, foreign }, isOnCopy, said, { asked, connection }) {
  if (foreign) return nothing;
  const enabled = connection === "up" && !asked.has(`cancel ${id}`);
  const text = isOnCopy ? t("Cancel") : t("Go back to {before}", said);
  return button({ text, name: labelled(text, said.name), ...(isOnCopy ? {} : { icon: "undo-2" }), enabled, run: () => cancel(id) });
}

/** @param {Row} row @param {boolean} isNow @param {Step[]} steps @param {OperationSummary} operation */
function stepText(row, isNow, steps, operation) {
  const size = bytes(steps.reduce((sum, { total }) => sum + total, 0));
  if (row === "get") return (isNow && downloadsLeftOf(operation)) || (isNow ? undefined : tn("{count} image, {size}", "{count} images, {size}", steps.length, { size }));
  return !isNow && (row === "copy" || row === "keep") ? list([...new Set(steps.map(({ subject }) => subject))]) : undefined;
}

/** @param {Record<string, string>} said @param {Module} module @param {boolean} stands @returns {Side} */
const harmless = (said, { state }, stands) => [t("Nothing can go wrong here"), [
  sideLine("shield-check", t("Your data is not touched: it works on a copy"), "ok"),
  sideLine("unplug", t("The copy can't reach anything: no mail, no webhook and no trigger gets out"), "ok"),
  stands ? sideLine("timer", t("{name} stands still meanwhile, and starts again by itself", said)) : state === "running" ? sideLine("play", t("{name} works as usual", said), "ok") : nothing,
]];

// -- what a rehearsal has shown -------------------------------------------------------------------

/** @param {ModuleUpgrade} known @param {Version} offer */
function fits(known, offer) {
  const { name, title, rehearsal, seconds, users, version } = known;
  if (!rehearsal) return nothing;
  drawAgainIn(MINUTE_MS);
  const enabled = canBegin(keyOf(name));
  const said = { name: title, version: versionIn(offer.version), before: versionIn(version) };
  return card(
    emblem("running", "circle-check"), t("{version} fits", said),
    html`${t("Rehearsed in {time}, {ago}", { time: duration(rehearsal.seconds), ago: ago(rehearsal.endedAt) })}${notes(offer)}${planned(known)}`,
    html`${known.at ? noPlan(known, offer) : html`${menuButton({ text: t("Not now"), iconOnly: false, icon: "", items: () => rests(known, offer) })}
        <span class="split">${button({ text: t("Tonight at {time}", { time: NIGHT }), icon: "moon", run: () => planFor(known, offer, NIGHT) })}${menuButton({
          text: t("More"), name: t("Another time"), icon: "chevron-down", kind: "plain", items: () => [{ text: t("Another time…"), icon: "clock", run: () => askTime(known, offer) }],
        })}</span>`}
      ${button({ text: t("Upgrade now"), icon: "circle-arrow-up", kind: "primary", enabled, run: () => upgrade(name, offer.version, "direct") })}`,
    courseBody(
      [
        provenRow(t("It started on a copy of your data"), t("{version} changed the copy as it needs it, and all its services became healthy", said)),
        ...rehearsal.proven.map((proof) => provenRow(proof)),
      ],
      [t("What the upgrade does"), [
        seconds === null ? nothing : sideLine("timer", t("{name} stands still for {time}", { ...said, time: about(seconds) })),
        rehearsal.bytes ? sideLine("hard-drive", t("It needs {size} in Docker", { size: bytes(rehearsal.bytes) })) : nothing,
        sideLine("undo-2", t("The data from before stays for a while, so you can undo it")),
        known.shared.length ? sideLine("triangle-alert", sharedOf(known), "busy") : nothing,
        users.length ? sideLine("square", usersOf(known), "busy") : sideLine("circle-check", t("No other module is interrupted")),
      ]],
    ),
  );
}

/** @param {ModuleUpgrade} known @param {Version} failed */
function doesNotFit(known, failed) {
  const { name, title, version, rehearsal } = known;
  drawAgainIn(MINUTE_MS);
  const own = rehearsal?.version === failed.version ? rehearsal : null;
  const said = { name: title, version: versionIn(failed.version), before: versionIn(version) };
  const why = own?.problem ?? failed.failed ?? "";
  const lines = own?.lines ?? [];
  const enabled = canBegin(keyOf(name));
  return html`
    <section class="card problem amber upgrade" aria-labelledby="upgrade-title">
      <span class="tile">${icon("flask-conical")}</span>
      <div>
        <div class="row-flex problem-head"><div class="grow"><h2 id="upgrade-title">${t("{version} doesn't fit your data yet", said)}</h2></div>
          <span class="small faint num">${own ? t("rehearsed {ago}", { ago: ago(own.endedAt) }) : nothing}</span>
          ${button({ text: t("Dismiss"), name: labelled(t("Dismiss"), said.version), icon: "x", kind: "quiet", size: "small", iconOnly: true, run: () => rest(known, failed, "skip") })}</div>
        <p class="why">${own ? t("Nothing was changed: {name} stays at {before}.", said) : t("{name} stays at {before}.", said)} ${why}</p>
        ${lines.length ? html`<pre class="said">${lines.join("\n")}</pre>` : nothing}
        <p class="why">${t("{version} isn't offered again. You'll hear of the next version.", said)}</p>
        <div class="buttons">
          ${button({ text: t("Copy the report"), icon: "copy", kind: "primary", run: () => copy([`${title} ${version} → ${failed.version}`, why, ...lines].join("\n")) })}
          ${button({ text: t("Rehearse again"), icon: "rotate-cw", enabled, run: () => rehearse(name, failed.version, "rehearse") })}
          ${failed.notes ? html`<a class="button quiet" href=${failed.notes} target="_blank" rel="noopener noreferrer">${icon("external-link")}<span>${t("Release notes")}</span></a>` : nothing}
        </div>
      </div>
    </section>`;
}

// @ts-check
/** A terminal in a service, in the place of a tab. */
import { html, nothing } from "../../../vendor/lit-html/lit-html.js";
import { confirm } from "../../base/actions.js";
import { addressTo, askBeforeLeaving, go, setQuery } from "../../base/address.js";
import { list, timeOfDay } from "../../base/format.js";
import { t, tn } from "../../base/i18n.js";
import { isMac, shortcut } from "../../base/keys.js";
import { recall, remember } from "../../base/preferences.js";
import { current, slice } from "../../base/store.js";
import { button } from "../../components/button.js";
import { copy } from "../../components/copy.js";
import { select } from "../../components/field.js";
import { icon } from "../../components/icon.js";
import { notice } from "../../components/notice.js";
import { barePill } from "../../components/state.js";
import { showToast } from "../../components/toast.js";
import { hasTerminal, openerOf, terminalOf } from "./service_state.js";
import { makeScreen } from "./terminal/screen.js";
import { Session } from "./terminal/session.js";

/**
 * @import { Address } from "../../base/address.js"
 * @import { Module, TerminalEnd } from "../../contract.d.ts"
 * @import { PageState } from "../../types.d.ts"
 */

const LARGE = "terminal-large";
const READ = "terminal-read";
const ROOT = "root";
const NO_SHELL = "E_NO_SHELL";
const [SERVICE, USER] = ["terminal-service", "terminal-user"];
const HIDE_CURSOR = "\x1b[?25l";

const own = slice({
  /** @type {"opening"|"open"|"ended"|"refused"} */
  status: "opening",
  shell: "",
  imageUser: "",
  rows: 0,
  columns: 0,
  /** Why it has ended, or can't be opened, for people. */
  why: "",
  code: "",
  /** Another attempt may succeed. */
  canRetry: true,
  isLarge: recall(LARGE) === "on",
  isRead: recall(READ) === "on",
  isWhole: false,
});

/** Where the terminal is drawn. Each one gets another. */
let host = document.createElement("div");
/** @type {import("./terminal/screen.js").Screen|null} */
let screen = null;
/** @type {Session|null} */
let session = null;

const sizes = new ResizeObserver(() => screen?.fit());

/** @param {Address} address */
export function enter({ rest: [module = "", , service = ""], query }) {
  open(module, service, query.user ?? "");
  window.addEventListener("pagehide", end);
  window.addEventListener("beforeunload", hold);
  const endAsking = askBeforeLeaving(ask);
  return () => {
    endAsking();
    window.removeEventListener("beforeunload", hold);
    window.removeEventListener("pagehide", end);
    own.set({ isWhole: false });
    end();
  };
}

/** @param {string} module @param {string} service @param {string} user */
async function open(module, service, user) {
  end();
  const place = host = document.createElement("div");
  host.className = "termhost";
  own.set({ status: "opening", shell: "", imageUser: "", why: "", code: "" });
  await laidOut(place);
  const name = t("Terminal of {name}", { name: service });
  const made = await makeScreen(place, name, own.get(), {
    typed: (text) => mine.type(text),
    resized: (rows, columns) => {
      own.set({ rows, columns });
      mine.resize(rows, columns);
    },
    leave: () => /** @type {HTMLElement|null} */ (document.querySelector(".termbar a"))?.focus(),
  });
  const mine = new Session({ write: made.write, ended: (end) => place === host && showEnd(service, end) });
  if (place !== host) {
    made.dispose();
    return;
  }
  [screen, session] = [made, mine];
  sizes.observe(place);
  made.fit();
  made.focus();
  const size = { rows: made.rows, columns: made.columns };
  const answer = await mine.open({ module, service, user: user === ROOT ? ROOT : "image", ...size });
  if (place !== host) return;
  if (answer.success) {
    own.set({ status: "open", shell: answer.data.shell, imageUser: answer.data.imageUser });
    return;
  }
  const { code, message: why, data } = answer;
  const isHere = /** @type {{isLocal?: boolean}} */ (data).isLocal !== false;
  own.set({ status: "refused", why, code, canRetry: isHere && code !== NO_SHELL });
}

/** @param {HTMLElement} place @returns {Promise<void>} until it is in the page */
const laidOut = (place) => new Promise((done) => {
  const drawn = new ResizeObserver(() => {
    if (!place.clientWidth) return;
    drawn.disconnect();
    done();
  });
  drawn.observe(place);
});

/** Whether what would end the terminal waits for an answer. @param {() => void} then if that is yes */
function ask(then) {
  if (!session?.isUsed) return false;
  showChosen();
  confirm({
    title: t("End what runs in the terminal?"), text: t("Its shell and all that was started in it end when you leave it."),
    action: t("End it"),
    run: () => {
      end();
      then();
    },
  });
  return true;
}

/** What is asked first is not chosen yet. */
function showChosen() {
  const { rest: [, , service = ""], query } = current().address;
  for (const [id, value] of Object.entries({ [SERVICE]: service, [USER]: query.user ?? "" })) {
    const field = document.getElementById(id);
    if (field instanceof HTMLSelectElement) field.value = value;
  }
}

/** The browser asks before its tab is closed, as by Ctrl+W. @param {BeforeUnloadEvent} event */
function hold(event) {
  if (session?.isUsed && current().connection === "up") event.preventDefault();
}

/** Ends what is open. */
async function end() {
  const [shown, open] = [screen, session];
  [screen, session] = [null, null];
  sizes.disconnect();
  host = document.createElement("div");
  shown?.dispose();
  const left = await open?.close();
  if (left?.length) showToast({ text: leftWords(left), icon: "triangle-alert" });
}

/** @param {number[]} left */
const leftWords = (left) =>
  tn("{count} process could not be ended: {ids}.", "{count} processes could not be ended: {ids}.", left.length, { ids: list(left.map(String)) });

/** @param {string} service @param {TerminalEnd|null} end */
function showEnd(service, end) {
  const reasons = {
    exited: t("The shell has exited."),
    service_stopped: t("{name} stopped or was restarted at {time}.", { name: service, time: timeOfDay(new Date().toISOString()) }),
    engine_lost: t("Docker stopped responding."),
  };
  const why = end ? reasons[end.reason] : t("The connection was lost for too long.");
  screen?.write(HIDE_CURSOR, () => {});
  own.set({ status: "ended", why: end?.left.length ? `${why} ${leftWords(end.left)}` : why });
}

/** @param {PageState} page @param {Module} module */
export function view(page, module) {
  const { rest: [, , service = ""], query } = page.address;
  const { status, isWhole } = own.get();
  return html`
    <section class="termpage ${isWhole ? "whole" : ""}" aria-label=${t("Terminal of {name}", { name: service })}>
      ${bar(module, service, query.user ?? "")}
      <div class="term">${host}</div>
      ${status === "ended" || status === "refused" ? closing(module, service, query.user ?? "") : nothing}
      ${foot(page)}
    </section>`;
}

/** @param {Module} module @param {string} service @param {string} user */
const bar = (module, service, user) => html`
  <div class="termbar">
    <a class="button quiet square" href="#${backTo(module, service)}" aria-label=${t("Back to the services")}
      title="${t("Back to the services")} – F6">${icon("arrow-left")}</a>
    <h2 class="h3 crumb">${icon("square-terminal", "muted")}${t("Terminal")}</h2>
    ${select({
      id: SERVICE, value: service, label: t("Service"),
      choices: names(module, service).map((name) => ({ value: name, text: name })),
      change: (name) => go(terminalOf(module.name, name, user)),
    })}
    ${select({
      id: USER, value: user, label: t("User"), choices: users(),
      change: (chosen) => {
        const change = () => {
          setQuery({ user: chosen });
          open(module.name, service, chosen);
        };
        if (!ask(change)) change();
      },
    })}
    <span class="grow"></span>
    <div class="buttons">${tools()}${button({ text: t("Close"), icon: "x", size: "small", run: () => finish(module, service) })}</div>
  </div>`;

/** Who presses it knows what ends. @param {Module} module @param {string} service */
function finish(module, service) {
  end();
  go(backTo(module, service));
}

/** The button by which a terminal of the service is opened, which gets the focus. @param {Module} module @param {string} service */
const backTo = ({ name }, service) => addressTo("modules", [name, "services"], { at: openerOf(service) });

/** @param {Module} module @param {string} shown */
const names = ({ services }, shown) =>
  services.filter((one) => one.name === shown || hasTerminal(one)).map(({ name }) => name);

/** The user of the image is known once the terminal is open. */
function users() {
  const { imageUser } = own.get();
  const choices = [{ value: ROOT, text: t("as {user}", { user: ROOT }) }];
  if (imageUser === ROOT) return [{ value: "", text: t("as {user}", { user: ROOT }) }];
  return [{ value: "", text: imageUser ? t("as {user}", { user: imageUser }) : t("as the image's user") }, ...choices];
}

const tools = () => html`
  ${button({ text: t("Copy all"), icon: "copy", kind: "quiet", size: "small", run: () => copy(screen?.text() ?? "") })}
  ${button({
    text: t("Clear"), icon: "eraser", kind: "quiet", size: "small",
    run: () => {
      screen?.clear();
      screen?.focus();
    },
  })}
  ${button({
    text: t("Larger text"), icon: "case-sensitive", kind: "quiet", size: "small", iconOnly: true, pressed: own.get().isLarge,
    run: () => look({ isLarge: !own.get().isLarge }),
  })}
  ${button({
    text: t("Read out by screen readers"), icon: "speech", kind: "quiet", size: "small", iconOnly: true, pressed: own.get().isRead,
    run: () => look({ isRead: !own.get().isRead }),
  })}
  ${button({
    text: t("Whole window"), icon: "maximize", kind: "quiet", size: "small", iconOnly: true, pressed: own.get().isWhole,
    run: () => {
      own.set({ isWhole: !own.get().isWhole });
      screen?.focus();
    },
  })}`;

/** @param {Partial<import("./terminal/screen.js").Look>} change Is remembered for the next terminals. */
function look(change) {
  own.set(change);
  const { isLarge, isRead } = own.get();
  remember(LARGE, isLarge ? "on" : "off");
  remember(READ, isRead ? "on" : "off");
  screen?.show({ isLarge, isRead });
  screen?.focus();
}

/** Why there is no terminal, and how to get one. @param {Module} module @param {string} service @param {string} user */
function closing(module, service, user) {
  const { status, why, code, canRetry } = own.get();
  const again = button({
    text: status === "ended" ? t("Open a new one") : t("Try again"), icon: "square-terminal", kind: "primary",
    run: () => open(module.name, service, user),
  });
  const close = button({ text: t("Close"), kind: "quiet", run: () => finish(module, service) });
  return html`<div class="termend">${status === "ended"
    ? notice({
      title: t("The terminal has ended"), text: `${why} ${t("You can still read and copy its text.")}`,
      actions: html`${again}${close}`,
    })
    : notice({
      tone: "bad", title: t("The terminal can't be opened"),
      actions: html`${canRetry ? again : code === NO_SHELL ? logsOf(module, service) : nothing}${close}`,
      text: html`${why} <span class="tag bad mono">${code}</span>`,
    })}</div>`;
}

/** @param {Module} module @param {string} service */
const logsOf = ({ name }, service) => html`
  <a class="button primary" href="#${addressTo("modules", [name, "logs"], { service })}">${icon("scroll-text")}<span>${t("Logs")}</span></a>`;

/** @param {PageState} page */
function foot({ connection }) {
  const { status, shell, rows, columns } = own.get();
  return html`
    <footer class="termfoot num">
      <span role="status">${status === "opening" || (status === "open" && connection !== "up")
        ? barePill("starting", t("Connecting…"))
        
        : status === "open" ? barePill("running", t("Connected")) : barePill("stopped", status === "ended" ? t("Ended") : t("Not connected"))}</span>
      <span class="hide">${[shell, columns && `${columns} × ${rows}`].filter(Boolean).join(" · ")}</span>
      <span class="grow"></span>
      <span class="hide">${t("Opening it is noted in Activity, what you type isn't")}</span>
      <span class="row-flex">
        <kbd title=${t("Copy the selection")}>${shortcut(isMac ? "Mod+c" : "Mod+Shift+c")}</kbd>
        <kbd title=${t("Paste")}>${shortcut(isMac ? "Mod+v" : "Mod+Shift+v")}</kbd>
      </span>
    </footer>`;
}

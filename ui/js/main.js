// @ts-check
import { render } from "../vendor/lit-html/lit-html.js";
import { lookAtEngine, report } from "./base/actions.js";
import { go } from "./base/address.js";
import { CONNECTION, HELLO, connect, on } from "./base/bridge.js";
import { hasTexts, setLanguage } from "./base/i18n.js";
import { current, keeping, observe, update } from "./base/store.js";
import { loadIcons } from "./components/icon.js";
import { showMenu } from "./components/menu.js";
import { showQuestion } from "./components/question.js";
import { beginPages, titleOf } from "./pages.js";
import "./pages/welcome/first_run.js";
import { loadTheRest } from "./shell/dialogs.js";
import { shell } from "./shell/shell.js";
import "./shell/single_keys.js";
import { fitTabs } from "./shell/tabs.js";

window.addEventListener("error", ({ message, filename, lineno }) =>
  report(`${message} (${filename}:${lineno})`),
);
window.addEventListener("unhandledrejection", ({ reason }) => report(String(reason?.stack ?? reason)));

const page = /** @type {HTMLElement} */ (document.getElementById("page"));
let isDue = false;
let isBegun = false;

/** However much arrives, the page is drawn once a frame, and not at all while it is hidden. */
function draw() {
  if (isDue) return;
  isDue = true;
  requestAnimationFrame(() => {
    isDue = false;
    if (!hasTexts()) return;
    if (!isBegun) page.replaceChildren(); // what stood there until now
    isBegun = true;
    render(shell(current()), page);
    document.title = nameOf(current());
    fitTabs();
    showMenu();
    showQuestion(current().question);
  });
}

/** For the browser's tab and history. @param {import("./types.d.ts").PageState} page */
function nameOf({ address, snapshot }) {
  const module = address.page === "modules" && snapshot?.modules.find(({ name }) => name === address.rest[0]);
  const name = module ? module.title : titleOf(address.page);
  return address.page === "home" ? "AI-Server Tray" : `${name} – AI-Server Tray`;
}

// The page's own texts are in the language of those that came.
observe(({ snapshot }) => snapshot && setLanguage(snapshot.language));
observe(({ snapshot }, before) => {
  if (snapshot && snapshot.theme !== before.snapshot?.theme) document.documentElement.dataset.theme = snapshot.theme;
});
observe(draw);
observe((now, before) => {
  const isDown = now.snapshot && !now.snapshot.engine.running;
  const wasDown = before.snapshot && !before.snapshot.engine.running;
  if (isDown && !wasDown) lookAtEngine();
});

on(HELLO, ({ language, page: asked }) => {
  setLanguage(language);
  if (!location.hash) go(asked);
});
on("ai/ui/goto", ({ page: asked }) => go(asked));
on(CONNECTION, ({ state }) => update({ connection: state }));
on("ai/snapshot/event", (snapshot) => update({ snapshot: keeping(current().snapshot, snapshot) }));
on("ai/operation/progress", ({ operation }) => {
  const others = current().progress.filter(
    ({ id, status }) => id !== operation.id && (status === "waiting" || status === "running"),
  );
  update({ progress: [...others, operation] });
});

const endWaiting = observe(({ snapshot }) => {
  if (!snapshot) return;
  endWaiting();
  loadTheRest();
});

beginPages();
loadIcons("first");
connect();

// @ts-check
/** Each component in each of its states, for developers: gallery.html. It is not part of the product. */
import { html, render } from "../vendor/lit-html/lit-html.js";
import { confirm } from "./base/actions.js";
import { STATES } from "./base/format.js";
import { current, observe } from "./base/store.js";
import { button } from "./components/button.js";
import { chart } from "./components/chart.js";
import { copyButton } from "./components/copy.js";
import { choiceCards, field, input, searchInput, select, toggle } from "./components/field.js";
import { loadIcons } from "./components/icon.js";
import { menuButton, showMenu } from "./components/menu.js";
import { meter, progress } from "./components/meter.js";
import { empty, notice } from "./components/notice.js";
import { showQuestion } from "./components/question.js";
import { secret } from "./components/secret.js";
import { spark } from "./components/spark.js";
import { barePill, dot, emblem, pill } from "./components/state.js";
import { tabs } from "./components/tabs.js";
import { hue, tile } from "./components/tile.js";
import { showToast, toasts } from "./components/toast.js";
import { problemCard } from "./problems/card.js";

/** @import { State } from "./contract.d.ts" */

const nothingHappens = () => {};
const states = /** @type {State[]} */ (Object.keys(STATES));
const values = Array.from({ length: 60 }, (_, i) => (i > 20 && i < 26 ? null : 50 + 30 * Math.sin(i / 5)));
const BEGIN = 1767261600;
const span = { times: values.map((_, i) => BEGIN + 15 * i), begin: BEGIN, end: BEGIN + 15 * 59 };

/** @returns {[title: string, content: unknown][]} */
const shelves = () => [
  ["States", states.map((state) => html`${dot(state)} ${pill(state)} ${barePill(state)} ${emblem(state)}`)],
  ["Buttons", html`
    ${/** @type {const} */ (["primary", "start", "plain", "tonal", "quiet", "danger"]).map((kind) => button({
      text: kind, kind, icon: "play", run: nothingHappens,
    }))}
    ${button({ text: "disabled", enabled: false, why: "nothing runs", run: nothingHappens })}
    ${button({ text: "small", size: "small", run: nothingHappens })}
    ${button({ text: "large", size: "large", run: nothingHappens })}
    ${button({ text: "icon only", icon: "rotate-cw", iconOnly: true, kind: "quiet", run: nothingHappens })}
    ${button({ text: "pressed", pressed: true, run: nothingHappens })}
    ${copyButton("text", "Copy text")}
    ${menuButton({ text: "More", items: () => [
      { text: "Restart", icon: "rotate-cw", run: nothingHappens },
      { text: "Not possible", icon: "play", enabled: false, why: "it runs" },
      null,
      { text: "Remove…", icon: "trash-2", kind: "danger", run: nothingHappens },
    ] })}`],
  ["Dialogs and toasts", html`
    ${button({ text: "question", run: () => confirm({
      title: "Stop PostgreSQL?", text: "n8n and Dify use it and will stop too.", action: "Stop 3 modules", run: nothingHappens,
    }) })}
    ${button({ text: "typed question", run: () => confirm({
      title: "Delete the data of n8n?", text: "2 volumes with 4.2 GB.", action: "Delete", kind: "danger", typed: "n8n",
      run: nothingHappens,
    }) })}
    ${button({ text: "toast", run: () => showToast({ text: "Copied" }) })}
    ${button({ text: "toast with undo", run: () => showToast({ text: "Stopping n8n", undo: nothingHappens }) })}`],
  ["Tiles", html`${["n8n", "dify", "postgres", "my-own", "another"].map((name) => html`
    ${tile({ name, icon: "bot" }, "big")} ${tile({ name })} ${tile({ name }, "tiny")}`)}`],
  ["Charts", html`
    ${chart({
      label: "CPU", ...span, height: 124, max: 100, unit: 1, format: (value) => `${value} %`, told: String,
      series: [{ name: "CPU", values, colour: "var(--focus)" }],
    })}
    ${chart({
      label: "Memory by module", ...span, height: 124, max: 200, unit: 1, format: String, told: String, isStacked: true,
      series: ["n8n", "dify"].map((name) => ({ name, values, colour: hue(name) })),
    })}`],
  ["Secrets", secret("n8n.N8N_ENCRYPTION_KEY", "n8n")],
  ["Meters and sparklines", html`
    ${meter({ label: "Memory", size: "thick", parts: [{ share: 0.3, colour: hue("n8n"), title: "n8n" }, { share: 0.2, colour: hue("dify") }] })}
    ${meter({ label: "Memory", size: "thin", parts: [{ share: 0.4 }] })}
    ${meter({ label: "Working", moving: true, parts: [{ share: 0.6 }] })}
    ${progress("Progress", 0.5)}
    <div class="box">${spark(values, { colour: "var(--focus)" })}</div>
    <div class="box">${spark(values, { colour: hue("oneapi"), limit: 70, max: 100 })}</div>`],
  ["Notices", html`${/** @type {const} */ (["info", "ok", "busy", "bad"]).map((tone) => notice({
    tone, title: `A notice that is ${tone}`, text: "Why, with names and numbers.",
    actions: button({ text: "What to do next", kind: "primary", run: nothingHappens }),
  }))}`],
  ["Problems", problemCard({
    id: "gallery", module: null, title: "n8n couldn't start: port 18100 is in use",
    why: "\u0001node.exe\u0001 (process 14208) is using it.", lines: ["what it wrote last"], since: new Date().toISOString(),
    remedies: [{ kind: "set", text: "Use port 18101" }, { kind: "logs", text: "Logs", module: "n8n" }],
    again: { kind: "up", modules: ["n8n"], services: [] }, code: "E_PORT_CONFLICT", raw: "Port 18100 is in use.", count: 2,
    dismissible: ["gallery"],
  }, { ...current(), connection: "up" })],
  ["Empty and loading", html`
    ${empty({ icon: "text-search", title: "No lines match “timeout”", text: "Try another word.", actions: button({ text: "Clear filters", run: nothingHappens }) })}
    <div class="skeleton"></div>`],
  ["Tabs", tabs("Sections", [
    { text: "Overview", href: "#overview", current: true }, { text: "Services", href: "#services", current: false, count: 16 },
  ])],
  ["Forms", html`
    ${field({ id: "port", label: "Port", help: "Where it opens", changed: true, message: { text: "Free, was 5678", tone: "ok" },
      control: input({ id: "port", value: "5680", change: nothingHappens }) })}
    ${field({ id: "bad", label: "Limit", message: { text: "Expected a size such as 2 GB", tone: "bad" },
      control: input({ id: "bad", value: "much", invalid: true, unit: "GB", change: nothingHappens }) })}
    ${field({ id: "secret", label: "Password", control: input({ id: "secret", type: "password", value: "secret", change: nothingHappens }) })}
    ${field({ id: "on", label: "Keep files apart", control: toggle({ id: "on", on: true, label: "Keep files apart", change: nothingHappens }) })}
    ${field({ id: "choice", label: "Language", control: select({
      id: "choice", value: "en", choices: [{ value: "en", text: "English" }, { value: "zh", text: "中文" }], change: nothingHappens,
    }) })}
    ${searchInput({ id: "search", label: "Find a setting", value: "", change: nothingHappens })}
    ${choiceCards({ id: "store", label: "Vector store", value: "a", change: nothingHappens, choices: [
      { value: "a", title: "Shared Qdrant", text: "Also for others" }, { value: "b", title: "Own Qdrant", enabled: false },
    ] })}`],
];

const root = /** @type {HTMLElement} */ (document.getElementById("gallery"));

function draw() {
  render(html`<main>
    <h1>Components</h1>
    ${shelves().map(([title, content]) => html`<section><h2>${title}</h2><div class="card shelf">${content}</div></section>`)}
    ${toasts()}
  </main>`, root);
  showMenu();
  showQuestion(current().question);
}

/** Loads the style sheets of the page itself, in their order, before those of this one. */
async function addStyles() {
  const index = await (await fetch("index.html")).text();
  const page = new DOMParser().parseFromString(index, "text/html");
  const sheets = [...page.querySelectorAll("link[rel=stylesheet]")];
  const loaded = sheets.map((sheet) => new Promise((resolve) => sheet.addEventListener("load", resolve)));
  document.head.prepend(...sheets);
  await Promise.all(loaded);
}

document.documentElement.dataset.theme = new URLSearchParams(location.search).get("theme") ?? "system";
await addStyles();
observe(draw);
draw();
loadIcons("first");
loadIcons("more");

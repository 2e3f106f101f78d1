// @ts-check
/** What other parts of the page say about modules that are open to the network. */
import { html, nothing } from "../../../vendor/lit-html/lit-html.js";
import { addressTo } from "../../base/address.js";
import { labelled, list, uptime } from "../../base/format.js";
import { mark, t } from "../../base/i18n.js";
import { button } from "../../components/button.js";
import { icon } from "../../components/icon.js";
import { accessOf, canChange, closeNow, openModules, openOf } from "./list.js";

/**
 * @import { Module, OpenModule, Snapshot } from "../../contract.d.ts"
 * @import { PageState } from "../../types.d.ts"
 */

/** @type {Record<string, {tag: string, icon: string, tone: string}>} */
const STATES = {
  open: { tag: mark("Open to your network"), icon: "globe", tone: "info" },
  broken: { tag: mark("Address has a problem"), icon: "triangle-alert", tone: "busy" },
  paused: { tag: mark("Closed in this network"), icon: "ban", tone: "busy" },
  waiting: { tag: mark("Waits for the first account"), icon: "circle-alert", tone: "busy" },
};

/** In the head of a module's page. @param {Module} module */
export function accessTag({ name }) {
  const one = openOf(name), state = STATES[one?.state ?? ""];
  if (!one || !state) return nothing;
  const isPublic = one.state === "open" && one.way !== "network";
  return html`<a class="tag ${state.tone}" href="#${addressTo("modules", [name, "access"])}">${icon(state.icon)}${isPublic ? t("Open to the internet") : t(state.tag)}</a>`;
}

/** On Home: what is open, with the way to close it. @param {PageState} page */
export function openCard({ snapshot }) {
  const open = openModules().filter(({ state }) => state !== "opening");
  const bare = snapshot ? bareModules(snapshot) : [];
  if (!snapshot || !(open.length || bare.length)) return nothing;
  const titles = new Map(snapshot.modules.map(({ name, title }) => [name, title]));
  return html`<section class="card rows open-to" aria-label=${t("Open to other devices")}>
    ${open.map((one) => row(one, titles.get(one.name) ?? one.name))}${bare.length ? bareRow(bare) : nothing}</section>`;
}

/** @param {string} address */
const isOwn = (address) => address.startsWith("127.") || ["::1", "localhost"].includes(address);

/** The modules with ports that the network reaches without the gateway. @param {Snapshot} snapshot */
const bareModules = ({ modules }) => modules.filter(({ name, ports }) => name !== "gateway" && ports.some(({ address }) => !isOwn(address)));

/** @param {Module[]} modules */
function bareRow(modules) {
  const ports = modules.flatMap((module) => module.ports.filter(({ address }) => !isOwn(address)).map(({ host }) => `${module.title} ${host}`));
  return html`<div class="item amber" data-access="ports">${icon("lock-open", "busy")}
    <div class="grow"><h3>${t("These ports are open to your network")}</h3>
      <p>${t("{ports}. They have no HTTPS, and some need no password.", { ports: list([...new Set(ports)]) })}</p></div>
    <span class="buttons"><a class="button" href="#${addressTo("settings", ["advanced"])}">${icon("settings")}<span>${t("Change the address")}</span></a></span></div>`;
}

/** @param {OpenModule} one @param {string} title */
function row(one, title) {
  const { name, state, url, since } = one;
  const isAmber = state !== "open", label = state === "waiting" ? t("Keep it on this computer") : t("Close now");
  return html`<div class="item ${isAmber ? "amber" : ""}" data-access=${name}>
    ${icon(STATES[state]?.icon ?? "globe", isAmber ? "busy" : "info")}
    <div class="grow"><h3>${titleOf(one, title)}</h3><p>${state === "open" ? t("{url} · for {time}", { url, time: uptime(since) }) : why(one)}</p></div>
    <span class="buttons">
      <a class="button" href="#${addressTo("modules", [name, "access"])}">${icon("external-link")}<span>${t("Address and code")}</span></a>
      ${button({ text: label, name: labelled(label, title), icon: "ban", enabled: canChange(name), run: () => closeNow(name) })}
    </span></div>`;
}

/** @param {OpenModule} one @param {string} title */
const titleOf = ({ state, way }, title) => ({
  waiting: t("{name} stays closed until its first account exists", { name: title }),
  paused: t("{name} is closed, because this is another network", { name: title }),
}[state] ?? (way === "network" ? t("{name} is open to your network", { name: title }) : t("{name} is open to the internet", { name: title })));

/** @param {OpenModule} one */
function why({ name, state, url }) {
  if (state === "waiting") return t("It opens by itself afterwards.");
  if (state === "paused") return t("It opens again in the network that you opened it to.");
  const broken = accessOf(name)?.links.filter(({ ok }) => ok === false) ?? [];
  return broken.length ? list(broken.map(({ text }) => text)) : url;
}

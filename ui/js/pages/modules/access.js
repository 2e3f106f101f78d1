// @ts-check
/** From where a module can be used: this computer, the home or office network, or the internet. */
import { html, nothing } from "../../../vendor/lit-html/lit-html.js";
import { confirm } from "../../base/actions.js";
import { invoke } from "../../base/bridge.js";
import { about, list, uptime } from "../../base/format.js";
import { mark, t } from "../../base/i18n.js";
import { slice } from "../../base/store.js";
import { button } from "../../components/button.js";
import { copyButton } from "../../components/copy.js";
import { input, select, toggle } from "../../components/field.js";
import { icon } from "../../components/icon.js";
import { empty, notice } from "../../components/notice.js";
import { askToTrust, breakable, code, forgetButton } from "../access/certificate.js";
import { accessList, accessOf, canChange, checkNow, closeNow, follow, linkOf, open, setLock, showLink } from "../access/list.js";
import { openModule } from "./actions.js";

/**
 * @import { Link, AccessList, AccessPlan, Module, ModuleAccess, OpenRequest } from "../../contract.d.ts"
 * @import { PageState } from "../../types.d.ts"
 */

export const enter = () => follow();

const own = slice({ address: "", domain: "", way: /** @type {"internet"|"tunnel"} */ ("internet"), lock: false });

/** @param {PageState} _ @param {Module} module */
export function view(_, module) {
  const list = accessList(), known = accessOf(module.name);
  return html`<div class="scroll"><div class="content access-page">${!list ? html`<div class="skeleton for-hero"></div>`
    : !known ? empty({ icon: "lock", title: t("Only this computer"), text: t("{name} has no page that other devices could open, or does not run.", { name: module.title }) })
    : content(list, known, module)}</div></div>`;
}

/** @param {AccessList} list @param {ModuleAccess} known @param {Module} module */
const content = (list, known, module) => html`
  ${list.problem && known.state !== "paused" ? notice({ tone: "busy", title: t("Nothing can be opened to a network now"), text: list.problem }) : nothing}
  ${known.state === "waiting" ? guard(module) : nothing}
  ${known.state === "paused" ? notice({
    tone: "busy", title: t("This is another network"), text: t("{name} is open only in the network that you opened it to. Close it, then open it here.", { name: module.title }),
  }) : nothing}
  ${ways(list, known, module)}
  <div class="access-cols">${addressCard(list, known, module)}${phoneCard(known, module)}</div>`;

/** @param {Module} module */
const guard = (module) => notice({
  tone: "busy", icon: "shield-alert", title: t("{name} stays closed until its first account exists", { name: module.title }),
  text: t("The first person to open {name} becomes its owner. Create the account here, on this computer. {name} opens by itself afterwards.", { name: module.title }),
  actions: html`${module.open ? button({ text: t("Create the first account"), kind: "primary", icon: "external-link", enabled: module.abilities.open === null, run: () => openModule(module) }) : nothing}
    ${button({ text: t("Keep it on this computer"), enabled: canChange(module.name), run: () => closeNow(module.name) })}`,
});

/** @type {Record<ModuleAccess["state"], string>} */
const SAID = {
  closed: "", opening: mark("Being opened…"), waiting: mark("Waits for the first account"), open: mark("Open for {time}"),
  broken: mark("Open, with a problem"), paused: mark("Closed in this network"),
};

/** @param {AccessList} list @param {ModuleAccess} known @param {Module} module */
function ways(list, known, module) {
  const isOpen = known.state !== "closed", isNear = known.way === "network", can = canChange(known.name) && known.state !== "opening";
  const said = SAID[known.state] && t(SAID[known.state], { time: known.since ? uptime(known.since) : "" });
  return html`<fieldset class="ways"><legend class="unseen">${t("From where {name} can be used", { name: module.title })}</legend>
    ${way({ id: "here", drawing: "laptop", title: t("This computer"), text: t("Only programs here. The safest."), checked: !isOpen, enabled: can, run: () => isOpen && closeNow(known.name) })}
    ${way({
      id: "network", drawing: "network", title: t("Home network"), text: t("Phones and computers in your Wi-Fi, with HTTPS."), checked: isOpen && isNear,
      enabled: can && ((isOpen && isNear) || list.problem === null), said: isNear ? said : "", tone: known.state === "open" ? "ok" : "busy",
      run: () => !(isOpen && isNear) && askToOpen(list, known, module),
    })}
    ${way({
      id: "internet", drawing: "globe", title: t("Internet"), text: t("From anywhere, under a name of your own."), checked: isOpen && !isNear,
      enabled: can && ((isOpen && !isNear) || list.internetProblem === null), said: isNear ? "" : said, tone: known.state === "open" ? "ok" : "busy",
      run: () => !(isOpen && !isNear) && askForDomain(known, module),
    })}</fieldset>`;
}

/** @param {{id: string, drawing: string, title: string, text: string, checked: boolean, enabled: boolean, said?: string, tone?: string, run: () => void}} options */
const way = ({ id, drawing, title, text, checked, enabled, said, tone, run }) => html`
  <label class="choice way"><span class="tile">${icon(drawing)}</span>
    <span class="grow"><span class="h3">${title}</span><p>${text}</p>${said ? html`<p class="said-now ${tone}">${said}</p>` : nothing}</span>
    <input type="radio" class="radio" name="access-way" value=${id} .checked=${checked} ?disabled=${!enabled} @click=${(/** @type {MouseEvent} */ event) => {
      event.preventDefault(); // the state decides
      run();
    }}></label>`;

/** @param {ModuleAccess} known @param {Module} module @returns {OpenRequest} */
const asked = ({ checked }, { name: module }) => ({ module, lock: own.get().lock || !checked, unchecked: !checked });

/** @param {ModuleAccess} known @param {() => string} all without the lock, which may still be chosen */
const whoGetsIn = ({ checked }, all) => checked && !own.get().lock ? all() : t("Only devices that open the link of the QR code get in. Webhooks and APIs stay open.");

/** @param {ModuleAccess} known @param {Module} module */
const lockRow = ({ checked }, { title }) => checked ? html`<label class="access-network"><span>${t("Extra lock")}</span>
  <span class="lock-choice">${toggle({ id: "access-lock", on: own.get().lock, change: (lock) => own.set({ lock }), label: t("Extra lock") })}
    <span class="small muted">${t("Only devices that open the link of the QR code get in. Webhooks and APIs stay open.")}</span></span></label>`
  : item("shield-alert", t("Nobody has checked the accounts of {name}", { name: title }),
    t("Strangers may be able to create one. {name} opens only with an extra lock: only devices that open the link of the QR code get in.", { name: title }), "amber");

/** @param {ModuleAccess} known @param {Module} module */
function askForDomain(known, module) {
  own.set({ lock: known.locked });
  confirm({
    title: t("Open {name} to the internet?", { name: module.title }),
    text: t("You need a domain of your own that leads to your router. Nothing is open before it has been checked."),
    more: () => html`<label class="access-network"><span>${t("Domain")}</span>${input({
      id: "access-domain", value: own.get().domain, placeholder: "n8n.example.com", change: (domain) => own.set({ domain }),
    })}</label>
    <label class="access-network"><span>${t("Certificate")}</span>${select({
      id: "access-certificate", value: own.get().way, change: (way) => own.set({ way: way === "tunnel" ? way : "internet" }),
      choices: [{ value: "internet", text: t("The gateway gets it") }, { value: "tunnel", text: t("A tunnel brings it") }],
    })}</label>${known.checked ? lockRow(known, module) : nothing}`,
    action: t("Check the domain"), run: () => void askForInternet(known, module),
  });
}

/** @param {ModuleAccess} known @param {Module} module */
async function askForInternet(known, module) {
  const request = { ...asked(known, module), way: own.get().way, domain: own.get().domain };
  const answer = await invoke("ai/access/plan", request);
  const plan = answer.success ? answer.data : null;
  confirm({
    title: t("Open {name} to the internet?", { name: module.title }),
    text: answer.success ? whoGetsIn(known, () => t("Everybody on the internet can then reach {name}, and is asked for an account.", { name: module.title })) : answer.message,
    more: () => (plan ? html`<div class="rows framed">${plan.checks.map((one) => link(one, nothing, true))}${known.checked ? nothing : lockRow(known, module)}
      ${request.way === "internet" ? item("badge-check", t("A certificate authority checks it from outside"), t("First with a test. If it fails, nothing is opened, and you see the reason")) : nothing}${effects(plan, module)}${known.bound ? onlyThere(module) : nothing}</div>` : nothing),
    ...(plan && { action: t("Open to the internet"), run: () => void open(request) }),
  });
}

/** @param {AccessList} list @param {ModuleAccess} known @param {Module} module */
async function askToOpen({ networks, others }, known, module) {
  const first = networks.find(({ chosen }) => chosen) ?? networks[0];
  own.set({ address: first?.address ?? "", lock: known.locked });
  const answer = await invoke("ai/access/plan", { module: module.name, address: own.get().address });
  const plan = answer.success ? answer.data : null;
  confirm({
    title: t("Open {name} to your network?", { name: module.title }),
    text: answer.success ? whoGetsIn(known, () => t("Without the extra lock, every device in your network can then reach {name}, and is asked for an account.", { name: module.title })) : answer.message,
    more: () => (plan ? html`<div class="rows framed">${known.checked ? nothing : lockRow(known, module)}${effects(plan, module)}${known.bound ? onlyThere(module) : nothing}${others.length ? item("triangle-alert", t("This computer is in other networks, too"), alsoAt(others, module), "amber") : nothing}</div>${networks.length > 1 ? html`
      <label class="access-network"><span>${t("Network")}</span>${select({
        id: "access-network", value: own.get().address, change: (address) => own.set({ address }),
        choices: networks.map(({ address, interface: name }) => ({ value: address, text: `${address} (${name})` })),
      })}</label>` : nothing}${known.checked ? lockRow(known, module) : nothing}` : nothing),
    ...(plan && { action: t("Open to the network"), run: () => void open({ ...asked(known, module), address: own.get().address }) }),
  });
}

/** @param {AccessPlan} plan @param {Module} module */
function effects({ url, address, account, startsGateway, recreated, seconds }, { title }) {
  const names = recreated.filter(({ job }) => !job).map(({ service }) => service);
  return html`
    ${item("globe", t("Its address is {url}", { url }), address ? t("It has the IP address of this computer, too, for devices that don't find names") : t("Only paths that create the first account stay closed"))}
    ${names.length ? item("rotate-cw", t("Recreated with the new address: {names}", { names: list(names) }),
      seconds === null ? t("{name} stands still meanwhile.", { name: title }) : t("{name} stands still for {time}.", { name: title, time: about(seconds) })) : nothing}
    ${startsGateway ? item("plug", t("The gateway is started"), t("It forwards requests with HTTPS. Databases and other modules stay closed")) : nothing}
    ${account === "missing" ? item("shield-alert", t("{name} has no account yet", { name: title }), t("It opens by itself once you have created the first one here"), "amber") : nothing}`;
}

/** @param {Module} module */
const onlyThere = ({ title }) => item("badge-check", t("{name} is used only at that address while it is open", { name: title }),
  t("On this computer, too. Open leads there, and your browser has to trust the certificate"));

/** @param {string} drawing @param {string} title @param {string} text @param {"amber"|""} [tone] */
const item = (drawing, title, text, tone = "") => html`
  <div class="item ${tone}">${icon(drawing, tone ? "busy" : "muted")}<div class="grow"><h3>${title}</h3><p>${text}</p></div></div>`;

/** @type {Record<Link["kind"], string>} */
const LINKS = { name: mark("Name in the network"), router: mark("Your router"), forward: mark("Ports to forward"), certificate: mark("Certificate"), module: mark("Answer at its address"), ports: mark("Other ports") };

/** @param {AccessList} list @param {ModuleAccess} known @param {Module} module */
function addressCard({ certificate, networks, others, firewall }, known, module) {
  const isOpen = known.state === "open" || known.state === "broken", isNear = known.way === "network";
  if (networks.length === 0 && !isOpen) return nothing;
  return html`<section class="card" aria-labelledby="access-address">
    <div class="card-head"><h2 class="h3 grow" id="access-address">${isOpen ? t("Address") : t("Address, once it is open")}</h2>
      ${isOpen ? html`${button({ text: t("Check now"), icon: "rotate-cw", kind: "quiet", size: "small", enabled: canChange(known.name), run: () => checkNow(known.name) })}
        ${button({ text: t("Close now"), icon: "lock", size: "small", enabled: canChange(known.name), run: () => closeNow(known.name) })}` : nothing}</div>
    <p class="access-url ${isOpen ? "" : "muted"}"><span>${known.url}</span>${isOpen && navigator.clipboard ? copyButton(known.url, t("Copy address")) : nothing}</p>
    <div class="rows">${isOpen ? html`${known.links.map((one) => link(one, certificate && isNear && one.kind === "certificate" ? button({
      text: t("Install it on a device"), icon: "badge-check", kind: "tonal", size: "small", run: () => askToTrust(certificate),
    }) : nothing, !isNear))}${signIn(known, module)}${lockItem(known)}${known.bound ? onlyThere(module) : nothing}` : signIn(known, module)}</div>
    ${isOpen && !isNear ? html`<p class="card-foot">${t("{name} is open to the internet in every network, also while the applet does not run.", { name: module.title })}</p>` : nothing}
    ${isOpen && isNear ? html`<p class="card-foot">${t("In other networks, the applet closes {name} within seconds. While the applet does not run, {name} stays open there. Try it from another device, because a firewall of this computer can't be seen from here.", { name: module.title })}
      ${others.length ? alsoAt(others, module) : nothing}</p>` : nothing}
    ${isOpen && firewall.length ? html`<p class="card-foot">${t("If other devices get no answer, a firewall of this computer refuses them. As administrator, allow the ports:")}
      <span class="mono">${firewall.join("; ")}</span>${navigator.clipboard ? copyButton(firewall.join("\n"), t("Copy command")) : nothing}</p>` : nothing}
  </section>`;
}

/** @param {string[]} others @param {Module} module */
const alsoAt = (others, module) => t("This computer also has {addresses}. Requests from those networks and from the internet are refused where the engine shows who asks, as on Linux. Elsewhere, devices there reach {module}, too, if they know its address.", { addresses: list(others), module: module.title });

/** @param {ModuleAccess} known */
const lockItem = ({ name, locked, checked }) => html`
  <div class="item" data-link="lock">${icon(locked ? "lock" : "lock-open", locked ? "ok" : "muted")}
    <div class="grow"><h3>${t("Extra lock")}</h3><p>${locked ? t("Only devices that opened the link of the QR code get in. Webhooks and APIs stay open")
      : t("Off. Everyone who has the address sees the sign-in")}</p></div>
    <span class="buttons">${locked ? html`${button({ text: t("New key"), icon: "key-round", kind: "quiet", size: "small", enabled: canChange(name), run: () => askForKey(name) })}
      ${checked ? button({ text: t("Turn off"), kind: "quiet", size: "small", enabled: canChange(name), run: () => void setLock(name, "off") }) : nothing}`
    : button({ text: t("Turn on"), icon: "lock", kind: "tonal", size: "small", enabled: canChange(name), run: () => void setLock(name, "on") })}</span></div>`;

/** @param {string} name */
const askForKey = (name) => confirm({
  title: t("Make a new key?"), text: t("All devices have to open the new link before they get in again."), action: t("Make a new key"), run: () => void setLock(name, "new"),
});

/** @param {Link} link @param {unknown} action @param {boolean} [isPublic] */
const link = ({ kind, ok, text }, action, isPublic = false) => html`
  <div class="item ${ok === false ? "amber" : ""}" data-link=${kind}>${icon(ok === null ? "circle-dashed" : ok ? "circle-check" : "triangle-alert", ok === null ? "muted" : ok ? "ok" : "busy")}
    <div class="grow"><h3>${isPublic && kind === "name" ? t("Name on the internet") : t(LINKS[kind])}</h3><p>${text}</p></div>${action}</div>`;

/** @param {ModuleAccess} known @param {Module} module */
const signIn = ({ account, checked }, { title }) => html`
  <div class="item ${account === "missing" ? "amber" : ""}">${icon(account === "exists" ? "circle-check" : account === "missing" ? "triangle-alert" : "circle-dashed", account === "exists" ? "ok" : account === "missing" ? "busy" : "muted")}
    <div class="grow"><h3>${t("Sign-in")}</h3><p>${account === "exists" ? t("{name} asks everyone for an account, and somebody owns it", { name: title })
      : account === "missing" ? t("{name} has no owner yet", { name: title }) : !checked ? t("Nobody has checked the accounts of {name}", { name: title }) : t("Known once {name} runs", { name: title })}</p></div></div>`;

/** @param {ModuleAccess} known @param {Module} module */
function phoneCard(known, module) {
  const isOpen = known.state === "open" || known.state === "broken";
  const certificate = known.way === "network" ? accessList()?.certificate : null;
  const { ipUrl } = (known.locked ? linkOf(known.name) : known) ?? { ipUrl: "" };
  return html`<section class="card phone" aria-labelledby="access-phone"><h2 class="h3" id="access-phone">${t("For your phone")}</h2>
    ${isOpen ? html`${ipUrl ? code(ipUrl, known.ipUrl) : button({ text: t("Show the code"), icon: "eye", enabled: canChange(known.name), run: () => void showLink(known.name) })}<p>${t("Scan it with the camera. {name} then asks for your account.", { name: module.title })}${known.locked ? html` ${t("The code has the key: show it to nobody else.")}` : nothing}</p><p class="mono small">${known.ipUrl}</p>
      ${certificate ? html`${button({ text: t("What if the phone warns?"), kind: "link", run: () => askToTrust(certificate) })}
        <p class="small muted">${t("SHA-256 of the certificate")}<br><span class="mono">${breakable(certificate.fingerprint)}</span></p>` : nothing}`
    : html`${icon("smartphone", "muted")}<p>${t("The code appears when {name} is open.", { name: module.title })}</p>${certificate ? forgetButton() : nothing}`}</section>`;
}

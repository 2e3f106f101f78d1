// @ts-check
/** Clusters: their managers and nodes, what runs there, and work on them. */
import { html, nothing } from "../../vendor/lit-html/lit-html.js";
import { invoke, CONNECTION, on } from "../base/bridge.js";
import { ago, bytes, capitalised, duration, list, timeAndDay } from "../base/format.js";
import { mark, t, tn } from "../base/i18n.js";
import { current, drawAgainIn } from "../base/store.js";
import { styled } from "../base/styles.js";
import { button } from "../components/button.js";
import { icon } from "../components/icon.js";
import { menuButton } from "../components/menu.js";
import { empty, notice } from "../components/notice.js";
import { barePill, emblem, pill } from "../components/state.js";
import { tile } from "../components/tile.js";
import { askToAdd, askToDeploy, askToDrain, askToForget, askToPin, askToRemove, askToRollBack, askToScale, askToUpdate, showLogs } from "./cluster/dialogs.js";
import { blocked, change, clusterError, clusterList, loadClusters, LOOKS, workOn } from "./cluster/list.js";

/**
 * @import { Cluster, ClusterService, Deployed, Manager, Node, Task, Work } from "../contract.d.ts"
 * @import { PageState } from "../types.d.ts"
 */

const TICK_MS = 10_000;

export function enter() {
  styled("upgrade");
  const begin = () => {
    loadClusters({});
    invoke("ai/cluster/watch", {});
  };
  if (current().connection === "up") begin();
  const end = on(CONNECTION, ({ state }) => state === "up" && begin());
  return () => {
    end();
    invoke("ai/cluster/unwatch", {});
  };
}

/** @param {PageState} page */
export function view(page) {
  const found = clusterList();
  drawAgainIn(TICK_MS);
  return html`
    <header class="top"><h1>${t("Cluster")}</h1><span class="grow"></span>
      ${found?.clusters.length ? button({ text: t("Add a cluster…"), icon: "plus", enabled: page.connection === "up", run: () => askToAdd() }) : nothing}</header>
    <div class="scroll"><div class="content cluster-page">
      ${clusterError() ? notice({
        tone: "bad", title: t("The clusters can't be read"), text: clusterError(), actions: button({ text: t("Try again"), run: () => loadClusters({}) }),
      }) : !found ? html`<div class="skeleton for-cards"></div>` : found.clusters.length ? found.clusters.map((one) => whole(one, page)) : none(page)}
    </div></div>`;
}

/** @param {PageState} page */
const none = ({ connection }) => html`<section class="card">${empty({
  icon: "network", title: t("Run on several computers"),
  text: t("If one computer is not enough, modules can run on a Docker Swarm: several computers with Docker that work as one. Run “docker swarm init” on the first, and add it here by its SSH address."),
  actions: button({ text: t("Add a cluster…"), icon: "plus", kind: "primary", enabled: connection === "up", run: () => askToAdd() }),
})}</section>`;

const TITLES = { "no-leader": mark("No leader: nothing can be changed"), unreachable: mark("No manager answers"), unknown: mark("Not asked yet"), ok: "" };

/** @param {Cluster} cluster @param {PageState} page */
function whole(cluster, page) {
  const { name, state, problem, seenAt, managers, nodes, modules } = cluster;
  const why = blocked(cluster);
  return html`
    <section class="stack" aria-labelledby="cluster-${name}">
      <header class="row-flex cluster-head">${emblem(state === "ok" ? "running" : state === "unknown" ? "stopped" : "error", "network")}
        <div class="grow"><h2 id="cluster-${name}">${name}</h2>
          <p class="small muted">${tn("{count} node", "{count} nodes", nodes.length)}${seenAt ? nothing : ` · ${t("never seen")}`}</p></div>
        ${button({ text: t("Deploy…"), icon: "rocket", kind: "primary", enabled: !why, why, run: () => askToDeploy(cluster) })}
        ${menuButton({ text: t("More"), name: t("More about {name}", { name }), items: () => [
          { text: t("Change the managers…"), icon: "square-pen", run: () => askToAdd(cluster) },
          { text: t("Forget…"), icon: "trash-2", kind: "danger", run: () => askToForget(cluster) },
        ] })}</header>
      ${state === "ok" ? nothing : notice({
        tone: state === "unknown" ? "info" : "bad", title: t(TITLES[state]),
        text: html`${problem ?? ""} ${seenAt ? t("Below is what was last seen, {ago}. What runs goes on.", { ago: ago(seenAt) }) : nothing}`,
      })}
      ${managers.filter((one) => one.state !== "answers").map(managerNotice)}
      ${clusterList()?.works.filter((work) => work.cluster === name).slice(0, 1).map(course)}
      ${modules.map((module) => deployed(cluster, module, page))}
      ${modules.length || !nodes.length ? nothing : html`<section class="card">${empty({ icon: "package", title: t("Nothing is deployed"), text: t("Deploy shows its whole plan before anything changes.") })}</section>`}
      ${nodes.length ? html`<section class="card" aria-labelledby="nodes-${name}"><div class="card-head"><h3 id="nodes-${name}" class="grow">${t("Nodes")}</h3></div>
        <div class="rows">${nodes.map((node) => nodeRow(cluster, node))}</div></section>` : nothing}
    </section>`;
}

/** @param {Manager} manager */
const managerNotice = ({ address, problem }) => html`<p class="small busy row-flex">${icon("triangle-alert", "s14")}<span><code>${address}</code> ${problem ?? t("doesn't answer")}</span></p>`;

const NODES = { ready: mark("ready"), down: mark("down"), unknown: mark("unknown"), disconnected: mark("disconnected") };
const IDLE = { drain: mark("drained"), pause: mark("takes nothing new") };

/** @param {string[]} modules */
const titled = (modules) => list(modules.map((name) => current().snapshot?.modules.find((one) => one.name === name)?.title ?? name));

/** @param {string} state @param {string|null} since */
const sinceWhen = (state, since) => (since ? t("{state} since {time}", { state, time: timeAndDay(since) }) : state);

/** @param {Cluster} cluster @param {Node} node */
function nodeRow(cluster, node) {
  const { name, address, role, state, availability, leader, since, cpus, memory, pinned, tasks } = node;
  const isReady = state === "ready", isActive = availability === "active";
  const why = blocked(cluster);
  const said = [address, t("{count} CPUs", { count: cpus }), bytes(memory), tn("{count} task", "{count} tasks", tasks), pinned.length ? t("volumes of {names}", { names: titled(pinned) }) : ""];
  return html`
    <div class="item" data-node=${name}>${icon("server", "muted")}
      <div class="grow"><h4><span>${name}</span>${barePill(isReady ? (isActive ? "running" : "stopped") : "error", capitalised(isReady && availability !== "active" ? t(IDLE[availability]) : sinceWhen(t(NODES[state]), since)))}
        ${role === "manager" ? html`<span class="tag">${leader ? t("leader") : t("manager")}</span>` : nothing}</h4><p>${said.filter(Boolean).join(" · ")}</p></div>
      ${button({
        text: isActive ? t("Drain…") : t("Use again"), name: isActive ? t("Drain {name}", { name }) : t("Use {name} again", { name }), size: "small", enabled: !why, why,
        run: () => (isActive ? askToDrain(cluster, node) : void change("ai/cluster/node", { cluster: cluster.name, node: node.id, availability: "active" })),
      })}</div>`;
}

// -- modules --------------------------------------------------------------------------------------

/** @param {Cluster} cluster @param {Deployed} module @param {PageState} page */
function deployed(cluster, module, { snapshot }) {
  const { module: name, title, state, label, pinned, ours, unfinished, services } = module;
  const here = snapshot?.modules.find((one) => one.name === name) ?? { name };
  const why = blocked(cluster) ?? (ours ? null : t("It was deployed from another home."));
  return html`
    <section class="card" data-deployed=${name} aria-labelledby="deployed-${cluster.name}-${name}">
      <div class="card-head cluster-module">${tile(here)}<div class="grow"><h3 id="deployed-${cluster.name}-${name}">${title} ${pill(LOOKS[state], capitalised(label))}</h3>
        <p class="small muted">${t("{count} of {total} services", { count: services.filter((one) => LOOKS[one.state] === "running").length, total: services.length })}${pinned.length ? ` · ${t("data on {names}", { names: list(pinned) })}` : nothing}</p></div>
        ${button({ text: t("Update…"), name: t("Update {name}", { name: title }), size: "small", enabled: !why, why, run: () => askToUpdate(cluster, module) })}
        ${menuButton({ text: t("More"), name: t("More about {name}", { name: title }), items: () => [
          { text: t("Logs"), icon: "scroll-text", run: () => void showLogs(cluster, module) },
          { text: t("Roll back…"), icon: "undo-2", enabled: !why && services.some(({ canRollBack }) => canRollBack), why, run: () => askToRollBack(cluster, module) },
          { text: t("Pin its data…"), icon: "pin", enabled: !why, why, run: () => askToPin(cluster, module) }, null,
          { text: t("Remove…"), icon: "trash-2", kind: "danger", enabled: !why, why, run: () => askToRemove(cluster, module) },
        ] })}</div>
      ${unfinished ? notice({ tone: "busy", title: t("A deployment did not end"), text: unfinished }) : nothing}
      <details class="cluster-services" ?open=${LOOKS[state] !== "running"}><summary>${tn("{count} service", "{count} services", services.length)}</summary>
        <div class="rows">${services.map((service) => serviceRow(cluster, module, service, why))}</div></details>
    </section>`;
}

/** @param {Cluster} cluster @param {Deployed} module @param {ClusterService} service @param {string|null} why */
function serviceRow(cluster, module, service, why) {
  const { name, state, label, since, why: reason, job, running, replicas, ports, updatedAt, update, tasks } = service;
  const first = tasks[0];
  const said = [
    job ? t("job") : t("{count} of {total} tasks", { count: running, total: replicas }), first?.node, ports.length ? t("ports {ports}, on every network of its node", { ports: ports.join(", ") }) : "",
    updatedAt ? t("updated {ago}", { ago: ago(updatedAt) }) : "", update === "rollback_completed" ? t("the last update was put back") : "",
  ];
  return html`
    <div class="item" data-service=${name}><div class="grow"><h4><span>${name}</span>${barePill(LOOKS[state], capitalised(state === "unknown" ? sinceWhen(label, since) : label))}</h4><p>${said.filter(Boolean).join(" · ")}</p>
        ${reason ? html`<p class=${state === "failed" ? "bad" : "busy"}>${capitalised(reason)}</p>` : nothing}
        ${tasks.length > 1 || LOOKS[state] !== "running" ? html`<ul class="cluster-tasks small">${tasks.map((task) => taskLine(task, reason))}</ul>` : nothing}</div>
      ${service.scalable ? button({ text: t("Scale…"), name: t("Scale {name}", { name }), size: "small", enabled: !why, why, run: () => askToScale(cluster, module, service) }) : nothing}
      ${button({ text: t("Logs"), name: t("Logs of {name}", { name }), icon: "scroll-text", iconOnly: true, kind: "quiet", size: "small", run: () => void showLogs(cluster, module, name) })}</div>`;
}

/** @param {Task} task @param {string|null} reason that is told already */
const taskLine = ({ node, state, unknown, since, text, exitCode }, reason) => html`<li>${node || t("no node")} · ${unknown ? t("unknown, last {state}", { state }) : state}${
  since ? ` · ${ago(since)}` : ""}${exitCode ? ` · ${t("exit code {code}", { code: exitCode })}` : ""}${text && text !== reason ? html` · <span>${text}</span>` : nothing}</li>`;

// -- work -----------------------------------------------------------------------------------------

/** @type {Record<Work["kind"], string>} */
const KINDS = {
  deploy: mark("Deploying {names}"), update: mark("Updating {names}"), rollback: mark("Rolling back {names}"), remove: mark("Removing {names}"),
  scale: mark("Scaling {names}"), restore: mark("Restoring {names}"),
};
const ENDS = { running: "", succeeded: mark("Done"), failed: mark("Failed"), cancelled: mark("Cancelled") };
const MARKS = { pending: "circle-dashed", running: "loader-circle", done: "check", failed: "x", skipped: "circle-slash" };
const AT = { pending: "next", running: "now", done: "done", failed: "bad", skipped: "next" };

/** @param {Work} work */
function course({ id, cluster, kind, modules, status, steps, notices, error }) {
  const isNow = workOn(cluster)?.id === id;
  const done = steps.filter((step) => step.status === "done").length;
  return html`
    <section class="card upgrade" aria-label=${t("Work")}>
      <div class="up-head"><div class="grow"><h3>${t(KINDS[kind], { names: titled(modules) })}</h3>
        <p class="control muted" role="status">${isNow ? t("{done} of {total} steps", { done, total: steps.length }) : t(ENDS[status])}</p></div>
        ${isNow ? button({ text: t("Cancel"), run: () => void invoke("ai/cluster/cancel", { id }) }) : nothing}</div>
      ${error ? notice({ tone: "bad", title: t("It failed"), text: error.message }) : nothing}
      ${notices.map((text) => notice({ title: text }))}
      ${status === "succeeded" ? nothing : html`<div class="up-cols cluster-steps"><ol class="steps">${steps.map(({ text, status: at, detail, seconds }) => html`
        <li class="step" data-step=${AT[at]}><span class="step-mark">${icon(MARKS[at], at === "running" ? "turn" : "")}</span>
          <div class="grow"><h3>${text}</h3>${detail ? html`<p>${detail}</p>` : nothing}</div><span class="num small muted">${seconds === null ? "" : duration(seconds)}</span></li>`)}</ol></div>`}
    </section>`;
}

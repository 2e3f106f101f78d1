// @ts-check
/** What is asked before a cluster changes, and the logs of its services. */
import { html, nothing } from "../../../vendor/lit-html/lit-html.js";
import { confirm } from "../../base/actions.js";
import { inOrder, invoke } from "../../base/bridge.js";
import { exactTime } from "../../base/format.js";
import { t } from "../../base/i18n.js";
import { current, slice } from "../../base/store.js";
import { input, select, toggle } from "../../components/field.js";
import { icon } from "../../components/icon.js";
import { notice } from "../../components/notice.js";
import { backupsOf, isUsable, loadBackups, within } from "../backups/list.js";
import { change } from "./list.js";

/**
 * @import { Cluster, ClusterLogs, ClusterService, Deployed, DeployPlan, Node } from "../../contract.d.ts"
 */

const own = slice({
  cluster: "", name: "", managers: "", module: "", node: "", backup: "", address: "", publish: false, isOn: false, replicas: "1", error: "",
  plan: /** @type {DeployPlan|null} */ (null), logs: /** @type {ClusterLogs|null} */ (null),
});

/** @param {string} id @param {string} label @param {unknown} control @param {string} [help] */
const line = (id, label, control, help) => html`<div class="cluster-field"><label for=${id}>${label}</label>${control}${help ? html`<p class="small muted" id="${id}-message">${help}</p>` : nothing}</div>`;

/** @param {"publish"|"isOn"} name @param {string} title @param {string} text @param {() => void} [then] */
const choice = (name, title, text, then) => html`<div class="rows framed"><div class="item"><div class="grow"><h3>${title}</h3><p>${text}</p></div>
  ${toggle({ id: `cluster-${name}`, label: title, on: own.get()[name], change: (on) => { own.set({ [name]: on }); then?.(); } })}</div></div>`;

/** @param {Cluster} cluster @param {string} [first] what stands for no node @param {() => void} [then] */
const nodeChoice = ({ nodes }, first, then) => line("cluster-node", t("Node for its data"), select({
  id: "cluster-node", value: own.get().node, choices: [...(first ? [{ value: "", text: first }] : []), ...nodes.map(({ id, name }) => ({ value: id, text: name }))],
  change: (node) => { own.set({ node }); then?.(); },
}));

/** @param {Cluster} [cluster] whose managers are changed */
export function askToAdd(cluster) {
  own.set({ name: cluster?.name ?? (own.get().name || "cluster"), managers: cluster?.managers.map(({ address }) => address).join(" ") ?? own.get().managers });
  confirm({
    title: cluster ? t("Change the managers of {name}", { name: cluster.name }) : t("Add a cluster"),
    text: t("Give the addresses of several managers, so that another one is asked while one is away. SSH uses your keys, as “ssh” in a terminal does."),
    more: () => html`<div class="stack">
      ${cluster ? nothing : line("cluster-name", t("Name"), input({ id: "cluster-name", value: own.get().name, change: (name) => own.set({ name }) }), t("Small letters, digits and hyphens"))}
      ${line("cluster-managers", t("Managers"), input({ id: "cluster-managers", value: own.get().managers, placeholder: "ssh://ada@server-1 ssh://ada@server-2", change: (managers) => own.set({ managers }) }))}</div>`,
    action: cluster ? t("Change") : t("Add"),
    ready: () => own.get().managers.trim() !== "" && own.get().name.trim() !== "",
    run: () => void change("ai/cluster/add", { cluster: own.get().name.trim(), managers: own.get().managers.trim().split(/[\s,]+/) }),
  });
}

/** @param {Cluster} cluster */
export const askToForget = ({ name }) => confirm({
  title: t("Forget {name}?", { name }), text: t("Everything goes on running there. AI-Server Tray forgets the addresses of its managers, and no longer prevents that the modules there run here, too, until you add it again. What an interrupted restore left there is not known any more."),
  action: t("Forget"), run: () => void change("ai/cluster/forget", { cluster: name }),
});

// -- modules --------------------------------------------------------------------------------------

const TYPING_MS = 700;

const look = inOrder("ai/cluster/plan", (answer) => own.set(answer.success ? { plan: answer.data, error: "" } : { plan: null, error: answer.message }));

function plan() {
  own.set({ plan: null, error: "" });
  return look(asked());
}

const asked = () => {
  const { cluster, module, node, backup, address, publish } = own.get();
  return { cluster, modules: [module], pin: node, publish, backup, nodeAddress: backup ? address.trim() : "" };
};

let typing = 0;

/** Plans once nothing is typed for a moment: an address is tried. @param {string} address */
function typeAddress(address) {
  own.set({ address, plan: null, error: "" });
  clearTimeout(typing);
  typing = setTimeout(plan, TYPING_MS);
}

/** @param {Cluster} cluster */
export function askToDeploy(cluster) {
  const there = new Set(cluster.modules.filter(({ unfinished }) => !unfinished).map(({ module }) => module));
  const modules = (current().snapshot?.modules ?? []).filter(({ name, orphan }) => !orphan && !there.has(name));
  own.set({ cluster: cluster.name, module: modules.find(({ kind }) => kind === "feature")?.name ?? modules[0]?.name ?? "", node: "", backup: "", address: "", publish: false });
  loadBackups();
  planned("ai/cluster/deploy", t("Deploy on {name}", { name: cluster.name }), t("Deploy"), () => html`
    ${line("cluster-module", t("Module"), select({
      id: "cluster-module", value: own.get().module, choices: modules.map(({ name, title }) => ({ value: name, text: title })),
      change: (module) => { own.set({ module, backup: "" }); plan(); },
    }))}
    ${nodeChoice(cluster, t("Choose a node"), plan)}${dataChoice()}`);
}

function dataChoice() {
  const { module, backup, address } = own.get();
  const usable = backupsOf(module).filter(isUsable);
  if (!usable.length) return nothing;
  return html`
    ${line("cluster-backup", t("Data"), select({
      id: "cluster-backup", value: backup, choices: [{ value: "", text: t("What the node has, or empty volumes") }, ...usable.map(({ id, madeAt }) => ({ value: id, text: t("Backup from {when}", { when: within(madeAt) }) }))],
      change: (id) => { own.set({ backup: id }); plan(); },
    }))}
    ${backup ? line("cluster-address", t("Address of the node's engine"), input({
      id: "cluster-address", value: address, placeholder: "ssh://ada@server-3", change: typeAddress,
    }), t("Only if this cluster has no address of it. Its own engine copies the data.")) : nothing}`;
}

/** @param {Cluster} cluster @param {Deployed} module */
export function askToUpdate(cluster, { module, title, services }) {
  own.set({ cluster: cluster.name, module, node: "", backup: "", publish: services.some(({ ports }) => ports.length) });
  planned("ai/cluster/update", t("Update {name}", { name: title }), t("Update"), () => nothing);
}

/**
 * Asks with the plan, which follows the choices.
 * @param {"ai/cluster/deploy"|"ai/cluster/update"} channel @param {string} title @param {string} action @param {() => unknown} choices
 */
function planned(channel, title, action, choices) {
  plan();
  confirm({
    title, text: t("It gets the current settings and passwords of this home. A service that does not get healthy after an update is put back by the cluster."), action,
    more: () => html`<div class="stack">${choices()}
      ${choice("publish", t("Publish ports"), t("On every network of its node, because Docker Swarm can't publish for one computer alone."), plan)}${planView()}</div>`,
    ready: () => { const found = own.get().plan; return Boolean(found && !found.problems.length && found.steps.length); },
    run: () => {
      const { backup, nodeAddress, ...rest } = asked();
      void change(channel, backup ? { ...rest, backup, nodeAddress } : rest);
    },
  });
}

function planView() {
  const { plan: found, error } = own.get();
  if (error) return notice({ tone: "bad", title: t("There is no plan"), text: error });
  if (!found) return html`<p class="small muted" role="status">${t("Looking what there is…")}</p>`;
  return html`
    ${found.problems.length ? notice({ tone: "bad", title: t("It can't be done now"), text: found.problems.map((text) => html`<span class="note-line">${text}</span>`) }) : nothing}
    ${found.notices.map((text) => html`<p class="small row-flex">${icon("info", "s14")}<span>${text}</span></p>`)}
    ${found.steps.length ? html`<h3>${t("What will happen")}</h3><ol class="cluster-plan small">${found.steps.map(({ text }) => html`<li>${text}</li>`)}</ol>`
      : found.problems.length ? nothing : html`<p class="small muted">${t("Everything is there already.")}</p>`}
    ${own.get().publish ? found.ports.map(({ text }) => html`<p class="small busy row-flex">${icon("triangle-alert", "s14")}<span>${text}</span></p>`) : nothing}`;
}

/** @param {Cluster} cluster @param {Deployed} module */
export const askToRollBack = (cluster, { module, title }) => confirm({
  title: t("Roll back {name}?", { name: title }), text: t("Its services get back what they were before their last update. Data stays as it is."),
  action: t("Roll back"), run: () => void change("ai/cluster/rollback", { cluster: cluster.name, module }),
});

/** @param {Cluster} cluster @param {Deployed} module */
export function askToRemove(cluster, { module, title, pinned }) {
  own.set({ isOn: false });
  confirm({
    title: t("Remove {name} from {cluster}?", { name: title, cluster: cluster.name }), text: t("Its services and networks go. The data of its volumes stays on their nodes."),
    more: () => (pinned.length ? choice("isOn", t("Forget where its data is"), t("Deployed again, it may then begin on another node, with empty volumes.")) : nothing),
    kind: "danger", action: t("Remove"), run: () => void change("ai/cluster/remove", { cluster: cluster.name, modules: [module], forgetPins: own.get().isOn }),
  });
}

/** @param {Cluster} cluster @param {Deployed} module */
export function askToPin(cluster, { module, title, pinned }) {
  const { nodes } = cluster;
  own.set({ node: (nodes.find(({ name }) => pinned.includes(name)) ?? nodes[0])?.id ?? "", isOn: false });
  confirm({
    title: t("Pin the data of {name}", { name: title }), text: t("Its services with volumes run only on this node. The data does not move by itself."),
    more: () => html`<div class="stack">${nodeChoice(cluster)}${choice("isOn", t("Begin with empty volumes"), t("If its data is on another node, it is not used any more."))}</div>`,
    action: t("Pin"), run: () => void change("ai/cluster/pin", { cluster: cluster.name, module, node: own.get().node, empty: own.get().isOn }),
  });
}

/** @param {Cluster} cluster @param {Deployed} module @param {ClusterService} service */
export function askToScale(cluster, { module }, { name, replicas }) {
  own.set({ replicas: String(replicas) });
  const count = () => Number(own.get().replicas);
  confirm({
    title: t("Scale {name}", { name }), text: t("How many tasks of it run, on any nodes."),
    more: () => line("cluster-replicas", t("Tasks"), input({ id: "cluster-replicas", type: "number", value: own.get().replicas, change: (value) => own.set({ replicas: value }) })),
    action: t("Scale"), ready: () => own.get().replicas !== "" && Number.isInteger(count()) && count() >= 0 && count() <= 100,
    run: () => void change("ai/cluster/scale", { cluster: cluster.name, module, service: name, replicas: count() }),
  });
}

/** @param {Cluster} cluster @param {Node} node */
export const askToDrain = (cluster, { id, name, pinned }) => confirm({
  title: t("Drain {name}?", { name }),
  text: pinned.length ? t("What can run elsewhere moves away. What has its data there stops, and waits for this node.") : t("What runs there moves to other nodes."),
  action: t("Drain"), run: () => void change("ai/cluster/node", { cluster: cluster.name, node: id, availability: "drain" }),
});

/** @param {Cluster} cluster @param {Deployed} module @param {string} [service] */
export async function showLogs(cluster, { module, title }, service = "") {
  own.set({ logs: null, error: "" });
  confirm({ title: t("Logs of {name}", { name: service || title }), text: t("The last lines from all nodes, also of tasks that have ended."), more: logLines });
  const answer = await invoke("ai/cluster/logs", { cluster: cluster.name, module, service });
  own.set(answer.success ? { logs: answer.data } : { error: answer.message });
}

function logLines() {
  const { logs, error } = own.get();
  if (error) return notice({ tone: "bad", title: t("The logs can't be read"), text: error });
  if (!logs) return html`<p class="small muted" role="status">${t("Reading…")}</p>`;
  return html`${logs.notices.map((text) => notice({ tone: "busy", title: text }))}
    <pre class="cluster-logs" tabindex="0">${logs.lines.length ? logs.lines.map(({ time, node, service, error: isError, text }) => html`<span class=${isError ? "bad" : ""}>${
      time ? exactTime(time) : ""} ${node} ${service} | ${text}
</span>`) : t("No lines")}</pre>`;
}

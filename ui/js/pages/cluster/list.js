// @ts-check
/** The clusters as they were last seen. Asked only once an event says that there is one. */
import { ask } from "../../base/actions.js";
import { inOrder, on } from "../../base/bridge.js";
import { mark, t } from "../../base/i18n.js";
import { current, slice } from "../../base/store.js";

/**
 * @import { Channels, Cluster, ClusterList, ClusterServiceState, State } from "../../contract.d.ts"
 * @import { Answer } from "../../types.d.ts"
 */

const own = slice({ list: /** @type {ClusterList|null} */ (null), error: "" });

export const loadClusters = inOrder("ai/cluster/list", (answer) => own.set(answer.success ? { list: answer.data, error: "" } : { error: answer.message }));

on("ai/cluster/event", () => loadClusters({}));

export const clusterList = () => own.get().list;
export const clusterError = () => own.get().error;
export const hasCluster = () => (own.get().list?.clusters.length ?? 0) > 0;

/** @param {string} cluster Its work under way. */
export const workOn = (cluster) => own.get().list?.works.find((work) => work.cluster === cluster && work.status === "running");

/** @type {Record<ClusterServiceState, State>} The shapes and colours that modules have here. */
export const LOOKS = {
  running: "running", done: "running", starting: "starting", updating: "starting", waiting: "degraded", unknown: "degraded", failed: "error", stopped: "stopped",
};

const WHY = { "no-leader": mark("The cluster has no leader."), unreachable: mark("No manager answers."), unknown: mark("No manager has answered yet.") };

/** @param {Cluster} cluster Why nothing can be changed now; null: it can. */
export function blocked({ name, state }) {
  if (current().connection !== "up") return t("AI-Server Tray can't be reached.");
  if (state !== "ok") return t(WHY[state]);
  return workOn(name) ? t("Other work on this cluster is under way.") : null;
}

/**
 * Asks, and looks again. Progress comes by events.
 * @template {keyof Channels} C
 * @param {C} channel @param {Channels[C]["request"]} payload @returns {Promise<Answer<Channels[C]["answer"]>>}
 */
export async function change(channel, payload) {
  const answer = await ask("cluster", channel, payload);
  loadClusters({});
  return answer;
}

// @ts-check
/** The alert rules and their alerts, for all parts of the page that show them. */
import { invoke, on } from "../../base/bridge.js";
import { timeOfDay } from "../../base/format.js";
import { t } from "../../base/i18n.js";
import { slice } from "../../base/store.js";
import { showToast } from "../../components/toast.js";

/**
 * @import { Channels, Mute, MuteRequest, RuleList } from "../../contract.d.ts"
 * @import { Item } from "../../components/menu.js"
 */

const own = slice({ list: /** @type {RuleList|null} */ (null) });

/** `null`: not known yet. */
export const alertList = () => own.get().list;

async function load() {
  const answer = await invoke("ai/rules/list", {});
  if (answer.success) own.set({ list: answer.data });
}

/** Keeps the list up to date. Returns what ends that. */
export function followAlerts() {
  load();
  return on("ai/rules/changed", load);
}

/**
 * Changes rules or mutes.
 * @template {"ai/rules/set"|"ai/rules/add"|"ai/rules/remove"|"ai/rules/mute"} C
 * @param {C} channel @param {Channels[C]["request"]} payload @returns {Promise<string|null>} why it was refused
 */
export async function changeRules(channel, payload) {
  const answer = await invoke(channel, payload);
  if (!answer.success) return answer.message;
  own.set({ list: /** @type {RuleList} */ (answer.data) });
  return null;
}

/** @param {MuteRequest} request */
async function mute(request) {
  const why = await changeRules("ai/rules/mute", request);
  if (why !== null) showToast({ text: why, icon: "circle-alert" });
}

/** How long something is muted. @param {Mute} mute */
export function mutedText({ until }) {
  if (until === null) return t("Muted");
  const moment = new Date(until * 1000).toISOString();
  const isToday = new Date(moment).toDateString() === new Date().toDateString();
  const time = timeOfDay(moment);
  return isToday ? t("Muted until {time}", { time }) : t("Muted until tomorrow, {time}", { time });
}

/**
 * Items of a menu that mutes something.
 * @param {Omit<MuteRequest, "span">} what @param {boolean} isMuted @returns {Item[]}
 */
export function muteItems(what, isMuted) {
  const item = (/** @type {string} */ text, /** @type {MuteRequest["span"]} */ span) => ({
    text, icon: "bell", run: () => void mute({ ...what, span }),
  });
  if (isMuted) return [item(t("Unmute"), "off")];
  return [
    item(t("Mute for 1 hour"), "hour"), item(t("Mute until tomorrow"), "tomorrow"), item(t("Mute for good"), "forever"),
  ];
}

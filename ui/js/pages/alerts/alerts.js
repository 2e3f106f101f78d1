// @ts-check
/** The alert rules and their alerts, kept up to date for all parts of the page. */
import { CONNECTION, inOrder, invoke, on } from "../../base/bridge.js";
import { labelled, timeAndDay, timeOfDay } from "../../base/format.js";
import { mark, t } from "../../base/i18n.js";
import { current, observe, slice } from "../../base/store.js";
import { showToast } from "../../components/toast.js";

/**
 * @import { Alert, Channels, Error, Mute, MuteRequest, RuleList } from "../../contract.d.ts"
 * @import { Item } from "../../components/menu.js"
 */

const own = slice({ list: /** @type {RuleList|null} */ (null) });

/** `null`: not known yet. */
export const alertList = () => own.get().list;

export const activeAlerts = () => (alertList()?.alerts ?? []).filter(({ ended }) => ended === null);

/** The kind of rules of an alert. @param {Pick<Alert, "kind">} alert */
export const kindOf = (alert) => alertList()?.kinds.find(({ kind }) => kind === alert.kind);

const load = inOrder("ai/rules/list", (answer) => answer.success && own.set({ list: answer.data }));

on(CONNECTION, ({ state }) => state === "up" && load({}));

// The owner's texts are in the language of the moment when they were asked for.
let spoken = "";
observe(({ snapshot }) => {
  if (!snapshot || snapshot.language === spoken) return;
  if (spoken) load({});
  spoken = snapshot.language;
});

on("ai/rules/changed", async ({ alert: id, change }) => {
  await load({});
  const alert = alertList()?.alerts.find((one) => one.id === id);
  if (!alert || change === "changed") return;
  if (change === "raised") showToast({ text: labelled(alert.title, alert.text), icon: "triangle-alert" });
  else showToast({ text: t("Resolved: {title}", { title: alert.title }), icon: "circle-check" });
});

/**
 * Changes rules or mutes.
 * @template {"ai/rules/set"|"ai/rules/add"|"ai/rules/remove"|"ai/rules/mute"} C
 * @param {C} channel @param {Channels[C]["request"]} payload @returns {Promise<Error|null>} why it was refused
 */
export async function changeRules(channel, payload) {
  const answer = await invoke(channel, payload);
  if (!answer.success) return answer;
  own.set({ list: /** @type {RuleList} */ (answer.data) });
  return null;
}

/**
 * Changes them, and says at once why that is refused.
 * @template {"ai/rules/set"|"ai/rules/add"|"ai/rules/remove"|"ai/rules/mute"} C
 * @param {C} channel @param {Channels[C]["request"]} payload @returns {Promise<boolean>} whether they are changed
 */
export async function tryRules(channel, payload) {
  const why = await changeRules(channel, payload);
  if (why !== null) showToast({ text: why.message, icon: "circle-alert" });
  return why === null;
}

/** @param {string|null} name of a module; `null`: every one */
export const moduleTitle = (name) =>
  name === null ? t("All modules") : current().snapshot?.modules.find((one) => one.name === name)?.title ?? name;

/** @param {number} seconds */
export const momentOf = (seconds) => new Date(seconds * 1000).toISOString();

/** @param {number} seconds */
export const shortTime = (seconds) => timeAndDay(momentOf(seconds));

/** How long something is muted. @param {Mute} mute */
export function mutedText({ until }) {
  if (until === null) return t("Muted");
  const moment = momentOf(until);
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
    text, icon: span === "off" ? "bell" : "bell-off", run: () => void tryRules("ai/rules/mute", { ...what, span }),
  });
  if (isMuted) return [item(t("Unmute"), "off")];
  return [
    item(t("Mute for 1 hour"), "hour"), item(t("Mute until tomorrow"), "tomorrow"), item(t("Mute for good"), "forever"),
  ];
}

/** @typedef {"home"|"desktop"|"webhook"} Place */

/** @type {Record<Place, [icon: string, text: string]>} */
export const PLACES = {
  home: ["house", mark("Home and tray")],
  desktop: ["monitor", mark("Desktop notification")],
  webhook: ["webhook", mark("Webhook")],
};

/** Where alerts are told that nobody muted. @param {RuleList} list @returns {Place[]} */
export const placesOf = ({ desktop, webhook }) =>
  /** @type {Place[]} */ (["home", desktop && "desktop", webhook && "webhook"].filter(Boolean));

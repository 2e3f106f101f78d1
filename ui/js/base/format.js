// @ts-check
/** Values as people read them. */
import { mark, t, tn } from "./i18n.js";

/** @import { Module, State } from "../contract.d.ts" */

/**
 * Each state has its word and its shape; its colour is in components.css.
 * @type {Record<State, {word: string, icon: string}>}
 */
export const STATES = {
  stopped: { word: mark("Stopped"), icon: "circle" },
  starting: { word: mark("Starting"), icon: "loader-circle" },
  running: { word: mark("Running"), icon: "circle-check" },
  degraded: { word: mark("Partly running"), icon: "triangle-alert" },
  error: { word: mark("Failed"), icon: "circle-x" },
  stopping: { word: mark("Stopping"), icon: "circle-dot-dashed" },
  engine_down: { word: mark("Docker is off"), icon: "ban" },
};

/** @param {string} reason The owner's are parts of sentences, too. */
export const capitalised = (reason) => reason.charAt(0).toLocaleUpperCase() + reason.slice(1);

/** How a module is, in a word or two. @param {Pick<Module, "state"|"word">} whose */
export const wordOf = ({ state, word }) => (word ? capitalised(word) : t(STATES[state].word));

/** @param {number} seconds An estimate, in one unit. */
function roughly(seconds) {
  if (seconds < 60) return t("{seconds} s", { seconds: Math.max(1, Math.round(seconds)) });
  const minutes = Math.round(seconds / 60);
  if (minutes < 120) return t("{minutes} min", { minutes });
  return t("{hours} h {minutes} min", { hours: Math.floor(minutes / 60), minutes: minutes % 60 });
}

const locale = () => document.documentElement.lang;

/** @type {Map<string, Intl.NumberFormat>} Making one takes longer than all the rest of a card. */
const formats = new Map();

/** @param {number} value @param {number} digits at most, after the point */
function decimal(value, digits) {
  const key = `${locale()} ${digits}`;
  const known = formats.get(key) ?? new Intl.NumberFormat(locale(), { maximumFractionDigits: digits });
  formats.set(key, known);
  return known.format(value);
}

/** @param {number} value Whole numbers, in groups. */
export const number = (value) => decimal(value, 0);

/** @param {number} value Short from ten thousand on: `12k`. */
export const compact = (value) =>
  value < 10_000 ? number(value) : new Intl.NumberFormat(locale(), { notation: "compact", maximumFractionDigits: 1 }).format(value);

const twoDigits = (/** @type {number} */ value) => String(value).padStart(2, "0");

/** @param {string} moment @returns {string} `14:31`, here */
export function timeOfDay(moment) {
  const time = new Date(moment);
  return `${twoDigits(time.getHours())}:${twoDigits(time.getMinutes())}`;
}

/** @param {string} moment @returns {string} `14:31:02`, here */
export const exactTime = (moment) => `${timeOfDay(moment)}:${twoDigits(new Date(moment).getSeconds())}`;

/** @param {string} moment @returns {string} `14:31:02.184`, here */
export const clock = (moment) => `${exactTime(moment)}.${String(new Date(moment).getMilliseconds()).padStart(3, "0")}`;

/** @param {string} moment Today, yesterday, or the date. */
export function day(moment) {
  const time = new Date(moment);
  const midnight = new Date();
  midnight.setHours(0, 0, 0, 0);
  if (time >= midnight) return t("Today");
  midnight.setDate(midnight.getDate() - 1);
  if (time >= midnight) return t("Yesterday");
  return time.toLocaleDateString(locale(), { weekday: "long", day: "numeric", month: "long" });
}

/** @type {Map<string, Intl.DateTimeFormat>} As `formats`. */
const dates = new Map();

/** @param {string} moment `27 Nov`, here */
export function dayAndMonth(moment) {
  const known = dates.get(locale()) ?? new Intl.DateTimeFormat(locale(), { day: "numeric", month: "short" });
  dates.set(locale(), known);
  return known.format(new Date(moment));
}

/** @param {string} moment Its time; also its day, unless that is today. */
export function timeAndDay(moment) {
  const isToday = new Date(moment).toDateString() === new Date().toDateString();
  return isToday ? timeOfDay(moment) : `${dayAndMonth(moment)}, ${timeOfDay(moment)}`;
}

/** @param {string} moment A day and a time, here. */
export const dateTime = (moment) =>
  new Date(moment).toLocaleString(locale(), { dateStyle: "medium", timeStyle: "medium", hourCycle: "h23" });

/** @param {number} seconds */
export const about = (seconds) => t("about {time}", { time: roughly(seconds) });

/** @param {number} seconds At the beginning of a line. */
export const aboutLeft = (seconds) => t("About {time} left", { time: roughly(seconds) });

/** @param {string} tag The version in the tag of an image, such as `v1.2` or `RELEASE.2026-08-06T00-00-00Z`. */
export const versionIn = (tag) => tag.replace(/^v(?=\d)/, "").replace(/^RELEASE\.(.+)T.*$/, "$1");

/** @param {string} since How long that has been, in its two largest units. */
export function uptime(since) {
  const minutes = Math.floor((Date.now() - Date.parse(since)) / 60_000);
  const [days, hours] = [Math.floor(minutes / 1440), Math.floor(minutes / 60) % 24];
  if (days) return t("{days} d {hours} h", { days, hours });
  if (hours) return t("{hours} h {minutes} min", { hours, minutes: minutes % 60 });
  return minutes < 1 ? t("less than 1 min") : t("{minutes} min", { minutes });
}

/** @param {number} count As Docker counts: 1 GB is 1024 MB. @param {number} [like] whose unit it gets */
export function bytes(count, like = count) {
  const units = ["B", "KB", "MB", "GB", "TB"];
  let [value, size, unit] = [count, like, 0];
  for (; size >= 1000 && unit < units.length - 1; unit += 1) [value, size] = [value / 1024, size / 1024];
  const digits = value < 10 && unit > 1 ? 1 : 0;
  return `${decimal(value, digits)} ${units[unit]}`;
}

/** @param {number} count Bytes per second. @param {number} [like] whose unit it gets */
export const rate = (count, like) => t("{size}/s", { size: bytes(count, like) });

/** @param {number} share from 0 to 1 */
export const percent = (share) =>
  t("{percent} %", { percent: decimal(share * 100, share < 0.0995 ? 1 : 0) });

/** @param {number} bytes In GB, without the unit. */
export const gigabytes = (bytes) => decimal(bytes / 1024 ** 3, 1);

/** @param {string[]} items As in a sentence: `Dify, n8n and OneAPI`. Unlike `Intl.ListFormat`, Chinese has spaces around names. */
export function list(items) {
  const last = items.at(-1) ?? "";
  return items.length > 1 ? t("{names} and {last}", { names: items.slice(0, -1).join(t(", ")), last }) : last;
}

/** @param {string} name @param {string} what */
export const labelled = (name, what) => t("{name}: {what}", { name, what });

/** @param {number} seconds */
export function duration(seconds) {
  if (seconds < 0.95) return t("{seconds} s", { seconds: seconds.toFixed(1) });
  const whole = Math.round(seconds);
  if (whole < 60) return t("{seconds} s", { seconds: whole });
  const minutes = Math.floor(whole / 60);
  if (minutes < 60) return t("{minutes} min {seconds} s", { minutes, seconds: whole % 60 });
  return t("{hours} h {minutes} min", { hours: Math.floor(minutes / 60), minutes: minutes % 60 });
}

/** @param {string} moment How long ago that was. */
export function ago(moment) {
  const minutes = Math.floor((Date.now() - Date.parse(moment)) / 60_000);
  if (minutes < 1) return t("just now");
  if (minutes < 60) return t("{count} min ago", { count: minutes });
  if (minutes < 1440) return t("{count} h ago", { count: Math.floor(minutes / 60) });
  return tn("{count} day ago", "{count} days ago", Math.floor(minutes / 1440));
}

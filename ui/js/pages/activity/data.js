// @ts-check
/** The entries of the journal that the page has, kept up to date by the owner's events. */
import { CONNECTION, invoke, on } from "../../base/bridge.js";
import { current, observe, slice } from "../../base/store.js";
import { loadSettingNames } from "./setting_names.js";
import { modulesOf, title } from "./words.js";

/** @import { Activity, ActivityRange } from "../../contract.d.ts" */

const PAGE = 500;
const BATCH_MS = 150;
const MOST_DETAILS = 20;

export const own = slice({
  /** @type {Activity[]|null} the newest first, without steps; null: not read yet */
  entries: null,
  /** whether there are older ones */
  hasOlder: false,
  isLoading: false,
  /** why they can't be read */
  error: "",
  /** @type {Record<string, Activity|null>} with their steps, by id; null: there is no such entry */
  details: {},
});

/** @param {ActivityRange} range @returns {Promise<Activity[]|null>} */
async function read(range) {
  const answer = await invoke("ai/activity/list", range);
  own.set({ error: answer.success ? "" : answer.message });
  return answer.success ? answer.data.activities : null;
}

/** @param {Activity[]} found */
function add(found) {
  const all = new Map([...(own.get().entries ?? []), ...found].map((entry) => [entry.id, entry]));
  own.set({ entries: [...all.values()].sort((a, b) => Date.parse(b.time) - Date.parse(a.time)) });
}

/** @param {ActivityRange} [range] */
async function load(range = {}) {
  if (own.get().isLoading) return;
  own.set({ isLoading: true });
  const found = await read({ ...range, limit: PAGE });
  own.set({ isLoading: false, hasOlder: found?.length === PAGE });
  if (found) add(found);
}

function reload() {
  own.set({ details: {} });
  load();
  loadSettingNames();
}

export function loadOlder() {
  const oldest = own.get().entries?.at(-1);
  if (oldest && own.get().hasOlder) load({ until: oldest.time });
}

/** @type {Set<string>} */
const asked = new Set();

/** Reads an entry with its steps, if that was not done yet. @param {string} id */
async function ensure(id) {
  if (id in own.get().details || asked.has(id)) return;
  asked.add(id);
  await refresh(id);
  asked.delete(id);
}

/** @param {string} id */
async function refresh(id) {
  const isShown = id === selected();
  const [entry = null] = (await read({ id, steps: isShown })) ?? [];
  const { [id]: _, ...others } = own.get().details;
  const kept = Object.entries(others).slice(1 - MOST_DETAILS);
  own.set({ details: Object.fromEntries(isShown ? [...kept, [id, entry]] : kept) });
  if (entry) add([{ ...entry, operation: entry.operation && { ...entry.operation, steps: [] } }]);
}

/** @type {Set<string>} ids of new entries that are still to be read */
const news = new Set();
/** @type {ReturnType<typeof setTimeout>|undefined} */
let batch;

/** @param {string} id */
function changed(id) {
  news.add(id);
  batch ??= setTimeout(() => {
    batch = undefined;
    for (const each of news) refresh(each);
    news.clear();
  }, BATCH_MS);
}

/** Keeps everything up to date until what is returned is called. */
export function follow() {
  reload();
  const ends = [
    on("ai/activity/added", ({ id }) => changed(id)),
    on(CONNECTION, ({ state }) => state === "up" && reload()),
    observe((now, before) => {
      // Their messages are in the reader's language.
      if (before.snapshot && now.snapshot?.language !== before.snapshot.language) reload();
    }),
    observe(() => {
      const id = selected();
      if (id) ensure(id);
      if (isFiltered() && own.get().hasOlder) loadOlder();
    }),
  ];
  return () => ends.forEach((end) => end());
}

/** @typedef {{find: string, kind: string, by: string, module: string, result: string}} Filters */

/** @returns {Filters} */
export function filters() {
  const { find = "", kind = "", by = "", module = "", result = "" } = current().address.query;
  return { find, kind, by, module, result };
}

export const isFiltered = () => Object.values(filters()).some(Boolean);

/** The entries that pass the filters. */
export function shown() {
  const given = filters();
  const words = given.find.toLowerCase().split(/\s+/).filter(Boolean);
  return (own.get().entries ?? []).filter((entry) => {
    if (given.kind && entry.kind !== given.kind) return false;
    if (given.by && entry.actor?.kind !== given.by) return false;
    if (given.result && entry.operation?.status !== given.result) return false;
    if (given.module && !modulesOf(entry).includes(given.module)) return false;
    return words.every((word) => textOf(entry).includes(word));
  });
}

/** @param {Activity} entry What is searched. */
function textOf(entry) {
  const { error } = entry.operation ?? {};
  const parts = [title(entry), entry.text, ...modulesOf(entry), error?.code, error?.message, entry.refused?.reason];
  return parts.join(" ").toLowerCase();
}

/** The id of the entry whose details are shown; without one in the address, the newest. */
export const selected = () => current().address.rest[0] ?? shown()[0]?.id;

// @ts-check
/**
 * The only file that knows what carries the contract: the window's JS bridge, or HTTP.
 *
 * Beside the contract's events there are two of the carrier itself:
 *   ai/ui/hello       {page, language}: where to begin
 *   ai/ui/connection  {state}: "up", "lost" (trying again) or "ended" (this address is no more).
 *     After each "up", events may have been missed: those who follow some ask again.
 *
 * @import { Channels } from "../contract.d.ts"
 * @import { Answer, Connection, Message, PageEvents } from "../types.d.ts"
 */

import { t } from "./i18n.js";

export const HELLO = "ai/ui/hello";
export const CONNECTION = "ai/ui/connection";

/** In a browser, whose address says so; else in the window. */
export const isBrowser = location.pathname.startsWith("/browser/");

const RETRY_MS = 2000;

/** @type {Map<string, Set<(payload: any) => void>>} Each gets only payloads of its event. */
const listeners = new Map();

/**
 * Calls `listener` with each payload of `event`. Returns what ends it.
 * @template {keyof PageEvents} E
 * @param {E} event @param {(payload: PageEvents[E]) => void} listener @returns {() => void}
 */
export function on(event, listener) {
  const known = listeners.get(event) ?? new Set();
  listeners.set(event, known.add(listener));
  return () => known.delete(listener);
}

/** @param {Message[]} messages */
function receive(messages) {
  for (const [event, payload] of messages) {
    for (const listener of listeners.get(event) ?? []) listener(payload);
  }
}

/** @param {Connection} state */
function connection(state) {
  receive([[CONNECTION, { state }]]);
}

/**
 * The answer of the owner; never rejects.
 * @template {keyof Channels} C
 * @param {C} channel @param {Channels[C]["request"]} payload
 * @returns {Promise<Answer<Channels[C]["answer"]>>}
 */
export async function invoke(channel, payload) {
  try {
    return await carrier.invoke(channel, payload);
  } catch (error) {
    return { success: false, code: "E_RUNTIME", message: String(error), data: {} };
  }
}

/**
 * Asks `channel`, and calls `take` with the answer, unless that of a later question came before it:
 * what changes would be shown as it was.
 * @template {keyof Channels} C
 * @param {C} channel @param {(answer: Answer<Channels[C]["answer"]>) => void} take
 * @returns {(payload: Channels[C]["request"]) => Promise<void>}
 */
export function inOrder(channel, take) {
  let [asked, taken] = [0, 0];
  return async (payload) => {
    asked += 1;
    const mine = asked;
    const answer = await invoke(channel, payload);
    if (mine < taken) return;
    taken = mine;
    take(answer);
  };
}

/** Lets the page hear events also while it is hidden, until what is returned is called. @returns {() => void} */
export function hearWhileHidden() {
  hearers += 1;
  return () => {
    hearers -= 1;
    if (isBrowser) listenWhileSeen();
  };
}

/** Begins to listen to the owner. */
export function connect() {
  carrier.connect();
}

// -- the window's bridge ------------------------------------------------------------------------

/** @returns {Promise<Required<WindowApi>>} */
function windowApi() {
  return new Promise((found) => {
    const look = () => {
      const api = window.pywebview?.api;
      if (api?.invoke) found(/** @type {Required<WindowApi>} */ (api));
    };
    window.addEventListener("pywebviewready", look);
    look();
  });
}

/** The window's process knows nobody until the page has said that it is there. */
async function greet() {
  const answer = await invoke("ai/ui/ready", {});
  if (!answer.success) {
    setTimeout(greet, RETRY_MS);
    return;
  }
  receive([[HELLO, answer.data]]);
}

/** Whether there is an owner. */
let hasOwner = false;

/**
 * Called by the window's process. Only events tell about the connection: they come in order, but
 * an answer may come late. An owner that was lost is back with the next snapshot.
 * @param {Message[]} messages
 */
function receiveFromWindow(messages) {
  for (const message of messages) {
    const [event] = message;
    receive([message]);
    const isBack = event === "ai/snapshot/event" && !hasOwner;
    if (event === "ai/ui/lost") connection("lost");
    if (isBack) connection("up");
    hasOwner = isBack || (hasOwner && event !== "ai/ui/lost");
  }
}

/** Of what came meanwhile, the window's process has kept a part. */
async function showOrHide() {
  await invoke("ai/ui/visible", { visible: !document.hidden });
  if (hasOwner && !document.hidden) connection("up");
}

const bridgeCarrier = {
  /** @param {string} channel @param {object} payload */
  async invoke(channel, payload) {
    return (await windowApi()).invoke(channel, payload);
  },

  connect() {
    window.aiserver = { receive: receiveFromWindow };
    document.addEventListener("visibilitychange", showOrHide);
    greet();
  },
};

// -- HTTP ---------------------------------------------------------------------------------------

/** Names this page to the owner, so that what it asks and what it hears belong together. */
const client = Array.from(crypto.getRandomValues(new Uint32Array(4)), (n) => n.toString(36)).join("");

/** @type {EventSource|null} */
let events = null;

/** How many hear events also while the page is hidden. */
let hearers = 0;

/** A browser has six connections to one place, for all its tabs: only who is seen keeps one. */
function listenWhileSeen() {
  if (document.hidden && !hearers) {
    events?.close();
    events = null;
  } else if (!events || events.readyState === EventSource.CLOSED) events = listen();
}

function listen() {
  const events = new EventSource(`events?client=${client}`);
  events.onopen = () => {
    connection("up");
    renewTicket();
  };
  events.onmessage = ({ data }) => receive([JSON.parse(data)]);
  events.onerror = async () => {
    // The browser tries again by itself after a break, but not after a refusal.
    if (events.readyState !== EventSource.CLOSED) connection("lost");
    else if (!(await comeBack())) connection("ended");
  };
  return events;
}

/**
 * What this page can return to a later process of the owner with. Only here, where no other page
 * of this address can read it.
 * @type {{ until: number, key: CryptoKey } | null}
 */
let ticket = null;
const TICKET_MS = 60 * 60 * 1000;
const HMAC = { name: "HMAC", hash: "SHA-256" };

async function renewTicket() {
  try {
    const { until, key } = await (await fetch("ticket")).json();
    ticket = { until, key: await crypto.subtle.importKey("jwk", { kty: "oct", k: key }, HMAC, false, ["sign"]) };
  } catch {
    // The next one comes with the next connection. Browsers of other machines get none.
  }
}

/**
 * Gets this page in again after a restart of the owner, unless that is not who answers here.
 * Another program may have the port by now, so only a signature for this address is sent.
 */
async function comeBack() {
  if (!ticket) return false;
  try {
    const { challenge } = await (await fetch("/return")).json();
    const signed = new TextEncoder().encode(`${challenge} ${location.origin}`);
    const proof = new Uint8Array(await crypto.subtle.sign(HMAC, ticket.key, signed));
    const Authorization = `Ticket ${ticket.until} ${btoa(String.fromCharCode(...proof))}`;
    const { page } = await (await fetch("/return", { method: "POST", headers: { Authorization } })).json();
    if (!page?.startsWith("/browser/")) return false;
    location.replace(page + location.hash);
    return true;
  } catch {
    return false;
  }
}

const REPEATS = 3;
const REPEAT_MS = 250;
let requests = 0;

/** @param {string} body */
async function post(body) {
  const response = await fetch("invoke", {
    method: "POST", headers: { "Content-Type": "application/json" }, body,
  });
  return response.json();
}

/**
 * Sends a request again where no answer came: browsers give up theirs when the machine's network
 * changes, as it does whenever a container starts. The owner does it once all the same, by its id.
 * @param {string} body
 */
async function postOrRepeat(body) {
  for (let repeat = 0; repeat < REPEATS; repeat += 1) {
    try {
      return await post(body);
    } catch {
      await new Promise((done) => setTimeout(done, REPEAT_MS * 2 ** repeat));
    }
  }
  return post(body);
}

const httpCarrier = {
  /** @param {string} channel @param {object} payload */
  async invoke(channel, payload) {
    requests += 1;
    try {
      return await postOrRepeat(JSON.stringify({ channel, payload, client, id: String(requests) }));
    } catch {
      const message = t("Connection lost. Your last action may have gone through, so check the current state.");
      return { success: false, code: "E_NOT_RUNNING", message, data: {} };
    }
  },

  connect() {
    document.addEventListener("visibilitychange", listenWhileSeen);
    setInterval(renewTicket, TICKET_MS);
    listenWhileSeen();
  },
};

const carrier = isBrowser ? httpCarrier : bridgeCarrier;

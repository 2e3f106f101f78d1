// @ts-check
/**
 * Where the page is: `home`, `logs/n8n?level=error`, … It is the fragment of the page's URL, so that
 * reload, back and forward work. The owner checks addresses that come from elsewhere.
 */

/**
 * @typedef {{page: string, rest: string[], query: Record<string, string>}} Address
 *   `rest`: what follows the page, such as the name of a module; `query`: filters
 */

export const HOME = "home";

/** @param {string} text @returns {Address} */
export function parse(text) {
  const [path = "", query = ""] = text.split("?", 2);
  const [page = "", ...rest] = path.split("/").map(decoded);
  return { page: page || HOME, rest, query: Object.fromEntries(new URLSearchParams(query)) };
}

/** @param {Address} address */
export function format({ page, rest, query }) {
  const path = [page, ...rest].map(encodeURIComponent).join("/");
  const given = Object.entries(query).filter(([, value]) => value !== "");
  return given.length ? `${path}?${new URLSearchParams(given)}` : path;
}

/**
 * @param {string} page @param {string[]} [rest] such as a module and its tab
 * @param {Record<string, string>} [query]
 */
export const addressTo = (page, rest = [], query = {}) => format({ page, rest, query });

/** The address that the URL has. */
export const here = () => parse(location.hash.slice(1));

/** @param {string} text */
export function go(text) {
  location.hash = text;
}

/**
 * Changes filters of the present address; empty ones go. The address before can't be gone back to:
 * what is being typed is no place.
 * @param {Record<string, string>} patch
 */
export function setQuery(patch) {
  const address = here();
  const text = format({ ...address, query: { ...address.query, ...patch } });
  history.replaceState(null, "", `#${text}`);
  window.dispatchEvent(new HashChangeEvent("hashchange"));
}

/**
 * Goes to the present address with other filters, so that those before can be gone back to.
 * @param {Record<string, string>} patch
 */
export function goQuery(patch) {
  const address = here();
  go(format({ ...address, query: { ...address.query, ...patch } }));
}

/** @type {((leave: () => void) => boolean)|null} */
let asks = null;

/**
 * Before another place is gone to, `ask` says whether it has to ask first; it calls `leave` where the answer is yes.
 * @param {(leave: () => void) => boolean} ask @returns {() => void} ends that
 */
export function askBeforeLeaving(ask) {
  asks = ask;
  return () => {
    asks = null;
  };
}

/** Whether the way from one place to another waits for an answer: until then, the URL stays. @param {Address} from @param {Address} to */
export function isHeld(from, to) {
  if (!asks?.(() => go(format(to)))) return false;
  history.replaceState(null, "", `#${format(from)}`);
  return true;
}

/** @param {string} text A malformed one stays as it is. */
function decoded(text) {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

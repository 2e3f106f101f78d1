// @ts-check
/** A line of JSON as people read it, as `told` of `base/json_line.py` does it: its message, then its other fields as `key=value`. Pure. */

const MESSAGES = ["message", "msg", "@message", "event"];
/** Level and time, which are beside the line or of no use in it. */
const SHOWN = new Set(["level", "log.level", "severity", "lvl", "levelname", "@level", "level_name", "time", "timestamp", "@timestamp", "ts"]);

/** @param {string} text @returns {string} itself if it is no JSON with a message */
export function told(text) {
  const fields = text.startsWith("{") ? parsed(text) : null;
  const key = fields && MESSAGES.find((name) => typeof fields[name] === "string");
  if (!fields || !key) return text;
  const others = Object.entries(fields).filter(([name]) => name !== key && !SHOWN.has(name)).flatMap(pairs);
  return [String(fields[key]).trim().replace(/\s*\n\s*/g, " ↵ "), ...others].join(" ");
}

/** @param {string} text @returns {Record<string, unknown>|null} */
function parsed(text) {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

/** @param {[string, unknown]} field @returns {string[]} those of an object one by one; none of an empty one */
function pairs([name, value]) {
  if (typeof value === "object" && value && !Array.isArray(value)) {
    return Object.entries(value).filter(([inner]) => !SHOWN.has(inner)).map(([inner, own]) => pair(`${name}.${inner}`, own));
  }
  return [pair(name, value)];
}

/** @param {string} name @param {unknown} value */
const pair = (name, value) => `${name}=${typeof value === "string" && /^[^\s"=]+$/.test(value) ? value : JSON.stringify(value)}`;

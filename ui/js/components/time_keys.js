// @ts-check
/** Keys that choose a part of a time axis, as dragging does. */

/**
 * @typedef {{at: number, from: number}} Part the place of the cursor, and where the part began that it ends
 * @typedef {{count: number, part: Part|null, move: (part: Part) => void, zoom: (part: Part) => void, reset: () => boolean}} TimeAxis
 *   `count`: of its places; `reset` shows all of it, and says whether there was anything to do
 */

/** @type {Record<string, number>} */
const STEPS = { ArrowLeft: -1, ArrowRight: 1, PageDown: -10, PageUp: 10, Home: -Infinity, End: Infinity };

/** @param {KeyboardEvent} event Arrows move the cursor, with Shift they widen the part; Enter zooms, Esc resets. @param {TimeAxis} axis */
export function useTimeKey(event, { count, part, move, zoom, reset }) {
  if (event.ctrlKey || event.altKey || event.metaKey) return;
  const step = STEPS[event.key];
  if (step !== undefined && count) move(moved(part, step, count, event.shiftKey));
  else if (event.key === "Enter" && part) zoom(part);
  else if (event.key !== "Escape" || !reset()) return;
  event.preventDefault();
  event.stopPropagation();
}

/** @param {Part|null} part without one, it begins at the newest place @param {number} step @param {number} count @param {boolean} isWider */
function moved(part, step, count, isWider) {
  const at = Math.min(count - 1, Math.max(0, (part?.at ?? count) + step));
  return { at, from: part && isWider ? part.from : at };
}

/** @param {Part} part Its first and last place. */
export const edges = ({ at, from }) => /** @type {const} */ ([Math.min(at, from), Math.max(at, from)]);

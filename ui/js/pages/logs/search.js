// @ts-check
/** Goes from one line that matches the search to the next. */
import { t } from "../../base/i18n.js";
import { showToast } from "../../components/toast.js";
import { ask } from "./ask.js";
import { activate, activeRow, rowOf, timeAtTop } from "./list.js";
import { formOf } from "./model/query.js";
import { source, view } from "./state.js";

/**
 * @import { LogLine } from "../../contract.d.ts"
 * @import { Direction } from "./source.js"
 */

let round = 0;

/** @param {Direction} direction */
export async function goToHit(direction) {
  const { wanted, bounds } = view();
  if (!wanted.search.text) return;
  round += 1;
  const own = round;
  const row = activeRow();
  const filter = formOf(wanted, bounds);
  const cursor = row && "line" in row ? row.line.cursor : null;
  if (source.isFollowing) source.pause();
  /** @type {LogLine[]} */
  const found = [];
  await ask(filter, placeOf(direction, cursor), 1, () => own === round, ({ lines }) => found.push(...lines));
  const [line] = found;
  if (own !== round) return;
  if (!line) {
    showToast({ text: direction === "older" ? t("No earlier match") : t("No later match"), icon: "search" });
    return;
  }
  if (!rowOf(line.cursor)) await source.jump(line.time);
  requestAnimationFrame(() => activate(line.cursor, true));
}

/** @param {Direction} direction @param {string|null} cursor of the line to go on from; `null`: from what is seen */
function placeOf(direction, cursor) {
  if (cursor !== null) return direction === "older" ? { before: cursor } : { after: cursor };
  return source.chunk.hasNewer || direction === "newer" ? { at: timeAtTop() } : {};
}

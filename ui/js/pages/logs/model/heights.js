// @ts-check
/** Where rows are in a list, and which of them are seen. Pure. */

export const ROW = 22;

/**
 * The upper edge of each row, and at the end the lower edge of the last.
 * @param {{key: string}[]} rows @param {Map<string, number>} measured heights of those that have more than one line
 */
export function edges(rows, measured) {
  const found = new Float64Array(rows.length + 1);
  rows.forEach(({ key }, i) => {
    found[i + 1] = (found[i] ?? 0) + (measured.get(key) ?? ROW);
  });
  return found;
}

/** @param {Float64Array} all edges @param {number} y @returns {number} the place of the row at `y` */
export function rowAt(all, y) {
  let [low, high] = [0, Math.max(0, all.length - 2)];
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if ((all[middle] ?? 0) <= y) low = middle;
    else high = middle - 1;
  }
  return low;
}

/** @param {Float64Array} all edges @param {number} top @param {number} height of what is seen @param {number} beyond rows beyond it */
export function seen(all, top, height, beyond) {
  return {
    begin: Math.max(0, rowAt(all, top) - beyond),
    end: Math.min(all.length - 1, rowAt(all, top + height) + 1 + beyond),
  };
}

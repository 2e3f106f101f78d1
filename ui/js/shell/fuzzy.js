// @ts-check
/** Finding by some letters of a title, in their order, or by parts of other words. */

/** @typedef {{group: string, title: string, words: string}} Findable */

/**
 * The items that have each word of what is asked for, best first, by group; all of them where
 * nothing is asked for.
 * @template {Findable} T
 * @param {T[]} items @param {string} asked @returns {T[]}
 */
export function found(items, asked) {
  const words = asked.toLowerCase().split(/\s+/).filter(Boolean);
  const scored = items.map((item) => ({ item, score: scoreOf(item, words) })).filter(({ score }) => score > 0);
  /** @type {Map<string, number>} */
  const best = new Map();
  for (const { item, score } of scored) best.set(item.group, Math.max(score, best.get(item.group) ?? 0));
  const groupOf = (/** @type {{item: T}} */ { item }) => best.get(item.group) ?? 0;
  const groups = [...best.keys()];
  return scored
    .sort((a, b) => groupOf(b) - groupOf(a)
      || groups.indexOf(a.item.group) - groups.indexOf(b.item.group) || b.score - a.score)
    .map(({ item }) => item);
}

/** @param {Findable} item @param {string[]} words @returns {number} 0: one of them is not in it */
function scoreOf({ title, words: more }, words) {
  const scores = words.map((word) => titleScore(title.toLowerCase(), word) || Number(more.toLowerCase().includes(word)));
  return scores.includes(0) ? 0 : 1 + scores.reduce((sum, score) => sum + score, 0);
}

/** @param {string} title @param {string} word @returns {number} The beginning of a word is best, letters apart are least. */
function titleScore(title, word) {
  const at = title.indexOf(word);
  if (at === 0) return 100;
  if (at > 0) return /[\s(.:/_-]/.test(title[at - 1] ?? "") ? 60 : 30;
  let from = 0;
  for (const letter of word) {
    from = title.indexOf(letter, from) + 1;
    if (!from) return 0;
  }
  return word.length > 1 ? 5 : 0;
}

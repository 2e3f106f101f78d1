// @ts-check
/** Finding by parts of a title or of other words; if nothing has them, by some letters of a title in their order. */

/** @typedef {{group: string, title: string, words: string}} Findable */

/**
 * The items that have each word of what is asked for, best first, by group; all of them where
 * nothing is asked for.
 * @template {Findable} T
 * @param {T[]} items @param {string} asked @returns {T[]}
 */
export function found(items, asked) {
  const words = asked.toLowerCase().split(/\s+/).filter(Boolean);
  const near = scoredBy(items, words, titleScore);
  const scored = near.length ? near : scoredBy(items, words, (title, word) => titleScore(title, word) || Number(hasLetters(title, word)));
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

/** @typedef {(title: string, word: string) => number} Score 0: it is not in it */

/**
 * @template {Findable} T
 * @param {T[]} items @param {string[]} words @param {Score} inTitle @returns {{item: T, score: number}[]} those that have each word
 */
function scoredBy(items, words, inTitle) {
  return items.flatMap((item) => {
    const scores = words.map((word) => inTitle(item.title.toLowerCase(), word) || Number(item.words.toLowerCase().includes(word)));
    return scores.includes(0) ? [] : [{ item, score: scores.reduce((sum, score) => sum + score, 1) }];
  });
}

/** @type {Score} The beginning is best, then that of a word. */
function titleScore(title, word) {
  const at = title.indexOf(word);
  if (at === 0) return 100;
  if (at < 0) return 0;
  return /[\s(.:/_-]/.test(title[at - 1] ?? "") ? 60 : 30;
}

/** @param {string} title @param {string} word Whether it has its letters, in their order. */
function hasLetters(title, word) {
  let from = 0;
  for (const letter of word) {
    from = title.indexOf(letter, from) + 1;
    if (!from) return false;
  }
  return word.length > 1;
}

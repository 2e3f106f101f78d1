// @ts-check
/**
 * Finding, best first: what is named so before what is also called so, before what is described so;
 * a whole word before a beginning before a part. If nothing is found, by some letters of a title in
 * their order.
 */

/**
 * @typedef {{group: string, title: string, hint: string, words: string, synonyms?: string}} Findable
 *   `synonyms`: other names; `words`: what describes it
 */

/** By what is found, for a part of a word, its beginning, and the whole. */
const TITLE = [0, 40, 80, 100];
const SYNONYM = [0, 0, 45, 60];
const WORDS = [0, 5, 10, 15];
const LETTERS = 1;
const SAME_TITLE = 30;
const SAME_BEGINNING = 15;
const SAME_ORDER = 5;
/** Only decides between equals. */
const RECENT = 0.5;

/**
 * The items that have each word of what is asked for, best first, by group; all of them where
 * nothing is asked for.
 * @template {Findable} T
 * @param {T[]} items @param {string} asked @param {string[]} [recent] keys of what was used, the last one first
 */
export function found(items, asked, recent = []) {
  const parts = partsOf(asked.toLowerCase());
  const near = scoredBy(items, parts, nameScore);
  const scored = near.length ? near : scoredBy(items, parts, ({ title }, part) => (hasLetters(title.toLowerCase(), part) ? LETTERS : 0));
  /** @type {Map<string, number>} */
  const best = new Map();
  for (const one of scored) {
    one.score += orderBonus(one.item.title.toLowerCase(), asked.trim().toLowerCase(), parts) + recency(recent.indexOf(keyOf(one.item)));
    best.set(one.item.group, Math.max(one.score, best.get(one.item.group) ?? 0));
  }
  const groupOf = (/** @type {{item: T}} */ { item }) => best.get(item.group) ?? 0;
  const groups = [...best.keys()];
  return scored
    .sort((a, b) => groupOf(b) - groupOf(a)
      || groups.indexOf(a.item.group) - groups.indexOf(b.item.group) || b.score - a.score)
    .map(({ item }) => item);
}

/** @param {Findable} item Two modules have settings with the same title. */
export const keyOf = ({ title, hint }) => `${title} ${hint}`;

/** Chinese has no spaces: a change of script divides, too. @param {string} text */
const partsOf = (text) => text.match(/\p{Script=Han}+|[^\s\p{Script=Han}]+/gu) ?? [];

/** @param {number} place */
const recency = (place) => (place < 0 ? 0 : RECENT / (place + 1));

/**
 * @template {Findable} T
 * @param {T[]} items @param {string[]} parts @param {(item: T, part: string) => number} score 0: it is not in it
 * @returns {{item: T, score: number}[]} those that have each part
 */
function scoredBy(items, parts, score) {
  return items.flatMap((item) => {
    const scores = parts.map((part) => score(item, part));
    return scores.includes(0) ? [] : [{ item, score: scores.reduce((sum, one) => sum + one, 0) / (parts.length || 1) }];
  });
}

/** @param {Findable} item @param {string} part */
const nameScore = ({ title, synonyms = "", words }, part) => Math.max(
  TITLE[rank(title.toLowerCase(), part)] ?? 0,
  SYNONYM[rank(synonyms.toLowerCase(), part)] ?? 0,
  WORDS[rank(words.toLowerCase(), part)] ?? 0,
);

/** How much of a word of the text it is: 3: all of it, perhaps without the s of a plural, 2: its beginning, 1: a part, 0: none. @param {string} text @param {string} part */
function rank(text, part) {
  let best = 0;
  for (let at = text.indexOf(part); at >= 0 && best < 3; at = text.indexOf(part, at + 1)) {
    const begins = isEdge(text[at - 1], part[0]);
    const end = at + part.length;
    const isWhole = isEdge(part.at(-1), text[end]) || (text[end] === "s" && isEdge("s", text[end + 1]));
    best = Math.max(best, !begins ? 1 : isWhole ? 3 : 2);
  }
  return best;
}

/** Whether a word ends between two characters. @param {string|undefined} before @param {string|undefined} after */
const isEdge = (before, after) => !before || !after || scriptOf(before) !== scriptOf(after) || !scriptOf(before);

/** @param {string} character */
const scriptOf = (character) => (/\p{Script=Han}/u.test(character) ? "han" : /[\p{L}\p{N}]/u.test(character) ? "letters" : "");

/** @param {string} title @param {string} asked @param {string[]} parts */
function orderBonus(title, asked, parts) {
  if (title === asked) return SAME_TITLE;
  if (asked && title.startsWith(asked)) return SAME_BEGINNING;
  const places = parts.map((part) => title.indexOf(part));
  return places.every((place, i) => place >= 0 && place >= (places[i - 1] ?? 0)) ? SAME_ORDER : 0;
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

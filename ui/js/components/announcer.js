// @ts-check
/** Tells screen readers what changed by itself. */
import { STATES, labelled } from "../base/format.js";
import { t } from "../base/i18n.js";

/** @import { PageState } from "../types.d.ts" */

/** @param {PageState} now @param {PageState} before */
export function announce(now, before) {
  const region = document.getElementById("announcer");
  if (!region || now.snapshot === before.snapshot || !now.snapshot) return;
  const old = new Map(before.snapshot?.modules.map((module) => [module.name, module.state]));
  const changes = now.snapshot.modules
    .filter(({ name, state }) => old.has(name) && old.get(name) !== state)
    .map(({ name, title, state }) => labelled(title ?? name, t(STATES[state].word)));
  if (changes.length) region.textContent = changes.join("; ");
}

// @ts-check
/** The upgrades of modules, kept up to date for all parts of the page, and what is done with them. */
import { ask } from "../../base/actions.js";
import { CONNECTION, inOrder, on } from "../../base/bridge.js";
import { t } from "../../base/i18n.js";
import { current, observe, slice } from "../../base/store.js";
import { active } from "../../components/operations.js";
import { showToast } from "../../components/toast.js";

/**
 * @import { How, ModuleUpgrade, OperationSummary, Rest, Snapshot, UpgradeList, Version } from "../../contract.d.ts"
 */

const own = slice({ list: /** @type {UpgradeList|null} */ (null) });

/** `null`: not known yet. */
export const upgradeList = () => own.get().list;

/** @param {string} name of a module @returns {ModuleUpgrade|undefined} none: it declares no versions */
export const upgradeOf = (name) => upgradeList()?.modules.find((one) => one.name === name);

/** Those that can be upgraded now. */
export const offered = () => (upgradeList()?.modules ?? []).filter(({ offer, target }) => offer && target === null);

const load = inOrder("ai/upgrade/list", (answer) => answer.success && own.set({ list: answer.data }));

export const loadUpgrades = () => load({});

on(CONNECTION, ({ state }) => state === "up" && loadUpgrades());
on("ai/upgrade/event", loadUpgrades);

/** @param {Snapshot} snapshot */
const working = (snapshot) => active(snapshot).filter(({ kind }) => kind === "rehearse" || kind === "upgrade");

/** Changes when the owner's texts are in another language, or an upgrade has begun or ended. @param {Snapshot} snapshot */
const momentOf = (snapshot) => [snapshot.language, ...working(snapshot).map(({ id }) => id)].join();

observe(({ snapshot }, before) => {
  if (!snapshot || !before.snapshot || snapshot === before.snapshot) return;
  if (momentOf(snapshot) !== momentOf(before.snapshot)) loadUpgrades();
});

/** The rehearsal or upgrade of a module that is under way. @param {string} name @param {Snapshot|null} snapshot @returns {OperationSummary|undefined} */
export function runningUpgrade(name, snapshot) {
  const known = upgradeOf(name);
  if (!known || !snapshot) return undefined;
  const others = upgradeList()?.modules.some((one) => one !== known && one.target !== null);
  return known.target === null && others ? undefined : working(snapshot).find(({ modules }) => modules.includes(name));
}

/** @param {ModuleUpgrade} upgrade The version that it is rehearsed with or upgraded to. */
export const targetOf = ({ target, offer, versions, version }) => target ?? offer?.version ?? versions[0]?.version ?? version;

/** The newest version that failed when it was tried, as long as no other is offered and it is not skipped. @param {ModuleUpgrade} upgrade */
export const unfit = ({ offer, versions }) => (offer ? undefined : versions.find(({ failed, rest }) => failed && rest !== "skip"));

/** Whether something can be begun now. @param {string} key of the request */
export function canBegin(key) {
  const { connection, asked, snapshot } = current();
  return connection === "up" && !asked.has(key) && Boolean(snapshot?.engine.running) && !working(/** @type {Snapshot} */ (snapshot)).length;
}

/** What the requests about a module wait for. @param {string} module */
export const keyOf = (module) => `upgrade ${module}`;

/** @param {string} module @param {string} version @param {"rehearse"|"stopped"} how */
export const rehearse = (module, version, how) => ask(keyOf(module), "ai/upgrade/rehearse", { module, version, how });

/** @param {string} module @param {string} version @param {How} how */
export const upgrade = (module, version, how) => ask(keyOf(module), "ai/upgrade/start", { module, version, how });

export const askRegistries = () => ask("upgrade", "ai/upgrade/ask", {});

/** @param {ModuleUpgrade} upgrade @param {Version} version @param {Rest} rest */
export async function rest({ name, title }, { version }, rest) {
  const answer = await ask(keyOf(name), "ai/upgrade/rest", { module: name, version, rest });
  if (!answer.success) return;
  const again = () => ask(keyOf(name), "ai/upgrade/rest", { module: name, version, rest: null }).then(loadUpgrades);
  const said = { name: title, version };
  showToast({ text: rest === "skip" ? t("{name} {version} isn't offered again", said) : t("{name} {version} is offered again in a week", said), undo: again });
  await loadUpgrades();
}

/** @param {ModuleUpgrade} upgrade @param {Version} version @param {string|null} at such as `03:00`; `null`: not any more */
export async function planFor({ name }, { version }, at) {
  await ask(keyOf(name), "ai/upgrade/tonight", { module: name, version, at });
  await loadUpgrades();
}

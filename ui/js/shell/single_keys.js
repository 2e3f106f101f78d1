// @ts-check
/** Single letters: for the module in focus, for rows, and for the search of a page. */
import { addressTo, go } from "../base/address.js";
import { bind } from "../base/keys.js";
import { current } from "../base/store.js";
import { openModule, restartModule, startModule, stopModule } from "../pages/modules/actions.js";

/** @import { Module, ModuleAbilities } from "../contract.d.ts" */

const ROWS = "main [data-module], main [data-row]";
const FOCUSABLE = "a[href], button, input, select, [tabindex='0']";

/** @returns {Module|undefined} the module that has the focus, or whose page is shown */
function focused() {
  const { snapshot, address } = current();
  const near = document.activeElement?.closest("[data-module]");
  const name = near instanceof HTMLElement ? near.dataset.module : address.page === "modules" && address.rest[0];
  return snapshot?.modules.find((module) => module.name === name);
}

/** @param {keyof ModuleAbilities} action @param {(module: Module) => void} run */
const onModule = (action, run) => () => {
  const module = focused();
  if (module && module.abilities[action] === null && current().connection === "up") run(module);
};

function startOrStop() {
  const module = focused();
  if (!module) return;
  if (module.abilities.start === null) onModule("start", startModule)();
  else onModule("stopWithUsers", () => stopModule(module, current().snapshot))();
}

/** @param {1|-1} step */
const moveToRow = (step) => () => {
  const rows = [...document.querySelectorAll(ROWS)].filter((row) => row.getClientRects().length);
  const at = rows.findIndex((row) => row.contains(document.activeElement));
  const row = rows[at < 0 && step < 0 ? rows.length - 1 : at + step];
  if (!(row instanceof HTMLElement)) return;
  const within = [...(row.querySelector("[data-main]") ?? row).querySelectorAll(FOCUSABLE)];
  const target = row.matches(FOCUSABLE) ? row : within.find((one) => one.getClientRects().length);
  if (target instanceof HTMLElement) target.focus();
};

function find() {
  const search = document.querySelector("main input[type=search]");
  if (search instanceof HTMLInputElement) search.focus();
}

bind({
  o: onModule("open", openModule),
  r: onModule("restart", restartModule),
  s: startOrStop,
  l: onModule("logs", ({ name }) => go(addressTo("logs", [name]))),
  j: moveToRow(1),
  k: moveToRow(-1),
  "/": find,
});

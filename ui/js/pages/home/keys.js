// @ts-check
/** Letters do what the buttons of the module with the focus do. */
import { go } from "../../address.js";
import { openModule, restartModule, startModule, stopModule } from "../../module_actions.js";
import { bind } from "../../shell/keys.js";
import { current } from "../../store.js";

/**
 * @import { Module, ModuleAbilities } from "../../contract.d.ts"
 */

/** Until what is returned is called. */
export const moduleKeys = () =>
  bind({
    o: () => where("open", openModule),
    r: () => where("restart", restartModule),
    s: () => {
      if (!where("start", startModule)) where("stopWithUsers", (module) => stopModule(module, current().snapshot));
    },
    l: () => where("logs", ({ name }) => go(`logs/${encodeURIComponent(name)}`)),
  });

/** @param {keyof ModuleAbilities} action @param {(module: Module) => void} run */
function where(action, run) {
  const card = document.activeElement?.closest("[data-module]");
  const module = current().snapshot?.modules.find(({ name }) => name === card?.getAttribute("data-module"));
  const isPossible = module?.abilities[action] === null && current().connection === "up";
  if (module && isPossible) run(module);
  return isPossible;
}

// @ts-check
/** The page of logs is gone to: keys, clicks on rows, and what follows the address. */
import { addressTo, go, goQuery } from "../../base/address.js";
import { bind } from "../../base/keys.js";
import { observe } from "../../base/store.js";
import { followLine, open } from "./details.js";
import { followErrors } from "./errors.js";
import { toggleLevel } from "./filters.js";
import { lookAtKept } from "./kept.js";
import { activeRow, focusList, forget, listBox, rowOf, step, toggle } from "./list.js";
import { widen } from "./panel.js";
import { beginSearch, followSearch, goToHit } from "./search.js";
import { begin, follow, followAddress, source, view } from "./state.js";

/** @import { AnyRow } from "./row.js" */

/** Goes to the logs; what is returned ends it. */
export function enterLogs() {
  forget();
  const end = begin();
  beginSearch();
  lookAtKept();
  const unobserve = observe((now, before) => {
    if (now.address !== before.address) followAddress();
    followSearch();
    followLine();
    followErrors();
  });
  followLine();
  const unbind = bind({
    " ": () => (source.isFollowing ? source.pause() : follow()),
    End: follow,
    Home: () => source.jump(0),
    e: () => toggleLevel("error"),
    w: () => toggleLevel("warn"),
    i: () => toggleLevel("info"),
    d: () => toggleLevel("debug"),
    u: () => toggleLevel("unknown"),
    j: () => move(1),
    k: () => move(-1),
    "Mod+f": find,
    F3: () => goToHit("older"),
    "Shift+F3": () => goToHit("newer"),
    Escape: () => view().wanted.line && open(""),
  });
  return () => {
    unbind();
    unobserve();
    end();
  };
}

function find() {
  const input = document.getElementById("log-text");
  if (input instanceof HTMLInputElement) input.select();
}

/** @param {1|-1} by */
function move(by) {
  if (view().wanted.isOfErrors) return;
  focusList();
  const row = step(by);
  if (row && "line" in row && view().wanted.line) open(row.line.cursor);
}

/** @param {AnyRow} row What Enter and a click do. */
function act(row) {
  if (row.kind === "line" || row.kind === "part") open(row.line.cursor);
  else if (row.kind === "fold" || row.kind === "same") toggle(row.key);
  else if (row.kind === "checks") goQuery({ checks: "1" });
  else if (row.kind === "begin") widen();
  // Lines are missing if a service wrote more than Docker keeps while nothing read it.
  else if (row.kind === "gap") go(addressTo("settings", [], { at: "app.logs_engine_size" }));
}

listBox.addEventListener("click", ({ target }) => {
  const element = target instanceof Element ? target : null;
  const row = rowOf(element?.closest("[data-key]")?.getAttribute("data-key") ?? "");
  if (!row || !getSelection()?.isCollapsed) return;
  if (element?.closest("[data-toggle]")) toggle(row.key);
  else act(row);
});

listBox.addEventListener("keydown", (event) => {
  const row = activeRow();
  const isFoldable = row && (row.kind === "fold" || row.kind === "same" || (row.kind === "line" && row.inner.length > 0));
  if (event.key === "ArrowDown" || event.key === "ArrowUp") move(event.key === "ArrowDown" ? 1 : -1);
  else if (event.key === "Enter" && row) act(row);
  else if (isFoldable && (event.key === "ArrowRight" ? !row.isOpen : event.key === "ArrowLeft" && row.isOpen)) toggle(row.key);
  else return;
  event.preventDefault();
  event.stopPropagation();
});

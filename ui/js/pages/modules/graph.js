// @ts-check
/** The modules that a module requires, and those that require it, as a drawing of links. */
import { html, svg } from "../../../vendor/lit-html/lit-html.js";
import { addressTo } from "../../base/address.js";
import { labelled, list, versionIn, wordOf } from "../../base/format.js";
import { t, tn } from "../../base/i18n.js";
import { dotShape } from "../../components/state.js";
import { hueStyle } from "../../components/tile.js";

/**
 * @import { Module } from "../../contract.d.ts"
 * @typedef {{users: Module[], required: Module[], links: [from: string, to: string][]}} Connections
 *   `required`: also what these require; `links`: from the one that requires to the required one
 * @typedef {{module: Module, column: number, x: number, y: number}} Node
 */

const WIDTH = 160;
const HEIGHT = 46;
const COLUMN = WIDTH + 62;
const ROW = HEIGHT + 12;
/** What a way within a column needs beside it. */
const AROUND = 46;

/** @param {Module} module @param {Module[]} all @returns {Connections} */
export function connectionsOf(module, all) {
  const byName = new Map(all.map((one) => [one.name, one]));
  const users = all.filter(({ requires }) => requires.includes(module.name));
  /** @type {Module[]} */
  const required = [];
  /** @type {[string, string][]} */
  const links = users.map(({ name }) => [name, module.name]);
  const todo = [module];
  for (let from = todo.shift(); from; from = todo.shift()) {
    for (const name of from.requires) {
      links.push([from.name, name]);
      const found = byName.get(name);
      if (!found || found === module || required.includes(found)) continue;
      required.push(found);
      todo.push(found);
    }
  }
  return { users, required, links };
}

/** @param {Module} module @param {Connections} connections */
export function graph(module, connections) {
  const nodes = placed(module, connections);
  const at = new Map(nodes.map((node) => [node.module.name, node]));
  const isAround = connections.links.some(([from, to]) => (at.get(from)?.column ?? 0) >= (at.get(to)?.column ?? 0));
  const width = Math.max(...nodes.map(({ x }) => x)) + WIDTH + (isAround ? AROUND : 2);
  const height = Math.max(...nodes.map(({ y }) => y)) + HEIGHT + 2;
  return html`
    <svg class="graph" viewBox="0 0 ${width} ${height}" role="group" aria-label=${described(module, connections)}
      .style=${`max-width: ${Math.round(width * 1.1)}px`}>
      <defs><marker id="arrow" viewBox="0 0 8 8" refX="6.5" refY="4" markerWidth="7" markerHeight="7" orient="auto">
        <path d="M1 1 7 4 1 7" fill="none" class="edge"></path></marker></defs>
      ${connections.links.map(([from, to]) => edge(at.get(from), at.get(to)))}
      ${nodes.map((node) => shape(node, node.module === module))}
    </svg>`;
}

/** @param {Module} module @param {Connections} connections @returns {Node[]} Columns from left to right. */
function placed(module, { users, required, links }) {
  const first = users.length ? 1 : 0;
  /** @type {Map<string, number>} The shortest way to what is required. */
  const columns = new Map([[module.name, first]]);
  for (const [from, to] of links) {
    const column = columns.get(from);
    if (column !== undefined && !columns.has(to)) columns.set(to, column + 1);
  }
  const left = users.filter((user) => !columns.has(user.name));
  const all = [...left, module, ...required].map((one) => ({ one, column: columns.get(one.name) ?? 0 }));
  const rows = all.map(({ column }, i) => all.slice(0, i).filter((other) => other.column === column).length);
  const most = Math.max(...rows);
  return all.map(({ one, column }, i) => {
    const last = Math.max(...rows.filter((_, k) => all[k]?.column === column));
    return { module: one, column, x: 1 + column * COLUMN, y: 1 + ((most - last) / 2 + (rows[i] ?? 0)) * ROW };
  });
}

/** @param {Node|undefined} from @param {Node|undefined} to To the right; within a column around its right side. */
function edge(from, to) {
  if (!from || !to) return svg``;
  const [x1, y1, y2] = [from.x + WIDTH, from.y + HEIGHT / 2, to.y + HEIGHT / 2];
  const isAround = to.column <= from.column;
  const x2 = isAround ? to.x + WIDTH + 3 : to.x - 3;
  const bend = isAround ? Math.max(x1, x2) + AROUND : (x1 + x2) / 2;
  const shift = isAround ? 7 : 0;
  return svg`<path class="edge" fill="none" marker-end="url(#arrow)"
    d="M${x1} ${y1 - Math.sign(y1 - y2) * shift}C${bend} ${y1} ${bend} ${y2} ${x2} ${y2 + Math.sign(y1 - y2) * shift}"></path>`;
}

/** @param {Node} node @param {boolean} isMain */
function shape({ module, x, y }, isMain) {
  const { name, title, state } = module;
  const word = wordOf(module);
  const content = svg`
    <rect class="box" width=${WIDTH} height=${HEIGHT} rx="9"></rect>
    <rect class="ground" x="9" y="10" width="26" height="26" rx="7"></rect>
    <use class="icon drawing" href="#${module.icon}" x="14" y="15" width="16" height="16"></use>
    <text class="name" x="43" y="20">${cut(title, WIDTH - 62, "600 12.5px")}</text>
    <text class="sub" x="43" y="35">${cut(below(module, word), WIDTH - 50, "11px")}</text>
    <g transform="translate(${WIDTH - 16} 8)">${dotShape(state)}</g>`;
  return isMain
    ? svg`<g class="node main" transform="translate(${x} ${y})" .style=${hueStyle(name)}>${content}</g>`
    : svg`<a class="node" href="#${addressTo("modules", [name])}" transform="translate(${x} ${y})" .style=${hueStyle(name)}><title>${labelled(title, word)}</title>${content}</a>`;
}

/** @param {Module} module @param {string} word */
const below = ({ state, services, version }, word) =>
  state !== "running" ? word : version ? versionIn(version) : tn("{count} service", "{count} services", services.length);

const pen = document.createElement("canvas").getContext("2d");

/** @param {string} text @param {number} room @param {string} font Its weight and size in modules.css. */
function cut(text, room, font) {
  if (!pen) return text;
  pen.font = `${font} ${getComputedStyle(document.body).fontFamily}`;
  let shown = text;
  for (let end = text.length - 1; end > 0 && pen.measureText(shown).width > room; end -= 1) shown = `${text.slice(0, end)}…`;
  return shown;
}

/** @param {Module} module @param {Connections} connections */
function described({ title, requires }, { users, required }) {
  const own = required.filter(({ name }) => requires.includes(name)).map((one) => one.title);
  return [
    own.length ? t("{name} requires {names}.", { name: title, names: list(own) }) : "",
    users.length ? t("{names} require {name}.", { name: title, names: list(users.map((one) => one.title)) }) : "",
  ].filter(Boolean).join(" ");
}

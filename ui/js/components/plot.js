// @ts-check
/** What draws a chart: uPlot, within an element of a template. */
import { AsyncDirective, directive } from "../../vendor/lit-html/async-directive.js";
import { noChange } from "../../vendor/lit-html/lit-html.js";
import uPlot from "../../vendor/uplot/dist/uPlot.esm.js";
import { followColours } from "./canvas_colours.js";
import { plotOptions, tops } from "./plot_options.js";
import { edges, useTimeKey } from "./time_keys.js";

/**
 * @import { ElementPart } from "../../vendor/lit-html/directive.js"
 * @import { Chart, Values } from "./chart.js"
 * @import { Part } from "./time_keys.js"
 * @typedef {Chart & {choose: (place: number|null) => void, widen: (from: number|null) => void, part: () => Part|null}} Plot
 *   `part`: what is chosen with the pointer or with keys
 */

class Plotted extends AsyncDirective {
  /** @type {HTMLElement|null} */ #element = null;
  /** @type {Plot|null} */ #shown = null;
  /** @type {uPlot|null} */ #plot = null;
  #width = 0;
  #resizes = new ResizeObserver(([entry]) => this.#fit(Math.floor(entry?.contentRect.width ?? 0)));
  #unfollow = () => {};

  /** @param {Plot} _options */
  render(_options) {
    return noChange;
  }

  /** @param {ElementPart} part @param {[Plot]} options */
  update(part, [options]) {
    const before = this.#shown;
    this.#shown = options;
    if (!this.#element) {
      this.#element = /** @type {HTMLElement} */ (part.element);
      this.#element.addEventListener("keydown", (event) => this.#typed(event));
      this.#element.addEventListener("blur", () => this.#pick(null));
      this.reconnected();
    }
    if (this.#plot && before) this.#follow(before, options, this.#plot);
    return noChange;
  }

  disconnected() {
    this.#resizes.disconnect();
    this.#unfollow();
    this.#plot?.destroy();
    this.#plot = null;
    this.#width = 0;
  }

  reconnected() {
    if (this.#element) this.#resizes.observe(this.#element);
    this.#unfollow = followColours(() => this.#plot?.redraw(false, true));
  }

  /** @param {number} width It is drawn as soon as there is room. */
  #fit(width) {
    if (!width || width === this.#width) return;
    this.#width = width;
    if (this.#plot) this.#plot.setSize({ width, height: this.#shown?.height ?? 0 });
    else this.#make();
  }

  #make() {
    const [element, options] = [this.#element, this.#shown];
    if (!element || !options || !this.#width) return;
    this.#plot = new uPlot(plotOptions(() => this.#shown ?? options, this.#width), data(options), element);
  }

  /** @param {KeyboardEvent} event */
  #typed(event) {
    const shown = this.#shown;
    if (!shown) return;
    useTimeKey(event, {
      count: shown.times.length, part: shown.part(),
      move: (part) => this.#pick(part),
      zoom: (part) => {
        this.#pick(null);
        shown.zoom?.(...zoomed(shown, part));
      },
      reset: () => {
        this.#pick(null);
        shown.unzoom?.();
        return true;
      },
    });
  }

  /** @param {Part|null} part Shows it in this chart, and its cursor in all. */
  #pick(part) {
    const [plot, shown] = [this.#plot, this.#shown];
    if (!plot || !shown) return;
    shown.widen(part?.from ?? null);
    const x = (/** @type {number} */ place) => plot.valToPos(shown.times[place] ?? 0, "x");
    const [first, last] = part ? edges(part) : [0, 0];
    plot.setSelect({ left: x(first), width: x(last) - x(first), top: 0, height: plot.over.clientHeight }, false);
    // Types of uPlot leave out the last parameter: the other charts follow.
    const moveCursor = /** @type {(at: {left: number, top: number}, fires: boolean, publishes: boolean) => void} */ (plot.setCursor);
    moveCursor({ left: part ? x(part.at) : -10, top: part ? 0 : -10 }, true, true);
  }

  /** @param {Plot} before @param {Plot} now @param {uPlot} plot Draws only what is new. */
  #follow(before, now, plot) {
    if (looks(before) !== looks(now)) {
      plot.destroy();
      this.#plot = null;
      this.#make();
    } else if (before.times !== now.times || before.series.some(({ values }, i) => values !== now.series[i]?.values)) {
      plot.setData(data(now), true);
    } else if (tops(before) !== tops(now) || before.marks !== now.marks || before.limit?.text !== now.limit?.text) {
      plot.redraw(true, true);
    }
  }
}

export const plotted = directive(Plotted);

/** A part of the whole on both sides of a cursor that ends no part. */
const AROUND = 1 / 8;

/** @param {Plot} shown @param {Part} part @returns {[number, number]} */
function zoomed({ times, begin, end }, part) {
  const [first = begin, last = end] = edges(part).map((place) => times[place]);
  const around = first === last ? (end - begin) * AROUND : 0;
  return [Math.max(begin, first - around), Math.min(end, last + around)];
}

/** @param {Plot} options What can't be changed once it is made. */
const looks = ({ series, height, isStacked }) =>
  JSON.stringify([series.map(({ colour, look }) => [colour, look]), height, isStacked]);

/** @param {Plot} options @returns {uPlot.AlignedData} */
function data({ times, series, isStacked }) {
  const columns = series.map(({ values }) => values);
  return /** @type {uPlot.AlignedData} */ ([times, ...(isStacked ? sums(columns) : columns)]);
}

/** @param {Values[]} columns Each with those before it; what is not known at all stays a gap. */
function sums(columns) {
  /** @type {number[]} */
  let below = [];
  return columns.map((values) => {
    below = values.map((value, i) => (below[i] ?? 0) + (value ?? 0));
    return below.map((sum, i) => (columns.some((column) => typeof column[i] === "number") ? sum : null));
  });
}

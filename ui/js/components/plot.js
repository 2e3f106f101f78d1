// @ts-check
/** What draws a chart: uPlot, within an element of a template. */
import { AsyncDirective, directive } from "../../vendor/lit-html/async-directive.js";
import { noChange } from "../../vendor/lit-html/lit-html.js";
import uPlot from "../../vendor/uplot/dist/uPlot.esm.js";
import { followColours } from "./canvas_colours.js";
import { plotOptions, tops } from "./plot_options.js";

/**
 * @import { ElementPart } from "../../vendor/lit-html/directive.js"
 * @import { Chart, Values } from "./chart.js"
 * @typedef {Chart & {choose: (place: number|null) => void}} Plot
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

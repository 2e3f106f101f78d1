// @ts-check
/** How uPlot draws our charts. */
import { dayAndMonth, exactTime, timeOfDay } from "../base/format.js";
import { canvasColour } from "./canvas_colours.js";

/**
 * @import uPlot from "../../vendor/uplot/dist/uPlot.esm.js"
 * @import { Line } from "./chart.js"
 * @import { Plot } from "./plot.js"
 * @typedef {() => Plot} Current what is shown now
 */

const ROWS = 4;
const DAY = 86_400;
const MINUTE = 60;
/** A time axis that may show seconds. */
const SHORT = 6 * MINUTE;
const FONT_SIZE = 11;

/** Of the areas of a stack, and below a line. */
const [STACK, AREA] = [0.62, 0.13];

/** @param {number} value The next number that is easy to read. @param {number} [unit] that it is a multiple of */
export function niceTop(value, unit = 1) {
  if (!(value > 0)) return unit;
  const size = 10 ** Math.floor(Math.log10(value / unit)) * unit;
  return ([1, 1.2, 1.6, 2, 2.4, 3.2, 4, 6, 8].find((step) => step * size >= value) ?? 10) * size;
}

/** @param {Plot} plot The greatest value of its axis. */
export const tops = ({ max, unit }) => niceTop(max, unit);

/** @param {Current} current @param {number} width @returns {uPlot.Options} */
export function plotOptions(current, width) {
  const { series, height, isStacked } = current();
  return {
    width, height,
    legend: { show: false },
    padding: [8, 14, 0, 0],
    scales: {
      x: { time: true, range: () => [current().begin, current().end] },
      y: { range: () => [0, tops(current())] },
    },
    axes: [timeAxis(current), valueAxis(current)],
    series: [{}, ...series.map((line, i) => drawn(line, Boolean(isStacked), i))],
    bands: isStacked ? series.slice(1).map((line, i) => ({
      series: /** @type {[number, number]} */ ([i + 2, i + 1]), fill: () => canvasColour(line.colour, STACK),
    })) : [],
    cursor: cursor(current),
    hooks: {
      setCursor: [({ cursor: { idx, left } }) => current().choose((left ?? -1) < 0 ? null : idx ?? null)],
      setSelect: [(plot) => select(plot, current())],
      draw: [(plot) => drawMarks(plot, current()), (plot) => drawLimit(plot, current())],
    },
  };
}

/** @param {Line} line @param {boolean} isStacked @param {number} place @returns {uPlot.Series} */
function drawn({ colour, look }, isStacked, place) {
  const isFilled = isStacked ? place === 0 : !look;
  return {
    stroke: () => canvasColour(colour, look === "peak" ? 0.45 : 1),
    width: isStacked || look === "peak" ? 1 : 1.6,
    ...(isFilled ? { fill: () => canvasColour(colour, isStacked ? STACK : AREA) } : {}),
    points: { show: (plot) => plot.data[0].length < 3 },
  };
}

/** @param {Current} current @returns {uPlot.Axis} */
const timeAxis = (current) => ({
  stroke: () => canvasColour("var(--text-faint)"),
  font: font(), size: 22, gap: 4,
  space: (_plot, _axis, begin, end) => (end - begin < SHORT ? 70 : 50),
  grid: { show: false }, ticks: { show: false },
  values: (_plot, splits, _axis, _space, step) => splits.map((seconds) => timeLabel(seconds, current(), step)),
});

/** @param {number} seconds @param {Plot} plot @param {number} step to the next. A range of days has dates, with the time where days are split. */
function timeLabel(seconds, { begin, end }, step) {
  const moment = new Date(seconds * 1000);
  const isMidnight = moment.getHours() === 0 && moment.getMinutes() === 0;
  if (end - begin > 1.5 * DAY && isMidnight) return dayAndMonth(moment.toISOString());
  return (step < MINUTE ? exactTime : timeOfDay)(moment.toISOString());
}

/** @param {Current} current @returns {uPlot.Axis} */
const valueAxis = (current) => ({
  stroke: () => canvasColour("var(--text-faint)"),
  font: font(), gap: 6,
  size: (_plot, values) => 10 + Math.max(0, ...(values ?? []).map((text) => text.length)) * 6.2,
  grid: { stroke: () => canvasColour("var(--line-soft)"), width: 1 },
  ticks: { show: false },
  splits: () => Array.from({ length: ROWS + 1 }, (_, row) => (tops(current()) * row) / ROWS),
  values: (_plot, splits) => splits.map(current().format),
});

const font = () => `${FONT_SIZE}px ${getComputedStyle(document.body).fontFamily}`;

/** @param {Current} current @returns {uPlot.Cursor} */
const cursor = (current) => ({
  y: false,
  points: {
    ...(current().isStacked ? { show: false } : {}), size: 7, width: 1.5,
    stroke: () => canvasColour("var(--surface-2)"),
    fill: (_plot, place) => canvasColour(current().series[place - 1]?.colour ?? "var(--text)"),
  },
  drag: { x: Boolean(current().zoom), y: false, setScale: false, dist: 5 },
  // Only where the pointer is, not what it selects.
  sync: { key: "time", setSeries: false, filters: { pub: isMove, sub: isMove } },
  bind: { dblclick: () => () => (current().unzoom?.(), null) },
});

/** @param {string} type of an event */
const isMove = (type) => type === "mousemove" || type === "mouseleave";

/** @param {uPlot} plot @param {Plot} shown */
function select(plot, { zoom }) {
  const { left, width } = plot.select;
  if (width < 5) return;
  zoom?.(plot.posToVal(left, "x"), plot.posToVal(left + width, "x"));
  plot.setSelect({ left: 0, width: 0, top: 0, height: 0 }, false);
}

/** @param {uPlot} plot @param {Plot} shown A line and a foot for each, behind nothing. */
function drawMarks(plot, { marks = [] }) {
  const { ctx, bbox } = plot;
  const size = 4 * devicePixelRatio;
  const bottom = bbox.top + bbox.height;
  ctx.save();
  for (const { time, isBad } of marks) {
    const x = Math.round(plot.valToPos(time, "x", true));
    if (x < bbox.left || x > bbox.left + bbox.width) continue;
    ctx.fillStyle = ctx.strokeStyle = canvasColour(isBad ? "var(--bad-fill)" : "var(--text-faint)");
    ctx.globalAlpha = isBad ? 0.5 : 0.3;
    ctx.fillRect(x, bbox.top, Math.max(1, devicePixelRatio / 2), bbox.height);
    ctx.globalAlpha = 1;
    ctx.beginPath();
    ctx.moveTo(x - size, bottom);
    ctx.lineTo(x + size, bottom);
    ctx.lineTo(x, bottom - 1.6 * size);
    ctx.fill();
  }
  ctx.restore();
}

/** @param {uPlot} plot @param {Plot} shown */
function drawLimit(plot, { limit, ...shown }) {
  if (!limit || limit.value > tops({ limit, ...shown })) return;
  const { ctx, bbox } = plot;
  const y = plot.valToPos(limit.value, "y", true);
  ctx.save();
  ctx.strokeStyle = ctx.fillStyle = canvasColour("var(--bad)");
  ctx.lineWidth = 1.4 * devicePixelRatio;
  ctx.setLineDash([4 * devicePixelRatio, 3 * devicePixelRatio]);
  ctx.beginPath();
  ctx.moveTo(bbox.left, y);
  ctx.lineTo(bbox.left + bbox.width, y);
  ctx.stroke();
  ctx.font = `${FONT_SIZE * devicePixelRatio}px ${getComputedStyle(document.body).fontFamily}`;
  ctx.textAlign = "right";
  const isHigh = y - bbox.top < 14 * devicePixelRatio;
  ctx.fillText(limit.text, bbox.left + bbox.width - 2, y + (isHigh ? 13 : -5) * devicePixelRatio);
  ctx.restore();
}

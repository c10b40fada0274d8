// Four small charts of the last hour, drawn by uPlot: requests, errors, first token, money. Where the weight changed, all
// of them have a line. A chart is made once and given new numbers, and only while it can be seen.

import { element, text } from "./dom.js";
import { micros, moment, money, percent, perSecond, share } from "./format.js";
import { LINES } from "./series.js";

const HEIGHT = 156;
/** A hole in a line that is shorter than this is bridged: a step without requests is no outage. */
const BRIDGED_SECONDS = 60;
const SPAN_LEAST_SECONDS = 300;

const CHARTS = [
  { field: "per_second", title: "Requests", spell: perSecond, scale: 1, least: 0.1 },
  { field: "error_share", title: "Errors", spell: share, scale: 1, least: 0.01 },
  { field: "ttft_p95_us", title: "First token, p95", spell: micros, scale: 1, least: 1e5 },
  { field: "cost_nanos", title: "Money per hour", spell: money, scale: 720, least: 1e7 },
];
const SHORT = ["baseline", "candidate", "shadow"];
const INKS = ["baseline", "candidate", "shadow"];
const DASHES = [undefined, undefined, [4, 3]];

// Colours of the style sheet, read anew when the theme changes.
const inks = new Map();
const ink = (name) => {
  if (!inks.has(name)) inks.set(name, getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim());
  return inks.get(name);
};
const alive = new Set();
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
  inks.clear();
  for (const chart of alive) chart.redraw(false);
});

/** Lines where the weight changed, with the new weight at the first chart. */
function drawWeights(chart, card, labelled) {
  const { ctx, bbox } = chart;
  ctx.save();
  ctx.strokeStyle = ink("axis");
  ctx.fillStyle = ink("muted");
  ctx.font = `${11 * devicePixelRatio}px system-ui, sans-serif`;
  ctx.setLineDash([2 * devicePixelRatio, 3 * devicePixelRatio]);
  let end = -Infinity;
  card.weights.forEach(([at_us, weight], index) => {
    const at = Math.round(chart.valToPos(at_us / 1e6, "x", true));
    // The first one is where the history begins, not a change.
    if (index === 0 || at < bbox.left || at > bbox.left + bbox.width) return;
    ctx.beginPath();
    ctx.moveTo(at, bbox.top);
    ctx.lineTo(at, bbox.top + bbox.height);
    ctx.stroke();
    if (!labelled || at < end) return;
    const words = percent(weight);
    const width = ctx.measureText(words).width;
    const start = Math.min(at + 3 * devicePixelRatio, bbox.left + bbox.width - width);
    ctx.fillText(words, start, bbox.top + 10 * devicePixelRatio);
    end = start + width;
  });
  ctx.restore();
}

function bridged(chart, series, first, last, holes) {
  const pixels = Math.abs(chart.valToPos(BRIDGED_SECONDS, "x", true) - chart.valToPos(0, "x", true));
  return holes.filter(([from, to]) => to - from > pixels);
}

/** A round number without its idle zeros: `$100.00` is `$100`. */
const short = (words) => words.replace(/(\.\d*?)0+(?=\D|$)/, "$1").replace(/\.(?=\D|$)/, "");

function options(card, index) {
  const { spell, least } = CHARTS[index];
  const axis = { stroke: () => ink("muted"), font: "11px system-ui, sans-serif", grid: { stroke: () => ink("grid"), width: 1 }, ticks: { show: false } };
  const line = (order) => ({ label: SHORT[order], stroke: () => ink(INKS[order]), width: 1.5, dash: DASHES[order], points: { show: false }, gaps: bridged });
  return {
    width: Math.max(120, card.figures[index].place.clientWidth),
    height: HEIGHT,
    legend: { show: false },
    cursor: { y: false, drag: { x: false, y: false }, sync: { key: card.key } },
    scales: { x: { time: true, range: () => card.range }, y: { range: (_, low, high) => [0, Math.max(least ?? 0, (high ?? 0) * 1.1) || 1] } },
    axes: [
      { ...axis, size: 24, space: 46, values: (_, times) => times.map((at) => moment(at * 1e6, at * 1e6).slice(0, 5)) },
      { ...axis, size: 54, space: 36, values: (_, values) => values.map((value) => short(spell(value))) },
    ],
    series: [{}, ...LINES.map((_, order) => line(order))],
    hooks: {
      draw: [(chart) => drawWeights(chart, card, index === 0)],
      setCursor: [(chart) => readOut(card, index, chart.cursor.idx)],
    },
  };
}

/** The numbers at the cursor, or else the newest ones. */
function readOut(card, index, at) {
  const { chart, readout } = card.figures[index];
  if (!chart) return;
  const { spell } = CHARTS[index];
  const times = chart.data[0];
  const hovered = typeof at === "number";
  const values = SHORT.map((name, order) => {
    const column = chart.data[order + 1];
    const value = hovered ? column[at] : column.findLast((one) => one !== null);
    return value === null || value === undefined ? null : `${name} ${spell(value)}`;
  }).filter(Boolean);
  const when = hovered ? `${moment(times[at] * 1e6, times[at] * 1e6)}: ` : "";
  text(readout, values.length > 0 ? when + values.join(", ") : "nothing yet");
}

function makeFigure(parent, { title }) {
  const figure = element("figure", "chart");
  const caption = element("figcaption");
  const readout = element("span", "readout");
  caption.append(element("span", "title", title), readout);
  const place = element("div", "place");
  place.setAttribute("aria-hidden", "true");
  figure.append(caption, place);
  parent.append(figure);
  return { figure, place, readout, chart: null };
}

function makeLegend() {
  const legend = element("p", "legend");
  SHORT.forEach((name, order) => legend.append(element("span", `line ${order === 2 ? "dashed " : ""}f-${INKS[order]}`), element("span", "", `${name} `)));
  return legend;
}

let cards = 0;

/** The charts of one migration in `parent`: `show(series, name, now_us)` and `leave()`. */
export function makeCharts(parent) {
  const grid = element("div", "chart-grid");
  parent.append(makeLegend(), grid);
  const card = { key: `card-${(cards += 1)}`, weights: [], range: [0, 1], figures: CHARTS.map((one) => makeFigure(grid, one)), visible: false, due: null, drawn: -1 };

  function draw() {
    if (!card.visible || !card.due) return;
    const { series, name, now_us } = card.due;
    card.due = null;
    const { weights, changes } = series.of(name);
    // A document comes every second, a point of the curves every five.
    if (changes === card.drawn) return;
    card.drawn = changes;
    card.weights = weights;
    const now = now_us / 1e6;
    CHARTS.forEach(({ field, scale }, index) => {
      const data = series.columns(name, field);
      if (scale !== 1) for (const column of data.slice(1)) column.forEach((value, at) => (column[at] = value === null ? null : value * scale));
      const first = data[0][0] ?? now;
      card.range = [Math.max(now - series.seconds, Math.min(first, now - SPAN_LEAST_SECONDS)), now];
      const figure = card.figures[index];
      if (figure.chart) {
        figure.chart.setData(data);
      } else {
        figure.chart = new globalThis.uPlot(options(card, index), data, figure.place);
        alive.add(figure.chart);
      }
      readOut(card, index, figure.chart.cursor.idx);
    });
  }

  const sized = new ResizeObserver(() => {
    for (const { chart, place } of card.figures) {
      if (chart && place.clientWidth > 0 && chart.width !== place.clientWidth) chart.setSize({ width: place.clientWidth, height: HEIGHT });
    }
  });
  const sight = new IntersectionObserver((entries) => {
    card.visible = entries.at(-1).isIntersecting;
    draw();
  });
  for (const { place } of card.figures) sized.observe(place);
  sight.observe(grid);

  return {
    show(series, name, now_us) {
      card.due = { series, name, now_us };
      draw();
    },
    leave() {
      sized.disconnect();
      sight.disconnect();
      for (const { chart } of card.figures) {
        alive.delete(chart);
        chart?.destroy();
      }
    },
  };
}

// Lines over turns, drawn by uPlot; and the same numbers as a table for those who do not see them.
import uPlot from "/static/vendor/uPlot.esm.js";
import { el } from "/static/dom.js";
import { colourOf, isForPaper } from "/static/looks.js";
import { count, short } from "/static/words.js";

const PAPER = 600; // pixels that fit on a sheet
const ROOM = 0.15; // above and below, of how far the lines lie apart

/**
 * A chart of `lines`: `{ words, values, colour, faint, dash, end }` over `turns`; `seek` is told of a click on a turn.
 * Lines set the scale; an `end` of an interval, by its name, does not, and is cut off where it lies beyond.
 */
export class Chart {
  constructor({ title, note, turns, lines, bands = [], seek, range }) {
    this.holder = el("div", { class: "plot" });
    this.lines = lines;
    this.turns = turns;
    this.now = el("p", { class: "legend-line" });
    const sampled = every(turns, 12);
    const named = lines.filter((line) => line.words || line.end);
    this.element = el("figure", { class: "chart" },
      el("figcaption", {}, el("b", {}, title), note && el("small", {}, note)), this.holder, this.now,
      el("details", {}, el("summary", {}, "As a table"), el("div", { class: "wide", tabindex: "0", role: "region", "aria-label": `Numbers of ${title}` }, el("table", {}, el("caption", { class: "unseen" }, title),
        el("thead", {}, el("tr", {}, el("th", { scope: "col" }, "Turn"), named.map((line) => el("th", { scope: "col", class: "number" }, line.words || line.end)))),
        el("tbody", {}, sampled.map((at) => el("tr", {}, el("td", {}, count(turns[at])), named.map((line) => el("td", { class: "number" }, short(line.values[at])))))))))); 
    this.options = { bands, seek, range: range ?? (lines.some((line) => line.end) ? around(lines) : undefined) };
  }

  /** Draws it as wide as there is room. */
  draw() {
    const [ink, line] = [colourOf("--soft"), colourOf("--line")];
    const axis = { stroke: ink, grid: { stroke: line, width: 1 }, ticks: { stroke: line, width: 1 }, font: "12px system-ui, sans-serif" };
    this.plot?.destroy();
    this.ready = false;
    this.plot = new uPlot({
      width: Math.max(260, isForPaper() ? Math.min(PAPER, this.holder.clientWidth) : this.holder.clientWidth),
      height: 190,
      legend: { show: false },
      cursor: { points: { size: 6 }, drag: { x: false, y: false }, sync: { key: "turns" } },
      scales: { x: { time: false }, y: { range: this.options.range } },
      axes: [{ ...axis, values: (_, ticks) => ticks.map((tick) => (Number.isInteger(tick) ? count(tick) : "")) }, { ...axis, size: 58, values: (_, ticks) => ticks.map(short) }],
      series: [{}, ...this.lines.map((each) => ({ stroke: colourOf(each.colour), width: each.faint ? 1 : 2, alpha: each.faint ? 0.3 : 1, dash: each.dash, spanGaps: true, points: { show: this.turns.length < 3 } }))],
      bands: this.options.bands,
      hooks: { setCursor: [(plot) => this.#told(plot.cursor.idx)], ready: [() => { this.ready = true; if (this.marked !== undefined) this.mark(this.marked); }] },
    }, [this.turns, ...this.lines.map((each) => each.values)], this.holder);
    this.holder.firstChild?.addEventListener("click", () => { const at = this.plot.cursor.idx; if (at !== null && at !== undefined) this.options.seek(this.turns[at]); });
    this.#told(null);
  }

  /** Marks a turn. */
  mark(turn) {
    this.marked = turn;
    if (!this.ready) return; // a plot has a scale a moment after it is made, and then comes here
    const at = this.turns.findLastIndex((each) => each <= turn);
    this.#told(at < 0 ? null : at);
    this.plot.setCursor({ left: at < 0 ? -10 : this.plot.valToPos(this.turns[at], "x"), top: 20 }, false);
  }

  #told(at) {
    const place = at ?? this.turns.length - 1;
    const parts = this.lines.filter((line) => line.words).map((line) => [el("span", { class: "key" }, swatch(line)), `${line.words} ${short(line.values[place])}`]);
    this.now.replaceChildren();
    this.now.append(document.createTextNode(`turn ${count(this.turns[place] ?? 0)}: `));
    for (const [key, words] of parts) this.now.append(key, document.createTextNode(`${words}  `));
  }

  stop() {
    this.plot?.destroy();
  }
}

/** The ends of a scale on which the lines lie that are no ends of intervals. */
function around(lines) {
  const values = lines.filter((line) => !line.end).flatMap((line) => line.values).filter((value) => value !== null && value !== undefined);
  if (!values.length) return undefined;
  const [low, high] = [values.reduce((a, b) => Math.min(a, b)), values.reduce((a, b) => Math.max(a, b))];
  const room = (high - low) * ROOM || Math.abs(high) * ROOM || 1;
  return [low - room, high + room];
}

/** A stroke as the line is drawn, for a legend. */
export function swatch(line) {
  const canvas = el("canvas", { width: 36, height: 8, class: "line", "aria-hidden": "true" });
  const context = canvas.getContext("2d");
  context.strokeStyle = colourOf(line.colour);
  context.lineWidth = 4;
  context.setLineDash((line.dash ?? []).map((part) => part * 1.5));
  context.moveTo(0, 4);
  context.lineTo(36, 4);
  context.stroke();
  return canvas;
}

const every = (list, most) => [...list.keys()].filter((at) => at % Math.max(1, Math.ceil(list.length / most)) === 0 || at === list.length - 1);

// Measures of a run over its turns: what agents state, with other replicates behind it, and how the run went along.
import { NAMED } from "/static/colours.js";
import { Chart } from "/static/chart.js";
import { el, fill, refill } from "/static/dom.js";
import { isLively } from "/static/log.js";
import { redrawn } from "/static/looks.js";
import { get, ofRun } from "/static/server.js";
import { count, many, short } from "/static/words.js";

const MOST_REPLICATES = 40;
const DASHES = [undefined, [8, 4], [2, 3], [12, 3, 2, 3]];
const GOING = { characters: "Characters of an utterance", tokens: "Tokens of a turn", seconds: "Seconds of a call", silent: "Share of silent turns", failed: "Share of failed attempts" };

export class MeasuresView {
  constructor(shell) {
    this.shell = shell;
    this.element = el("div", { class: "pane measures", tabindex: "0", role: "region", "aria-label": "Measures" }, el("p", { class: "empty" }, "measuring…"));
    this.charts = [];
    this.undrawn = redrawn(() => this.charts.forEach((chart) => chart.draw()));
  }

  async begin(_, query) {
    this.at = query.at === undefined ? null : Number(query.at);
    while (!this.stopped) {
      const open = [...this.element.querySelectorAll("details")].map((each) => each.open);
      try {
        await this.#draw();
      } catch (fault) {
        refill(this.element, el("p", { class: "empty" }, fault.message, ". ", fault.remedy ?? ""));
        return;
      }
      [...this.element.querySelectorAll("details")].forEach((each, number) => { each.open = open[number] ?? false; });
      if (!isLively(this.shell.now.status)) break;
      await new Promise((resolve) => setTimeout(resolve, 4000));
      if (this.stopped) return;
      await this.shell.look().catch(() => {});
    }
    if (!this.stopped) await this.#registry();
  }

  stop() {
    this.stopped = true;
    this.undrawn();
    this.charts.forEach((chart) => chart.stop());
  }

  seek(turn) {
    this.at = turn < this.shell.now.turns ? turn : null; // none: the newest, whichever that is
    this.charts.forEach((chart) => chart.mark(turn));
    this.shell.at(turn, turn >= this.shell.now.turns);
  }

  async #draw() {
    const run = this.shell.run;
    const [trend, stated] = await Promise.all([get(ofRun(run, "trend")), get(ofRun(run, "stated"))]);
    const courses = (await Promise.all(stated.stated.map((of) => get(ofRun(run, "course"), { of })))).filter((course) => course.turns.length);
    const others = await this.#others(courses);
    if (this.stopped) return;
    this.charts.forEach((chart) => chart.stop());
    this.charts = [...courses.map((course) => this.#course(course, others.get(course.of) ?? [])), ...this.#going(trend)];
    this.known = el("section", { class: "block" });
    refill(this.element, this.charts.length ? this.charts.map((chart) => chart.element) : el("p", { class: "empty" }, "Nothing to measure yet."), this.known);
    this.charts.forEach((chart) => chart.draw());
    if (this.at !== null) this.seek(this.at);
    else this.shell.at(this.shell.now.turns, true);
  }

  /** The same courses of the other replicates of this condition. */
  async #others(courses) {
    const found = new Map();
    if (!courses.length) return found;
    const { runs } = await get("/api/runs");
    const { run, study, condition } = this.shell.row;
    const rows = runs.filter((row) => row.run !== run && row.study === study && row.condition === condition && row.turns && !row.parent).slice(0, MOST_REPLICATES);
    for (const { of } of courses.filter((course) => course.mean.length)) {
      const others = await Promise.all(rows.map((row) => get(ofRun(row.run, "course"), { of }).catch(() => null)));
      found.set(of, others.filter((course) => course?.mean.length));
    }
    return found;
  }

  #course(course, others) {
    const name = course.of === "said" ? "What agents say" : `Answers to ${course.of}`;
    if (course.mean.length) return this.#numbers(course, others, name);
    const lines = course.categories.map((words, at) => ({ words, colour: NAMED[at % NAMED.length], dash: DASHES[Math.floor(at / NAMED.length) % DASHES.length], values: course.shares.map((shares) => shares[at]) }));
    return new Chart({ title: `${name}: share of agents`, note: `n = ${count(course.count.at(-1))} agents`, turns: course.turns, lines, seek: (turn) => this.seek(turn), range: [0, 1] });
  }

  #numbers(course, others, name) {
    const own = "--accent";
    const lines = [{ words: "mean", colour: own, values: course.mean }];
    const bands = [];
    let note = `n = ${count(course.count.at(-1))} agents; dashed: one standard deviation to each side`;
    if (others.length) {
      const all = [course, ...others];
      const means = course.turns.map((turn) => all.map((each) => valueAt(each, turn)).filter((value) => value !== null));
      const [middle, half] = [means.map(mean), means.map(halfWidth)];
      lines.push({ words: `mean of ${all.length} runs`, colour: NAMED[1], values: middle, dash: [8, 4] });
      lines.push({ end: "95 % to", colour: NAMED[1], faint: true, values: middle.map((value, at) => (half[at] === null ? null : value + half[at])) });
      lines.push({ end: "95 % from", colour: NAMED[1], faint: true, values: middle.map((value, at) => (half[at] === null ? null : value - half[at])) });
      bands.push({ series: [3, 4], fill: `${NAMED[1]}33` });
      for (const each of others) lines.push({ words: "", colour: "#888888", faint: true, values: course.turns.map((turn) => valueAt(each, turn)) });
      note = `solid: this run; dashed: mean over n = ${all.length} runs of the condition with its 95 % interval (t), cut off where it is wider than the lines lie; faint: the others`;
    } else {
      const spread = (sign) => course.mean.map((value, at) => (course.spread[at] === null ? null : value + sign * course.spread[at]));
      lines.push({ words: "", colour: own, dash: [3, 4], faint: true, values: spread(1) }, { words: "", colour: own, dash: [3, 4], faint: true, values: spread(-1) });
    }
    return new Chart({ title: `${name}: mean over agents`, note, turns: course.turns, lines, bands, seek: (turn) => this.seek(turn) });
  }

  #going(trend) {
    if (!trend.turns.length) return [];
    return Object.entries(GOING).filter(([name]) => trend[name].some((value) => value)).map(([name, title]) => new Chart({
      title, note: trend.count[0] > 1 ? `means of ${many(trend.count[0], "turn")} each` : "each turn", turns: trend.turns,
      lines: [{ words: name, colour: "--accent", values: trend[name] }], seek: (turn) => this.seek(turn) }));
  }

  /** What `gss measure` gives, for a run that is not too long to be measured while somebody waits. */
  async #registry() {
    refill(this.known, el("h2", {}, "What gss measure says"), el("p", {}, "measuring…"));
    const found = await get(ofRun(this.shell.run, "measures")).catch((fault) => ({ values: [], known: {}, left_out: fault.message }));
    if (this.stopped) return;
    const rows = found.values.map((value) => { const about = found.known[value.measure] ?? {}; return el("tr", {}, el("th", { scope: "row", title: about.source }, value.measure), el("td", {}, value.of ?? ""), el("td", { class: "number" }, short(value.value)), el("td", {}, about.unit ?? ""), el("td", { class: "about" }, about.about ?? "")); });
    fill(refill(this.known, el("h2", {}, "What gss measure says of the whole run")), found.left_out ? el("p", { class: "note" }, found.left_out) : null,
      rows.length ? el("div", { class: "wide", tabindex: "0", role: "region", "aria-label": "Measures of the run" }, el("table", {}, el("caption", { class: "unseen" }, "Measures of the run"), el("thead", {}, el("tr", {}, ["Measure", "Of", "Value", "Unit", "What it says"].map((words) => el("th", { scope: "col" }, words)))), el("tbody", {}, rows))) : null);
  }
}

function valueAt(course, turn) {
  const at = course.turns.findLastIndex((each) => each <= turn);
  return at < 0 ? null : course.mean[at];
}

const mean = (values) => (values.length ? values.reduce((sum, value) => sum + value, 0) / values.length : null);
const T = [12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228, 2.201, 2.179, 2.16, 2.145, 2.131, 2.12, 2.11, 2.101, 2.093, 2.086, 2.08, 2.074, 2.069, 2.064, 2.06, 2.056, 2.052, 2.048, 2.045, 2.042];

/** Half of the 95 % interval of a mean, by Student's t; null for one value. */
function halfWidth(values) {
  if (values.length < 2) return null;
  const middle = mean(values);
  const variance = values.reduce((sum, value) => sum + (value - middle) ** 2, 0) / (values.length - 1);
  return (T[values.length - 2] ?? 1.96 + 2.4 / values.length) * Math.sqrt(variance / values.length);
}

// The conditions of a study side by side: one chart with a mean and an interval over the runs of each, tables beside it.
import { note, to, toRun } from "/static/address.js";
import { Chart, swatch } from "/static/chart.js";
import { codeOfConditions } from "/static/code.js";
import { NAMED } from "/static/colours.js";
import { el, fill, refill } from "/static/dom.js";
import { redrawn } from "/static/looks.js";
import { get } from "/static/server.js";
import { count, many, short } from "/static/words.js";

const DASHES = [undefined, [10, 4], [2, 3], [12, 3, 2, 3]];
const WORDS = { said: "what agents say", characters: "characters of an utterance", tokens: "tokens of a turn", seconds: "seconds of a call", silent: "share of silent turns", failed: "share of failed attempts" };
const ALWAYS = "utterance_gini"; // a measure of every run
const APART = 0.5; // standard deviations

export class ConditionsView {
  constructor({ study, of, category }) {
    this.query = { study: study ?? "", of: of ?? "", category: category ?? "" };
    this.chosen = el("p", { class: "tools" });
    this.code = el("div", {});
    this.holder = el("div", {});
    this.table = el("section", { class: "block" });
    this.known = el("section", { class: "block" });
    this.progress = el("p", { class: "note", role: "status" }, "reading runs…");
    this.element = el("div", { class: "pane conditions", tabindex: "0", role: "region", "aria-label": "Conditions" },
      el("h1", {}, `Conditions of ${this.query.study || "a study"}`), this.progress, this.chosen, this.code, this.holder, this.table, this.known);
    this.undrawn = redrawn(() => this.chart?.draw());
  }

  async begin() {
    document.title = `Conditions of ${this.query.study} · genai-social-sim`;
    try {
      if (!this.query.study) throw Object.assign(new Error("No study is named"), { remedy: "" });
      await this.#read();
      await this.#command((await this.#measured())?.measures[0]?.measure ?? ALWAYS);
    } catch (fault) {
      if (!this.stopped) refill(this.element, el("div", { class: "empty" }, el("h1", {}, "These conditions cannot be shown"), el("p", {}, fault.message), el("p", {}, el("a", { href: "/" }, "All runs"))));
    }
  }

  stop() {
    this.stopped = true;
    this.undrawn();
    this.chart?.stop();
  }

  /** Asks until all runs are in it; a newer question ends an older one. */
  async #read() {
    const asked = (this.asked = {});
    let found;
    do {
      found = await get("/api/conditions", this.query);
      if (this.stopped || this.asked !== asked) return;
      this.found = found;
      this.#draw();
    } while (found.unread);
  }

  /** Its runs as files, for the command and the Python line; of the measures that which differs most. */
  async #command(measure) {
    const { runs } = await get("/api/runs");
    const shown = new Set(this.found.conditions.flatMap((each) => each.runs));
    const paths = runs.filter((row) => shown.has(row.run)).map((row) => row.path);
    if (!this.stopped) refill(this.code, codeOfConditions(this.query.study, paths, measure));
  }

  #draw() {
    const { conditions, unread, turns } = this.found;
    const runs = conditions.reduce((sum, each) => sum + each.runs.length, 0);
    refill(this.progress, `${many(conditions.length, "condition")}, n = ${many(runs, "run")}; a run is one observation, forks are left out.`, unread ? ` ${many(unread, "run")} still to be read.` : "");
    this.#tools();
    const lines = [];
    const bands = [];
    conditions.forEach((each, at) => {
      const { colour, dash } = styleOf(at);
      lines.push({ words: nameOf(each), colour, dash, values: each.mean });
      lines.push({ end: `${nameOf(each)}: 95 % from`, colour, faint: true, values: each.low }, { end: `${nameOf(each)}: 95 % to`, colour, faint: true, values: each.high });
      bands.push({ series: [lines.length, lines.length - 1], fill: `${colour}2e` });
      for (const line of each.lines) lines.push({ words: "", colour, faint: true, values: line });
    });
    this.chart?.stop();
    const range = this.found.category ? [0, 1] : undefined; // a share; an interval may reach beyond, as the table tells
    this.chart = new Chart({ title: this.#title(), range, note: "thick: mean over the runs of a condition that were still going, with its 95 % interval (t), cut off where it is wider than the lines lie; faint: single runs. A click fixes the turn of the table.", turns, lines, bands, seek: (turn) => { this.at = turn; this.#values(); } });
    const open = this.holder.querySelector("details")?.open ?? false;
    refill(this.holder, this.chart.element);
    this.holder.querySelector("details").open = open;
    this.chart.draw();
    this.#values();
  }

  #title() {
    const { of, category } = this.found;
    const what = WORDS[of] ?? `answers to ${of}`;
    return category ? `Share of agents: ${category} (${what})` : of in WORDS && of !== "said" ? what[0].toUpperCase() + what.slice(1) : `Mean over agents: ${what}`;
  }

  #tools() {
    const { of, shown, category, categories } = this.found;
    const pick = (label, values, now, words, name) => { const made = el("select", { "aria-label": label, onchange: () => { this.query[name] = made.value; if (name === "of") this.query.category = ""; note({ of: this.query.of, category: this.query.category }); this.#read().catch((fault) => { if (!this.stopped) refill(this.progress, fault.message, ". ", fault.remedy); }); } }, values.map((value) => el("option", { value, selected: value === now }, words(value)))); return el("label", {}, `${label} `, made); };
    const focused = this.chosen.contains(document.activeElement) ? document.activeElement.getAttribute("aria-label") : null;
    refill(this.chosen, pick("Show", shown, of, (value) => WORDS[value] ?? `answers to ${value}`, "of"), categories.length ? pick("Stated", categories, category, (value) => value, "category") : null);
    if (focused) this.chosen.querySelector(`[aria-label="${focused}"]`)?.focus();
  }

  /** The numbers of a turn, by condition. */
  #values() {
    const { conditions, turns } = this.found;
    const place = this.at === undefined ? turns.length - 1 : Math.max(0, turns.findLastIndex((turn) => turn <= this.at));
    const cell = (value) => el("td", { class: "number" }, short(value));
    const head = ["Condition", "Mean", "95 % from", "to", "n", "Runs"];
    const rows = conditions.map((each, at) => el("tr", {}, el("th", { scope: "row" }, swatch(styleOf(at)), " ", nameOf(each)), cell(each.mean[place]), cell(each.low[place]), cell(each.high[place]), el("td", { class: "number" }, count(each.count[place])),
      el("td", { class: "some" }, each.runs.slice(0, 12).map((run, number) => [el("a", { href: toRun(run), title: run }, `${number + 1}`), " "]), each.runs.length > 12 ? `and ${count(each.runs.length - 12)} more` : "")));
    const [one, other] = conditions;
    const beside = one?.runs[0] && other?.runs[0] ? el("p", {}, el("a", { href: to("/compare", { a: one.runs[0], b: other.runs[0] }) }, `Two transcripts beside each other: the first run of ${nameOf(one)} and of ${nameOf(other)}`)) : null;
    const region = el("div", { class: "wide", tabindex: "0", role: "region", "aria-label": "Numbers by condition" }, el("table", {}, el("caption", { class: "unseen" }, "Conditions"), el("thead", {}, el("tr", {}, head.map((words, at) => el("th", { scope: "col", class: at && at < 5 ? "number" : null }, words)))), el("tbody", {}, rows)));
    refill(this.table, el("h2", {}, `At turn ${count(turns[place] ?? 0)}`), region, beside);
  }

  /** What `gss measure` says, by condition; what differs most comes first. */
  async #measured() {
    let found;
    do {
      found = await get("/api/conditions/measures", { study: this.query.study });
      if (this.stopped) return null;
      this.#drawMeasured(found);
    } while (found.unread);
    return found;
  }

  #drawMeasured({ conditions, measures, left_out: left, unread }) {
    const value = (each) => el("td", { class: "number" }, each.mean === null ? "–" : short(each.mean), each.low === null ? null : el("small", {}, ` ${short(each.low)} to ${short(each.high)}`), el("small", {}, ` n ${each.count}`));
    const rows = measures.map((each) => el("tr", { class: each.apart >= APART ? "apart" : null }, el("th", { scope: "row", title: each.about }, each.measure, each.of ? el("small", {}, ` of ${each.of}`) : null, each.unit ? el("small", { class: "unit" }, each.unit) : null), el("td", { class: "number" }, each.apart === null ? "–" : short(Number(each.apart.toPrecision(2)))), each.values.map(value)));
    const words = [left ? `${many(left, "run")} too long to be measured while you wait are left out. ` : "", unread ? `${many(unread, "run")} still to be measured.` : ""];
    fill(refill(this.known, el("h2", {}, "Measures of whole runs, what differs most first"), el("p", { class: "note" }, "Mean with 95 % interval (t) over n runs; “apart”: largest less smallest mean, in standard deviations within conditions. No test: gss compare has those. ", words)),
      rows.length ? el("div", { class: "wide", tabindex: "0", role: "region", "aria-label": "Measures by condition" }, el("table", {}, el("caption", { class: "unseen" }, "Measures by condition"), el("thead", {}, el("tr", {}, el("th", { scope: "col" }, "Measure"), el("th", { scope: "col", class: "number" }, "Apart"), conditions.map((name) => el("th", { scope: "col", class: "number" }, name || "no conditions")))), el("tbody", {}, rows))) : null);
  }
}

const nameOf = (each) => each.condition || "no conditions";
export const styleOf = (at) => ({ colour: NAMED[at % NAMED.length], dash: DASHES[Math.floor(at / NAMED.length + at) % DASHES.length] });

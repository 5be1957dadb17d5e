// Two runs beside each other: what differs first in their studies, then what was said from where they part.
import { to, toRun } from "/static/address.js";
import { codeOfTwo } from "/static/code.js";
import { known } from "/static/colours.js";
import { el, fill, refill } from "/static/dom.js";
import { Newest } from "/static/newest.js";
import { rowOf } from "/static/row.js";
import { progressOf, stateOf } from "/static/runs.js";
import { get, ofRun } from "/static/server.js";
import { count, many } from "/static/words.js";

const BEFORE = 6; // turns in common that are shown
const AT_ONCE = 40; // turns that are shown after

export class CompareView {
  constructor({ a, b }) {
    this.runs = [a, b];
    this.turns = AT_ONCE;
    this.asking = new Newest();
    this.element = el("div", { class: "pane compare", tabindex: "0", role: "region", "aria-label": "Two runs" }, el("p", { class: "empty" }, "comparing…"));
  }

  async begin() {
    document.title = "Two runs · genai-social-sim";
    try {
      if (!this.runs[0] || !this.runs[1]) throw Object.assign(new Error("Choose two runs in the list"), { remedy: "" });
      const [a, b] = this.runs;
      const [found, rows, societies] = await Promise.all([
        get("/api/compare", { a, b }), Promise.all(this.runs.map((run) => get(ofRun(run)))), Promise.all(this.runs.map((run) => get(ofRun(run, "society"))))]);
      if (this.stopped) return; // somebody went on: colours are another view's now
      this.found = found;
      this.rows = rows;
      this.people = societies.map((society) => new Map(society.agents.map((agent) => [agent.name, agent])));
      known([...this.people[0].keys()]);
      await this.#draw();
    } catch (fault) {
      refill(this.element, el("div", { class: "empty" }, el("h1", {}, "These runs cannot be compared"), el("p", {}, fault.message), el("p", {}, el("a", { href: "/" }, "All runs"))));
    }
  }

  stop() {
    this.stopped = true;
    this.asking.forget();
  }

  async #draw() {
    const { found } = this;
    const isNewest = this.asking.ask();
    const columns = await Promise.all([0, 1].map((which) => this.#said(which)));
    if (!isNewest()) return;
    const more = el("button", { type: "button", onclick: () => { this.turns += 3 * AT_ONCE; this.#draw().catch((fault) => refill(more, fault.message)); } }, "Show more turns");
    refill(this.element,
      el("h1", {}, "Two runs"), el("p", { class: "verdict" }, this.#verdict()),
      el("p", {}, el("a", { href: to("/compare", { a: this.runs[1], b: this.runs[0] }) }, "the other way round")), codeOfTwo(this.rows),
      this.#settings(), this.#columns(columns), found.same ? null : more);
  }

  #verdict() {
    const { same, shared, turn, seq_a: a, seq_b: b } = this.found;
    if (same) return `All that happened is the same: ${many(shared || this.rows[0].turns, shared ? "event" : "turn")}, digest ${this.rows[0].digest.slice(0, 12)}.`;
    const where = turn === null ? "before the first turn" : `at turn ${count(turn)}`;
    if (a === null || b === null) return `The same for ${many(shared, "event")}; then one of them has ended, ${where}.`;
    return `The same for ${many(shared, "event")}; they part ${where}.`;
  }

  #settings() {
    const { settings, seeds } = this.found;
    const rows = [...(seeds[0] === seeds[1] ? [] : [{ path: "seed", a: seeds[0], b: seeds[1] }]), ...settings];
    if (!rows.length) return el("p", { class: "note" }, "Their studies and seeds are the same.");
    const words = (value) => (value === null || value === undefined ? "–" : typeof value === "string" ? value : JSON.stringify(value));
    return el("section", { class: "block" }, el("h2", {}, "What was set differently"), el("div", { class: "wide", tabindex: "0", role: "region", "aria-label": "Settings" }, el("table", { class: "settings" }, el("caption", { class: "unseen" }, "Settings that differ"),
      el("thead", {}, el("tr", {}, ["Setting", "left", "right"].map((each) => el("th", { scope: "col" }, each)))), el("tbody", {}, rows.map((row) => el("tr", {}, el("th", { scope: "row" }, el("code", {}, row.path)), el("td", {}, words(row.a)), el("td", {}, words(row.b))))))));
  }

  #columns(columns) {
    return el("section", { class: "sides block", "aria-label": "What was said" }, [0, 1].map((which) => {
      const row = this.rows[which];
      const name = [row.study, row.condition, row.condition ? `replicate ${row.replicate}` : "", `seed ${row.seed}`].filter(Boolean).join(" · ");
      return el("div", {}, el("h2", {}, el("a", { href: toRun(row.run) }, name)), el("p", { class: "note" }, stateOf(row), " ", progressOf(row), " turns ", row.parent ? `· fork of ${row.parent.run || "a run"} at turn ${row.parent.at_turn}` : ""), columns[which]);
    }));
  }

  async #said(which) {
    const run = this.runs[which];
    const parts = this.found.turn ?? 0;
    const from = Math.max(0, parts - BEFORE);
    const seq = parts > BEFORE ? (await get(ofRun(run, "place"), { turn: from })).seq : 0;
    const list = el("div", { class: "rows" });
    if (seq === null) return list;
    const { items } = await get(ofRun(run, "history"), { after: seq - 1, limit: Math.min(5000, 8 * (this.turns + BEFORE)) });
    const at = which ? this.found.seq_b : this.found.seq_a;
    for (const item of items) {
      if (item.turn > parts + this.turns || /^session_/.test(item.kind)) continue;
      if (item.seq === at) list.append(el("p", { class: "parting" }, "here they part"));
      const row = rowOf(item, { run, people: this.people[which], channels: this.rows[which].channels.length });
      list.append(row);
    }
    return fill(list);
  }
}

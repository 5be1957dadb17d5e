// A run: its head, its views, and the one scrubber that moves all of them.
import { asked, note, to, toRun } from "/static/address.js";
import { asCode } from "/static/code.js";
import { known } from "/static/colours.js";
import { copying, el, fill, forkSign, refill } from "/static/dom.js";
import { isLively } from "/static/log.js";
import { progressOf, stateOf } from "/static/runs.js";
import { get, ofRun } from "/static/server.js";
import { count, span } from "/static/words.js";

const STALLED_S = 20;
const DOUBTFUL_S = 60;
const VIEWS = { conversation: "Conversation", network: "Network", measures: "Measures", health: "Health", forum: "Forum", forks: "Forks" };
const SOMETIMES = new Set(["forum", "forks"]); // shown where there is something to see
const MODULES = {
  conversation: async () => (await import("/static/conversation.js")).Conversation,
  network: async () => (await import("/static/network.js")).NetworkView,
  measures: async () => (await import("/static/measures.js")).MeasuresView,
  health: async () => (await import("/static/health.js")).HealthView,
  forum: async () => (await import("/static/forum.js")).ForumView,
  forks: async () => (await import("/static/forks.js")).ForksView,
};

export class RunView {
  constructor(run) {
    this.run = run;
    this.people = new Map();
    this.offered = new Set();
    this.head = el("div", { class: "run-head" });
    this.stall = el("p", { class: "stall", role: "status", hidden: true });
    this.holder = el("div", { class: "holder" });
    this.kin = el("p", { class: "kin", hidden: true });
    this.scrubber = el("input", { type: "range", min: 0, max: 0, value: 0, "aria-label": "Turn", disabled: true });
    this.scrubbed = el("output", {}, "");
    this.foot = el("footer", { class: "scrub" }, this.scrubber, this.scrubbed);
    this.element = el("div", { class: "run" }, this.head, this.kin, this.stall, this.holder, this.foot);
    this.scrubber.addEventListener("input", () => this.#scrub());
    this.scrubber.addEventListener("keydown", (event) => { if (event.key === "PageUp" || event.key === "PageDown") { event.preventDefault(); this.#byRound(event.key === "PageUp" ? 1 : -1); } });
    const step = (sign, words, by) => el("button", { type: "button", class: "quiet", "aria-label": words, title: words, onclick: () => this.#byRound(by) }, sign);
    this.foot.prepend(step("‹", "A round back", -1), step("›", "A round on", 1));
  }

  async begin() {
    try {
      const [row, society] = await Promise.all([get(ofRun(this.run)), get(ofRun(this.run, "society"))]);
      if (this.stopped) return; // somebody went on: title and colours are another run's now
      if (row.problem) throw Object.assign(new Error(row.problem), { remedy: "" });
      this.row = row;
      this.society = society;
      for (const agent of society.agents) this.people.set(agent.name, agent);
      known([...this.people.keys()]);
      if (society.channels.some((channel) => channel.protocol === "forum")) this.offered.add("forum");
    } catch (fault) {
      refill(this.element, el("div", { class: "empty" }, el("h1", {}, "This run cannot be shown"), el("p", {}, fault.message), fault.remedy && el("p", {}, fault.remedy), el("p", {}, el("a", { href: "/" }, "All runs"))));
      return;
    }
    document.title = `${this.row.study || this.run} · genai-social-sim`;
    this.now = { ...this.row };
    this.#scrubbable(this.row.turns);
    await this.addressed();
    if (this.stopped) return;
    this.#drawKin();
    this.watching = setInterval(() => this.#watch(), 1000);
  }

  /** The address has changed within this run. */
  async addressed() {
    if (!this.row) return; // it is on its way
    try {
      await this.#show(asked().view in VIEWS ? asked().view : "conversation");
    } catch (fault) {
      if (!this.stopped) this.trouble(fault);
    }
  }

  async #show(view) {
    if (SOMETIMES.has(view)) this.offered.add(view);
    if (this.view && this.shown === view) {
      await this.view.turned?.(asked().turn, asked().query);
      this.#drawHead();
      return;
    }
    this.view?.stop();
    this.view = null;
    this.shown = view;
    this.#drawHead();
    const View = await MODULES[view]();
    if (this.view || this.shown !== view || this.stopped) return; // somebody went on while it was on its way
    const { turn, query } = asked(); // also where the scrubber was moved to meanwhile
    this.view = new View(this);
    refill(this.holder, this.view.element);
    await this.view.begin(turn, query);
  }

  stop() {
    this.stopped = true;
    clearInterval(this.watching);
    this.view?.stop();
  }

  /** Somebody has gone to a turn, or to the newest for null. */
  wander(turn) {
    note({ at: turn ?? "" });
    this.#drawHead();
  }

  /** Goes on with the newest turn. */
  follow() {
    note({ at: "" });
    return this.view?.follow?.();
  }

  step(by) {
    this.view?.step?.(by);
  }

  /** A log has news. */
  news(log) {
    this.now = { ...this.now, status: log.status, turns: log.turns, seq: log.seq, digest: log.digest, last: Math.max(log.lastAt, this.now.last ?? 0) };
    this.ahead = log.ahead;
    this.#scrubbable(log.turns);
    this.#drawHead();
  }

  /** Takes the run's row, for views that read no log. */
  async look() {
    const row = await get(ofRun(this.run));
    this.news({ ...row, lastAt: row.last ?? 0, ahead: 0 });
  }

  /** While the run goes on, a view that is at the newest turn goes on with it, unless it is `busy`. */
  async goOn(view, busy = () => false) {
    while (!view.stopped && isLively(this.now.status)) {
      await new Promise((resolve) => setTimeout(resolve, 1000));
      if (view.stopped) return;
      try {
        const at = view.turn;
        const live = at >= this.now.turns;
        await this.look();
        if (live && view.turn === at && !view.stopped && !busy()) await view.seek(this.now.turns);
      } catch (fault) {
        if (!view.stopped) this.trouble(fault);
      }
    }
  }

  /** The run that it was forked from and those that were forked from it, each beside it from where they part. */
  async #drawKin() {
    const { members } = await get(ofRun(this.run, "family")).catch(() => ({ members: [] }));
    const self = members.findIndex((row) => row.run === this.run);
    const { parent } = this.row;
    const found = parent && members[members[self]?.parent]?.run ? members[members[self].parent] : null;
    const forks = members.filter((row) => row.run && row.parent === self);
    if (members.length > 1) this.offer("forks");
    const beside = (row, words) => el("a", { href: to("/compare", { a: this.run, b: row.run }) }, words);
    const parts = [];
    if (parent) parts.push(forkSign(), ` fork of ${parent.run || "a run"} at turn ${count(parent.at_turn)}${parent.changes.length ? ` (${parent.changes.join("; ")})` : ""} `, found && beside(found, "beside it"));
    if (forks.length) parts.push(parent ? " · " : "", forkSign(), " forks: ", forks.slice(0, 12).map((row) => [beside(row, `at turn ${count(row.at_turn)}`), " "]), forks.length > 12 && `and ${count(forks.length - 12)} more`);
    this.kin.hidden = !parts.length;
    fill(refill(this.kin), parts);
  }

  /** There is something to see in a view that is not always there. */
  offer(view) {
    if (this.offered.has(view)) return;
    this.offered.add(view);
    this.#drawHead();
  }

  #scrubbable(turns) {
    this.scrubber.max = Math.max(turns, 1);
    this.scrubber.disabled = !turns;
  }

  /** A view shows what was so at a turn; `live`: at the newest. */
  at(turn, live) {
    if (document.activeElement !== this.scrubber || live) this.scrubber.value = turn;
    const whole = this.society?.round_turns;
    const round = whole ? ` · round ${count(Math.min(Math.floor(Number(turn) / whole), Math.floor(Math.max(0, this.now.turns - 1) / whole)))}` : "";
    const words = live && isLively(this.now.status) ? `live · turn ${count(this.now.turns)}${round}` : `turn ${count(Number(turn))} of ${count(this.now.turns)}${round}`;
    if (this.scrubbed.textContent !== words) refill(this.scrubbed, words);
    this.scrubber.setAttribute("aria-valuetext", words);
  }

  /** To where a round begins. */
  #byRound(by) {
    const whole = this.society?.round_turns ?? 1;
    const now = Number(this.scrubber.value);
    const round = by > 0 ? Math.floor(now / whole) + 1 : Math.ceil(now / whole) - 1;
    this.scrubber.value = Math.min(Math.max(0, round * whole), this.now.turns);
    this.#scrub();
  }

  #scrub() {
    const turn = Number(this.scrubber.value);
    const live = turn >= this.now.turns;
    note({ at: live ? "" : turn });
    cancelAnimationFrame(this.frame);
    this.frame = requestAnimationFrame(() => this.#to(turn, live));
    this.at(turn, live);
  }

  async #to(turn, live) {
    try {
      await (live && this.view?.follow ? this.view.follow() : this.view?.seek?.(turn));
    } catch (fault) {
      this.trouble(fault);
    }
  }

  trouble(fault) {
    this.stall.hidden = false;
    refill(this.stall, fault.message, fault.remedy ? `. ${fault.remedy}` : "");
    this.troubled = true;
  }

  #drawHead() {
    const now = this.now;
    const stamp = JSON.stringify([now.status, now.turns, now.digest, this.shown, [...this.offered], location.href]);
    if (stamp === this.stamp) return;
    this.stamp = stamp;
    if (this.troubled) { this.troubled = false; this.stall.hidden = true; }
    const { query } = asked();
    const kept = { at: query.at };
    const design = [now.condition, now.condition ? `replicate ${now.replicate}` : "", `seed ${now.seed}`].filter(Boolean).join(" · ");
    const code = this.head.querySelector("details.menu[open]");
    if (code) return this.#freshen();
    refill(this.head,
      el("div", { class: "title" }, el("h1", {}, now.study || now.file), el("span", { class: "design" }, design), el("span", { class: "live-state" }, stateOf(now), el("span", { class: "turns" }, progressOf(now), " turns")),
        el("span", { class: "digest" }, el("code", { title: `digest ${now.digest}` }, now.digest.slice(0, 12)), copying("copy", () => now.digest, "the whole digest"))),
      el("nav", { class: "views", "aria-label": "Views of the run" },
        Object.entries(VIEWS).filter(([view]) => !SOMETIMES.has(view) || this.offered.has(view)).map(([view, words]) => el("a", { href: toRun(this.run, view === "conversation" ? "" : view, kept), "aria-current": view === this.shown ? "page" : null }, words)),
        el("details", { class: "menu" }, el("summary", {}, "As code"), el("div", {}, asCode(this.run, now, this.shown)))));
  }

  #freshen() {
    refill(this.head.querySelector(".live-state"), stateOf(this.now), el("span", { class: "turns" }, progressOf(this.now), " turns"));
  }

  /** A stall speaks. */
  async #watch() {
    const now = Date.now() / 1000 + (this.ahead ?? 0);
    const quiet = now - (this.now.last ?? now);
    if (this.troubled) return;
    if (!isLively(this.now.status) || quiet < STALLED_S) { this.stall.hidden = true; this.waiting = null; return; }
    if (!this.waiting || now - this.askedAt > 10) {
      this.askedAt = now;
      this.waiting = await get(ofRun(this.run, "health")).catch(() => null);
    }
    const waits = this.waiting?.waits_for ?? 0;
    const whom = [...new Set((this.waiting?.waiting ?? []).map((each) => each.backend).filter(Boolean))].join(", ");
    const words = `nothing new for ${span(quiet)}${waits ? `; ${count(waits)} ${waits === 1 ? "call waits" : "calls wait"}${whom && ` for ${whom}`}` : ""}. `;
    this.stall.hidden = false;
    fill(refill(this.stall, words), quiet > DOUBTFUL_S && [el("code", {}, "gss doctor"), " says what works on this machine. "], el("a", { href: toRun(this.run, "health") }, "What it waits for"));
  }
}

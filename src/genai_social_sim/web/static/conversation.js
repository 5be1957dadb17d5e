// The conversation of a run: the feed with its filter, search and pill, and beside it what a turn was made of.
import { asked, go, note, toRun } from "/static/address.js";
import { announce, el, fill, refill } from "/static/dom.js";
import { Feed } from "/static/feed.js";
import { Log } from "/static/log.js";
import { Newest } from "/static/newest.js";
import { isSaid, rowOf } from "/static/row.js";
import { get, ofRun } from "/static/server.js";
import { Turn } from "/static/turn.js";
import { count, many, moment } from "/static/words.js";

const WANDERED_MS = 200; // without a further scroll

const KINDS = {
  said: ["what is said", isSaid],
  silences: ["silences", (item) => item.kind === "fell_silent"],
  asides: ["probes", (item) => item.kind === "probed"],
  powers: ["powers of roles", (item) => item.kind === "exercised"],
  memories: ["memories", (item) => item.kind === "remembered"],
  changes: ["interventions", (item) => item.kind === "intervened" && item.text === undefined],
  trouble: ["failed attempts and notices", (item) => ["attempt_failed", "noticed", "unreadable"].includes(item.kind)],
  process: ["beginning and end", (item) => /^(run|session)_/.test(item.kind)],
};

export class Conversation {
  constructor(shell) {
    this.shell = shell;
    this.run = shell.run;
    this.seeking = new Newest();
    this.searching = new Newest();
    this.place = null; // the turn that was asked for
    this.hidden = new Set((asked().query.without ?? "").split(" ").filter((kind) => kind in KINDS));
    this.turn = new Turn(this.run, shell.row.path, () => this.close());
    this.scroller = el("div", { class: "scroller", tabindex: "0", role: "region", "aria-label": "Conversation" },
      el("div", { class: "above" }), el("div", { class: "rows" }), el("div", { class: "below" }));
    this.pill = el("button", { type: "button", class: "pill", hidden: true, onclick: () => shell.follow() });
    this.stage = el("div", { class: "stage" }, this.scroller, this.pill);
    this.found = el("div", { class: "found", hidden: true });
    this.element = el("div", { class: "conversation" },
      el("section", { class: "talk", "aria-label": "What was said" }, this.#tools(), this.found,
        this.stage),
      this.turn.element);
    this.feed = new Feed(this.scroller, this.#log(), {
      rowOf: (item) => rowOf(item, { run: this.run, people: shell.people, channels: shell.row.channels.length }),
      shows: (item) => this.#shows(item),
      placed: () => this.#placed(),
    });
    this.#listen();
  }

  /** Begins; `at` is a turn to begin at, if any. */
  async begin(at, query) {
    this.log.follow();
    if (at !== null) this.turn.show(at, query);
    if (query.q) this.#search(query.q);
    await this.log.fetch(0);
    if (this.stopped) return;
    const wanted = at ?? (query.at === undefined ? null : Number(query.at));
    if (!this.sought && wanted !== null) await this.seek(wanted);
    else if (!this.sought && this.log.status === "finished") await this.feed.show(0);
  }

  /** The address has changed to another turn of the same run. */
  async turned(at, query) {
    this.sought = true;
    const isNewest = this.seeking.ask();
    if (at === null) { this.turn.hide(); this.#mark(null); return; }
    await this.turn.show(at, query);
    if (!isNewest()) return;
    const row = this.rows().find((each) => Number(each.dataset.turn) === at);
    if (!row) await this.seek(at); else this.#mark(at);
  }

  /** Brings a turn into sight. */
  async seek(turn) {
    this.sought = true; // somebody was quicker than the first answer
    this.place = turn;
    const isNewest = this.seeking.ask();
    const { seq } = await get(ofRun(this.run, "place"), { turn });
    if (seq === null || !isNewest()) return;
    await this.feed.show(seq);
    if (isNewest()) this.#mark(turn);
  }

  stop() {
    this.stopped = true;
    this.seeking.forget();
    this.searching.forget();
    this.log.stop();
    this.feed.stop();
  }

  follow() {
    this.seeking.forget();
    this.sought = true;
    this.feed.follow();
    this.turnsSeen = this.log.turns;
    announce("following the newest");
  }

  #log() {
    const log = new Log(this.run, { channel: asked().query.channel ?? "", channels: this.shell.row.channels.length });
    log.changed = () => this.#news();
    log.failed = (fault) => this.shell.trouble(fault);
    this.log = log;
    return log;
  }

  #tools() {
    const channels = this.shell.row.channels;
    const pick = el("select", { "aria-label": "Channel", onchange: () => { note({ channel: pick.value }); this.log.stop(); this.feed.renew(this.#log()); this.log.follow(); this.follow(); } },
      el("option", { value: "" }, channels.length > 1 ? `all ${channels.length} channels` : channels[0] ?? "no channel"),
      channels.length > 1 && channels.map((name) => el("option", { value: name, selected: name === asked().query.channel }, name)));
    this.search = el("input", { type: "search", placeholder: "Search", "aria-label": "Search what was said", value: asked().query.q ?? null });
    const searching = el("form", { role: "search", onsubmit: (event) => { event.preventDefault(); this.#search(this.search.value.trim()); } }, this.search);
    const jump = el("input", { type: "number", min: 0, placeholder: "turn", "aria-label": "Go to turn" });
    const jumping = el("form", { onsubmit: (event) => { event.preventDefault(); if (jump.value !== "") go(toRun(this.run, `turns/${Number(jump.value)}`, this.#kept())); } }, jump);
    return el("div", { class: "tools" }, channels.length > 1 ? pick : null, searching, jumping, this.#shownMenu());
  }

  #shownMenu() {
    const boxes = Object.entries(KINDS).map(([kind, [words]]) => {
      const box = el("input", { type: "checkbox", checked: !this.hidden.has(kind), onchange: () => {
        if (box.checked) this.hidden.delete(kind); else this.hidden.add(kind);
        note({ without: [...this.hidden].join(" ") });
        this.feed.renew();
      } });
      return el("label", {}, box, words);
    });
    return el("details", { class: "menu" }, el("summary", {}, "Show"), el("div", {}, boxes));
  }

  #shows(item) {
    return !Object.entries(KINDS).some(([kind, [, is]]) => this.hidden.has(kind) && is(item));
  }

  #kept() {
    const { channel, q, without } = asked().query;
    return { channel, q, without };
  }

  #news() {
    this.shell.news(this.log);
    this.feed.news();
    this.#unread();
  }

  #placed() {
    if (this.stopped) return; // the scrubber is another view's
    this.#mark(this.turn.number);
    const first = [...this.feed.drawn.values()].find((row) => row.dataset.turn !== undefined && row.offsetTop + row.offsetHeight > this.scroller.scrollTop);
    const meant = [this.turn.number, this.place].find((turn) => turn !== null && this.#inSight(turn));
    const at = this.feed.following ? this.log.turns : meant ?? Number(first?.dataset.turn ?? 0);
    this.shell.at(at, this.feed.following);
    if (this.feed.byHand) this.#wandered(at);
    this.#unread();
  }

  /** Other views begin where somebody has scrolled to. */
  #wandered(at) {
    clearTimeout(this.wandering); // a browser takes only so many notes at a time
    this.wandering = setTimeout(() => { if (!this.stopped) this.shell.wander(this.feed.following ? null : at); }, WANDERED_MS);
  }

  #inSight(turn) {
    const row = this.rows().find((each) => Number(each.dataset.turn) === turn);
    const top = (row?.offsetTop ?? -Infinity) - this.scroller.scrollTop;
    return top >= 0 && top < this.scroller.clientHeight;
  }

  /** How much has come since somebody began to read. */
  #unread() {
    const reading = this.feed.held || !this.feed.following;
    if (!reading) this.turnsSeen = this.log.turns;
    const unread = this.log.turns - (this.turnsSeen ?? this.log.turns);
    this.pill.hidden = !reading || !(this.log.status.startsWith("running") || unread > 0);
    if (this.pill.hidden) return;
    const why = this.feed.following ? "paused while you read" : "to the newest";
    const words = unread > 0 ? `${count(unread)} new, ${why} ↓` : `${why} ↓`;
    if (this.pill.textContent !== words) this.pill.textContent = words;
  }

  #listen() {
    const hold = () => { if (!this.feed.held) { this.feed.held = true; this.turnsSeen = this.log.turns; } };
    const release = () => {
      if (this.stage.matches(":hover") || this.scroller.contains(document.activeElement)) return;
      this.feed.held = false;
      this.feed.draw();
    };
    this.stage.addEventListener("pointerenter", hold);
    this.stage.addEventListener("pointerleave", release);
    this.stage.addEventListener("focusin", hold);
    this.stage.addEventListener("focusout", () => setTimeout(release));
    this.scroller.addEventListener("click", (event) => this.#clicked(event));
  }

  #clicked(event) {
    const row = event.target.closest("article");
    if (!row || event.target.closest("a") || String(getSelection())) return;
    this.open(row);
  }

  /** Opens what a row was made of. */
  open(row) {
    const link = row?.querySelector("a.turn");
    if (!link) return;
    const url = new URL(link.href);
    const query = { ...this.#kept(), ...Object.fromEntries(url.searchParams) };
    go(url.pathname + (Object.values(query).some(Boolean) ? `?${new URLSearchParams(Object.entries(query).filter(([, each]) => each))}` : ""));
  }

  close() {
    go(toRun(this.run, "", this.#kept()));
    this.rows().find((row) => row.classList.contains("open"))?.focus();
  }

  rows() {
    return [...this.feed.drawn.values()];
  }

  #mark(turn) {
    for (const row of this.feed.drawn.values()) row.classList.toggle("open", turn !== null && Number(row.dataset.turn) === turn && row.dataset.turn !== undefined);
  }

  /** The keyboard: one row on or back. */
  step(by) {
    const rows = this.rows();
    const now = rows.findIndex((row) => row === document.activeElement);
    const open = rows.findIndex((row) => row.classList.contains("open"));
    const seen = rows.findIndex((row) => row.offsetTop >= this.scroller.scrollTop);
    const from = now >= 0 ? now : open >= 0 ? open : seen - by;
    const row = rows[Math.min(Math.max(from + by, 0), rows.length - 1)];
    if (!row) return;
    this.feed.following = false;
    row.focus({ preventScroll: true });
    const top = row.offsetTop - this.scroller.scrollTop;
    if (top < 40) this.scroller.scrollTop = row.offsetTop - 40;
    else if (top + row.offsetHeight > this.scroller.clientHeight - 40) this.scroller.scrollTop = row.offsetTop + row.offsetHeight - this.scroller.clientHeight + 40;
  }

  async #search(words) {
    const isNewest = this.searching.ask();
    note({ q: words });
    this.found.hidden = !words;
    if (!words) return;
    refill(this.found, el("p", { role: "status" }, "searching…"));
    try {
      let after = -1;
      const items = [];
      let page;
      do {
        page = await get(ofRun(this.run, "search"), { q: words, after, limit: 200 });
        if (!isNewest()) return;
        items.push(...page.items);
        after = page.next;
      } while (after < page.seq && items.length < 200);
      this.#showFound(words, items, after < page.seq);
    } catch (fault) {
      if (isNewest()) refill(this.found, el("p", { role: "status" }, fault.message, ". ", fault.remedy));
    }
  }

  #showFound(words, items, more) {
    const close = el("button", { type: "button", class: "quiet", onclick: () => { this.search.value = ""; this.#search(""); } }, "close");
    const list = el("ol", {}, items.map((item) => el("li", {}, el("button", { type: "button", onclick: () => this.#toFound(item) },
      el("b", {}, item.agent ?? ""), " ", ...around(item.text ?? "", words),
      el("small", { title: moment(item.at) }, item.kind === "probed" ? "aside" : item.turn === undefined || item.turn === null ? "" : `turn ${item.turn}`)))));
    const howMany = items.length ? `${many(items.length, "place")}${more ? " and more" : ""}` : "nothing";
    fill(refill(this.found, el("p", { role: "status" }, `${howMany} with “${words}”`, close)), list);
    announce(howMany);
  }

  async #toFound(item) {
    const row = await this.feed.show(item.seq);
    row?.focus({ preventScroll: true });
    row?.classList.add("flash");
  }
}

/** The words with what is before and after them. */
function around(text, words) {
  const at = text.toLowerCase().indexOf(words.toLowerCase());
  if (at < 0) return [text.slice(0, 160)];
  const from = Math.max(0, at - 50);
  return [from ? "…" : "", text.slice(from, at), el("mark", {}, text.slice(at, at + words.length)), text.slice(at + words.length, at + 120)];
}

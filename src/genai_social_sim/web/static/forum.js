// A forum as threads: replies below what they reply to, with the votes that stood before the turn that is looked at.
import { asked, note, toRun } from "/static/address.js";
import { hueOf, initials } from "/static/colours.js";
import { el, refill } from "/static/dom.js";
import { get, ofRun } from "/static/server.js";
import { CAUSES, count, many, moment } from "/static/words.js";

const AT_ONCE = 30; // threads
const ORDERS = { new: "newest first", old: "oldest first", top: "most votes first" };

export class ForumView {
  constructor(shell) {
    this.shell = shell;
    this.limit = AT_ONCE;
    this.list = el("ol", { class: "threads", "aria-label": "Threads" });
    this.summary = el("p", { class: "summary", role: "status" });
    this.more = el("button", { type: "button", hidden: true, onclick: () => { this.limit += AT_ONCE; this.seek(this.turn); } });
    this.tools = el("div", { class: "tools" });
    this.element = el("div", { class: "pane forum", tabindex: "0", role: "region", "aria-label": "Forum" }, this.tools, this.list, this.more);
  }

  async begin() {
    const { query } = asked();
    const forums = this.shell.society.channels.filter((channel) => channel.protocol === "forum").map((channel) => channel.name);
    this.channel = forums.includes(query.channel) ? query.channel : forums[0];
    this.order = query.order in ORDERS ? query.order : "new";
    const pick = forums.length > 1 && el("select", { "aria-label": "Forum", onchange: () => { this.channel = pick.value; note({ channel: pick.value }); this.seek(this.turn); } }, forums.map((name) => el("option", { value: name, selected: name === this.channel }, name)));
    const order = el("select", { "aria-label": "Order", onchange: () => { this.order = order.value; note({ order: this.order }); this.seek(this.turn); } }, Object.entries(ORDERS).map(([value, words]) => el("option", { value, selected: value === this.order }, words)));
    refill(this.tools, pick, order, this.summary);
    if (!this.channel) { refill(this.summary, "This run has no forum."); return; }
    await this.seek(query.at === undefined ? this.shell.now.turns : Number(query.at));
    this.shell.goOn(this, () => this.list.matches(":hover") || this.list.contains(document.activeElement));
  }

  stop() {
    this.stopped = true;
    this.asked = null;
  }

  follow() {
    return this.seek(this.shell.now.turns);
  }

  /** Shows the threads as they stood before a turn. */
  async seek(turn) {
    this.turn = turn;
    const wanted = (this.asked = {});
    const found = await get(ofRun(this.shell.run, "threads"), { channel: this.channel, turn, order: this.order, limit: Math.min(200, this.limit) }).catch((fault) => { if (this.asked === wanted) this.shell.trouble(fault); });
    if (!found || this.asked !== wanted) return;
    this.shell.at(turn, turn >= this.shell.now.turns);
    this.#draw(found);
  }

  #draw({ threads, posts }) {
    const shown = posts.filter((post) => post.parent === null);
    refill(this.summary, `${many(threads, "thread")} before turn ${count(this.turn)}${shown.length < threads ? `, ${count(shown.length)} shown` : ""}`);
    this.more.hidden = shown.length >= threads || this.limit >= 200;
    refill(this.more, "More threads");
    const at = new Map();
    const focused = document.activeElement?.closest?.("article[data-post]")?.dataset.post;
    this.list.replaceChildren();
    for (const post of posts) {
      const below = el("ol", { class: "replies" });
      const item = el("li", {}, this.#post(post), below);
      at.set(post.number, below);
      (post.parent === null ? this.list : at.get(post.parent) ?? this.list).append(item);
    }
    for (const below of at.values()) if (!below.firstChild) below.remove();
    if (focused) this.list.querySelector(`article[data-post="${focused}"]`)?.focus();
  }

  #post(post) {
    const votes = `${many(post.ups, "vote")} for it, ${many(post.downs, "vote")} against it`;
    const made = el("article", { class: "post", tabindex: "-1", hue: hueOf(post.author), "data-post": post.number, "aria-label": `#${post.number} by ${post.author}${post.parent === null ? "" : `, in reply to #${post.parent}`}, ${votes}` },
      el("span", { class: "mark", "aria-hidden": "true" }, initials(post.author)),
      el("div", { class: "body" },
        el("header", {}, el("b", { class: "who" }, post.author), el("small", {}, `#${post.number}${post.parent === null ? "" : ` to #${post.parent}`}`),
          el("span", { class: "votes", title: votes }, el("span", { "aria-hidden": "true" }, `▲ ${count(post.ups)} ▼ ${count(post.downs)}`)),
          post.stand_in && el("span", { class: "sign" }, `⇄ stand-in: ${CAUSES[post.stand_in] ?? post.stand_in}`),
          el("span", { class: "how" }, post.turn === null ? el("time", { title: moment(post.at) }, "from outside") : el("a", { class: "turn", href: toRun(this.shell.run, `turns/${post.turn}`), title: "exactly what the model was sent, and what it had read" }, `turn ${post.turn}`))),
        el("p", { class: "text" }, post.text)));
    return made;
  }

  /** The keyboard: one post on or back. */
  step(by) {
    const rows = [...this.list.querySelectorAll("article")];
    const now = rows.indexOf(document.activeElement);
    rows[Math.min(Math.max(now + by, 0), rows.length - 1)]?.focus();
  }

  open(row) {
    row.querySelector("a.turn")?.click();
  }
}

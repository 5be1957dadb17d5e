// The family of a run as a tree: each fork below the run that it comes from, on a common axis of turns.
import { to, toRun } from "/static/address.js";
import { el, refill, svg } from "/static/dom.js";
import { isLively } from "/static/log.js";
import { progressOf, stateOf } from "/static/runs.js";
import { get, ofRun } from "/static/server.js";
import { count, many } from "/static/words.js";

const ROW = 64; // pixels, as the style sheet has them
const WIDE = 300;
const LEFT = 10;

export class ForksView {
  constructor(shell) {
    this.shell = shell;
    this.element = el("div", { class: "pane forks", tabindex: "0", role: "region", "aria-label": "Forks" }, el("p", { class: "empty" }, "looking for forks…"));
  }

  async begin() {
    this.shell.at(this.shell.now.turns, true);
    while (!this.stopped) {
      let found;
      try {
        found = await get(ofRun(this.shell.run, "family"));
      } catch (fault) {
        if (!this.stopped) this.shell.trouble(fault);
      }
      if (this.stopped) return;
      if (found) this.#draw(found);
      const goesOn = !found || found.unread || found.members.some((row) => isLively(row.status));
      await new Promise((resolve) => setTimeout(resolve, goesOn ? 1500 : 4000));
    }
  }

  stop() {
    this.stopped = true;
  }

  #draw({ members, unread }) {
    const stamp = JSON.stringify([members, unread]);
    if (stamp === this.stamp) return;
    this.stamp = stamp;
    const focused = this.element.contains(document.activeElement) ? document.activeElement.getAttribute("href") : null;
    const forks = members.length - 1;
    refill(this.element, el("h2", {}, forks ? `${many(forks, "fork")} of ${members[0].name}` : "No forks"),
      el("p", { class: "note" }, forks ? "Each row is a run. Its line begins at the turn at which it parts from the run above it that it comes from; the length is in turns." : ["A fork goes on differently from a past turn: ", el("code", {}, "gss fork RUN --at TURN --say AGENT=TEXT")], unread ? ` ${many(unread, "file")} still to be looked at.` : ""),
      el("div", { class: "tree" }, picture(members, this.shell.run), el("ol", { class: "kinships", "aria-label": "Runs of this family" }, members.map((row) => this.#member(row, members)))));
    if (focused) [...this.element.querySelectorAll("a")].find((link) => link.getAttribute("href") === focused)?.focus();
  }

  #member(row, members) {
    const own = row.run === this.shell.run;
    const parent = row.parent === null ? null : members[row.parent];
    const change = row.changes.join("; ") || (row.resample ? `other chances, ${row.resample}` : "nothing changed");
    const words = parent ? `${"›".repeat(Math.min(row.depth, 6))} at turn ${count(row.at_turn)}: ${change}` : row.run ? "where all of them begin" : "its file is not in this folder";
    const from = parent ? el("span", { class: "unseen" }, `, fork of ${parent.name}`) : null;
    return el("li", { class: own ? "own" : null, "aria-current": own ? "true" : null },
      el("p", { class: "change", title: words }, words, from),
      el("p", { class: "facts" }, row.run ? el("a", { href: toRun(row.run) }, row.name) : el("b", {}, row.name), " ", row.run ? [stateOf(row), " ", el("span", {}, progressOf(row), " turns"), " "] : null,
        parent && parent.run ? el("a", { href: to("/compare", { a: parent.run, b: row.run }), title: `${row.name} and ${parent.name}` }, "beside its parent") : null));
  }

  /** The keyboard: one run on or back. */
  step(by) {
    const links = [...this.element.querySelectorAll(".facts > a:first-child")];
    const now = links.indexOf(document.activeElement);
    links[Math.min(Math.max(now + by, 0), links.length - 1)]?.focus();
  }
}

/** Lines on an axis of turns; the list beside it says the same in words. */
function picture(members, own) {
  const last = Math.max(1, ...members.map((row) => Math.max(row.turns, row.at_turn ?? 0)));
  const x = (turn) => LEFT + (turn / last) * (WIDE - 2 * LEFT);
  const y = (at) => at * ROW + ROW / 2;
  const parts = members.flatMap((row, at) => {
    const begins = row.at_turn ?? 0;
    const until = Math.max(row.turns, begins);
    const colour = row.run === own ? "own" : "";
    const stem = row.parent === null ? null : svg("path", { d: `M${x(begins)} ${y(row.parent)}V${y(at)}`, class: "stem" });
    const line = svg("path", { d: `M${x(begins)} ${y(at)}H${x(until)}`, class: `branch ${colour}${row.run ? "" : " away"}` });
    const from = row.parent === null ? null : svg("circle", { cx: x(begins), cy: y(row.parent), r: 4, class: "point" });
    const end = svg("circle", { cx: x(until), cy: y(at), r: 4.5, class: `end ${colour}` });
    return [stem, line, from, end].filter(Boolean);
  });
  return svg("svg", { width: WIDE, height: members.length * ROW, viewBox: `0 0 ${WIDE} ${members.length * ROW}`, class: "branches", "aria-hidden": "true" }, ...parts);
}

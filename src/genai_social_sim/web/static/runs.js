// The list of runs: every run file of the folder, with what is known of it.
import { asked, go, note, to, toRun } from "/static/address.js";
import { el, forkSign, refill } from "/static/dom.js";
import { get } from "/static/server.js";
import { ago, count, many, moment, short, span, standing } from "/static/words.js";

const AT_ONCE = 200; // rows; more are drawn when asked for
const FRESH_MS = 700; // what is new is seen within a second
const padded = (number) => String(number).padStart(6, "0");
const designed = (row) => `${row.study} ${padded(row.position ?? 0)} ${row.condition} ${padded(row.replicate)}`.toLowerCase();
const COLUMNS = {
  study: ["Study", designed],
  condition: ["Condition", (row) => `${padded(row.position ?? 0)} ${row.condition} ${designed(row)}`.toLowerCase()],
  replicate: ["Repl.", (row) => row.replicate],
  status: ["Status", (row) => row.status],
  turns: ["Turns", (row) => row.turns],
  agents: ["Agents", (row) => row.agents],
  models: ["Model", (row) => row.models.join(" ").toLowerCase()],
  tokens: ["Tokens", (row) => row.tokens ?? -1],
  cost: ["Cost", (row) => row.cost ?? -1],
  time: ["Time", (row) => (row.last ?? 0) - (row.began ?? 0)],
  last: ["Last event", (row) => row.last ?? 0],
  digest: ["Digest", (row) => row.digest],
};
const DOWN_FIRST = new Set(["turns", "agents", "tokens", "cost", "time", "last"]);

export class RunList {
  constructor() {
    const { q, sort, status, study } = asked().query;
    this.wanted = study ?? ""; // a study by its name
    this.sort = sort in COLUMNS || sort?.slice(1) in COLUMNS ? sort : "-last";
    this.shown = AT_ONCE;
    this.picked = new Set();
    this.search = el("input", { type: "search", placeholder: "Filter", "aria-label": "Filter runs", value: q ?? null, oninput: () => { note({ q: this.search.value }); this.shown = AT_ONCE; this.draw(); } });
    this.status = el("select", { "aria-label": "Status", onchange: () => { note({ status: this.status.value }); this.draw(); } },
      [["", "any status"], ["running", "running"], ["finished", "finished"], ["stopped", "interrupted, failed, killed"], ["unreadable", "cannot be read"]].map(([value, words]) => el("option", { value, selected: value === status }, words)));
    this.study = el("select", { "aria-label": "Study", hidden: true, onchange: () => { this.wanted = this.study.value; note({ study: this.wanted }); this.shown = AT_ONCE; this.draw(); } });
    this.conditions = el("a", { class: "button", hidden: true }, "Conditions side by side");
    this.compare = el("button", { type: "button", disabled: true, onclick: () => { const [a, b] = this.picked; go(to("/compare", { a, b })); } }, "Compare two");
    this.summary = el("p", { class: "summary", role: "status" }, "reading the folder…");
    this.body = el("tbody", {});
    this.heads = el("tr", {});
    this.more = el("button", { type: "button", hidden: true, onclick: () => { this.shown += 5 * AT_ONCE; this.draw(); } });
    this.empty = el("div", { class: "empty", hidden: true });
    this.table = el("div", { class: "wide", tabindex: "0", role: "region", "aria-label": "Runs" }, el("table", { class: "runs" }, el("caption", { class: "unseen" }, "Runs of this folder"), el("thead", {}, this.heads), this.body));
    this.element = el("div", { class: "list" },
      el("div", { class: "tools" }, el("h1", {}, "Runs"), this.search, this.study, this.status, this.compare, this.conditions, this.summary), this.table, this.empty, this.more);
    this.rows = [];
    this.known = new Map();
    this.stopped = false;
  }

  async begin() {
    while (!this.stopped) {
      let wait = 3000;
      try {
        const page = await get("/api/runs", { after: this.page?.revision });
        if (this.stopped) return;
        this.#take(page);
        wait = page.unread ? 50 : FRESH_MS;
        this.draw();
      } catch (fault) {
        refill(this.summary, fault.message);
      }
      await new Promise((resolve) => setTimeout(resolve, document.hidden ? 5000 : wait));
    }
  }

  stop() {
    this.stopped = true;
  }

  /** Keeps what came: all rows, or those that changed. */
  #take(page) {
    if (page.whole) this.known.clear();
    for (const row of page.runs) this.known.set(row.run, row);
    if (page.whole || page.runs.length) this.rows = [...this.known.values()];
    this.page = page;
    const studies = new Map();
    for (const row of this.rows) if (row.study) studies.set(row.study, (studies.get(row.study) ?? new Set()).add(row.condition));
    this.studies = studies;
    const names = [...studies.keys()].sort();
    if (this.drawnStudies !== JSON.stringify(names)) {
      this.drawnStudies = JSON.stringify(names);
      refill(this.study, el("option", { value: "" }, `all ${names.length} studies`), names.map((name) => el("option", { value: name, selected: name === this.wanted }, name)));
    }
    this.study.hidden = names.length < 2 && !this.wanted;
  }

  /** Studies are compared by condition; which one is meant must be clear. */
  #offer() {
    const study = this.wanted || (this.studies.size === 1 ? [...this.studies.keys()][0] : "");
    this.conditions.hidden = !study || (this.studies.get(study)?.size ?? 0) < 2;
    if (!this.conditions.hidden) this.conditions.href = to("/conditions", { study });
  }

  draw() {
    const words = this.search.value.toLowerCase().split(/\s+/).filter(Boolean);
    const rows = this.rows.filter((row) => this.#fits(row, words)).sort(this.#order());
    const seen = rows.slice(0, this.shown);
    this.#drawHeads();
    const known = new Map([...this.body.children].map((each) => [each.dataset.run, each]));
    const made = seen.map((row) => this.#row(row, known.get(row.run)));
    const active = document.activeElement;
    const held = this.body.contains(active) ? active.closest("tr").dataset.run : null;
    if (made.length !== this.body.children.length || made.some((each, at) => each !== this.body.children[at])) this.body.replaceChildren(...made);
    if (held !== null && !this.body.contains(document.activeElement)) made.find((each) => each.dataset.run === held)?.querySelector(active.matches("input") ? "input" : "td.study a")?.focus();
    this.more.hidden = rows.length <= this.shown;
    refill(this.more, `${count(rows.length - this.shown)} more`);
    this.#sum(rows);
    this.#offer();
  }

  #sum(rows) {
    const running = this.rows.filter((row) => row.status.startsWith("running")).length;
    const parts = [rows.length === this.rows.length ? many(rows.length, "run") : `${count(rows.length)} of ${many(this.rows.length, "run")}`];
    if (running) parts.push(`${count(running)} running`);
    if (this.page.unread) parts.push(`${count(this.page.unread)} still to be looked at`);
    const said = parts.join(" · ");
    if (this.summary.textContent !== said) refill(this.summary, said);
    this.table.hidden = !rows.length;
    this.empty.hidden = rows.length > 0;
    if (!rows.length) refill(this.empty, ...(this.rows.length ? ["No run fits. ", el("button", { type: "button", onclick: () => { this.search.value = this.status.value = this.wanted = this.study.value = ""; note({ q: "", status: "", study: "" }); this.draw(); } }, "Show all")] : [el("h2", {}, "No runs yet"), el("p", {}, "Run files that appear in this folder are shown here at once."), el("pre", { class: "code" }, "gss init my-study\ngss run my-study/study.yaml")]));
  }

  #fits(row, words) {
    const wanted = this.status.value;
    if (this.wanted && row.study !== this.wanted) return false;
    if (wanted === "running" && !row.status.startsWith("running")) return false;
    if (wanted === "stopped" && !["interrupted", "failed", "killed"].includes(row.status)) return false;
    if (["finished", "unreadable"].includes(wanted) && row.status !== wanted) return false;
    if (!words.length) return true;
    const text = `${row.file} ${row.study} ${row.condition} ${row.models.join(" ")} ${row.status} ${row.digest} seed ${row.seed} ${Object.values(row.levels).join(" ")}`.toLowerCase();
    return words.every((word) => text.includes(word));
  }

  #order() {
    const down = this.sort.startsWith("-");
    const [, of] = COLUMNS[down ? this.sort.slice(1) : this.sort];
    return (a, b) => {
      const [x, y] = [of(a), of(b)];
      const order = x < y ? -1 : x > y ? 1 : a.file < b.file ? -1 : 1;
      return down && x !== y ? -order : order;
    };
  }

  #drawHeads() {
    const now = this.sort.replace("-", "");
    refill(this.heads, el("th", {}, el("span", { class: "unseen" }, "to compare")), Object.entries(COLUMNS).map(([name, [words]]) => {
      const down = this.sort.startsWith("-");
      const sign = name === now ? (down ? " ↓" : " ↑") : "";
      const sorted = name === now ? (down ? "descending" : "ascending") : null;
      const next = name === now ? (down ? name : `-${name}`) : DOWN_FIRST.has(name) ? `-${name}` : name;
      return el("th", { scope: "col", class: name, "aria-sort": sorted }, el("button", { type: "button", onclick: (event) => { this.sort = next; note({ sort: next }); this.draw(); this.heads.querySelector(`.${name} button`)?.focus(); event.stopPropagation(); } }, words, sign));
    }));
  }

  #row(row, known) {
    const stamp = JSON.stringify([row.status, row.turns, row.seq, row.problem, row.tokens, this.page.now - (row.last ?? 0) < 86400 ? ago(row.last ?? 0, this.page.now) : ""]);
    if (known?.dataset.stamp === stamp) return known;
    const made = row.problem ? this.#broken(row) : this.#whole(row);
    made.dataset.run = row.run;
    made.dataset.stamp = stamp;
    return made;
  }

  #broken(row) {
    return el("tr", { class: "unreadable" }, el("td", {}), el("td", { class: "study" }, el("b", {}, row.file)), el("td", { class: "status" }, stateOf(row)), el("td", { colspan: "10" }, row.problem));
  }

  #whole(row) {
    const box = el("input", { type: "checkbox", "aria-label": `compare ${row.file}`, checked: this.picked.has(row.run), onchange: () => this.#pick(row.run, box) });
    const levels = Object.entries(row.levels).map(([factor, level]) => `${factor}: ${level}`).join(", ");
    const fork = row.parent && el("a", { class: "sign", href: toRun(row.run, "forks"), title: row.parent.changes.join("; ") || "nothing changed" }, forkSign(), ` fork of ${row.parent.run || "a run"} at ${row.parent.at_turn}`);
    return el("tr", {},
      el("td", {}, box),
      el("td", { class: "study" }, el("a", { href: toRun(row.run) }, row.study || row.file), el("small", {}, fork, fork && " ", row.seed === null ? "" : `seed ${row.seed}`)),
      el("td", { class: "condition", title: levels || null }, row.condition),
      el("td", { class: "replicate number" }, row.condition || row.replicate ? row.replicate : ""),
      el("td", { class: "status" }, stateOf(row)),
      el("td", { class: "turns number" }, progressOf(row)),
      el("td", { class: "agents number" }, row.agents ? count(row.agents) : ""),
      el("td", { class: "models" }, row.models.join(", ")),
      el("td", { class: "tokens number" }, row.tokens === null ? "" : count(row.tokens)),
      el("td", { class: "cost number", title: row.currency || null }, row.cost === null ? "" : `${short(row.cost)} ${row.currency}`),
      el("td", { class: "time number" }, row.began === null || row.last === null ? "" : span(row.last - row.began)),
      el("td", { class: "last" }, row.last === null ? "" : el("time", { title: moment(row.last) }, ago(row.last, this.page.now))),
      el("td", { class: "digest" }, el("code", { title: row.digest }, row.digest.slice(0, 10))));
  }

  #pick(run, box) {
    if (box.checked) this.picked.add(run); else this.picked.delete(run);
    while (this.picked.size > 2) {
      const [first] = this.picked;
      this.picked.delete(first);
      const row = [...this.body.children].find((each) => each.dataset.run === first);
      if (row) row.querySelector("input").checked = false;
    }
    this.compare.disabled = this.picked.size !== 2;
  }

  /** The keyboard: one row on or back. */
  step(by) {
    const links = [...this.body.querySelectorAll("td.study a")];
    const now = links.indexOf(document.activeElement);
    links[Math.min(Math.max(now + by, 0), links.length - 1)]?.focus();
  }
}

/** The sign and word of a status. */
export function stateOf(row) {
  const [sign, words] = standing(row.status);
  return el("span", { class: `state ${row.status.split(" ")[0]}` }, el("span", { "aria-hidden": "true" }, sign), ` ${words}`);
}

/** How far a run is. */
export function progressOf(row) {
  if (row.most === null || row.status === "finished") return count(row.turns);
  const share = row.most ? row.turns / row.most : 0;
  return [`${count(row.turns)} / ${count(row.most)}`, el("span", { class: "progress", "aria-hidden": "true", share: Math.min(1, share).toFixed(4) })];
}

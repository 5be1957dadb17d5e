// How a run fares: what is waited for and since when, who works on it, what went wrong, how fast it goes.
import { el, refill } from "/static/dom.js";
import { isLively } from "/static/log.js";
import { rowOf } from "/static/row.js";
import { get, ofRun } from "/static/server.js";
import { CAUSES, NOTICES, ago, count, many, moment, short, span } from "/static/words.js";

export class HealthView {
  constructor(shell) {
    this.shell = shell;
    this.element = el("div", { class: "pane health", tabindex: "0", role: "region", "aria-label": "Health of the run" });
    this.stopped = false;
  }

  async begin() {
    const run = this.shell.run;
    while (!this.stopped) {
      try {
        const [health, tally] = await Promise.all([get(ofRun(run, "health")), get(ofRun(run, "tally"))]);
        if (this.stopped) return;
        this.shell.news({ status: health.status, turns: health.turns, seq: tally.seq, digest: this.shell.now.digest, lastAt: health.since ?? 0, ahead: health.now - Date.now() / 1000 });
        this.shell.at(health.turns, true);
        this.#draw(health, tally);
        if (!isLively(health.status)) return;
      } catch (fault) {
        if (!this.stopped) this.shell.trouble(fault);
      }
      await new Promise((resolve) => setTimeout(resolve, 1500));
    }
  }

  stop() {
    this.stopped = true;
  }

  #draw(health, tally) {
    const open = [...this.element.querySelectorAll("details[open]")].map((each) => each.dataset.key);
    const top = this.element.scrollTop;
    refill(this.element, now(health, tally), waiting(health), crew(health, tally), counts(tally), sessions(health),
      block("What went wrong lately", health.trouble.length ? el("div", { class: "rows" }, health.trouble.map((item) => rowOf(item, { run: this.shell.run, people: this.shell.people, channels: 1 }))) : el("p", {}, "Nothing.")));
    for (const each of this.element.querySelectorAll("details")) each.open = open.includes(each.dataset.key);
    this.element.scrollTop = top;
  }
}

const block = (title, ...content) => el("section", { class: "block" }, el("h2", {}, title), ...content);
const tile = (words, value, more = "") => el("div", { class: "tile" }, el("span", {}, words), el("b", {}, value), el("small", {}, more));

function now(health, tally) {
  const lively = isLively(health.status);
  const left = health.most && tally.turns_a_minute ? ((health.most - health.turns) / tally.turns_a_minute) * 60 : null;
  const last = health.since === null ? "nothing yet" : lively ? ago(health.since, health.now) : moment(health.since);
  return el("div", { class: "tiles" },
    tile("Turns", health.most && lively ? `${count(health.turns)} / ${count(health.most)}` : count(health.turns)),
    lively && tile("Turns a minute", short(tally.turns_a_minute), "in the last minute"),
    lively && tile("Tokens a minute", short(tally.tokens_a_minute)),
    lively && left !== null && tile("Time left", span(left), "if it goes on like this"),
    lively && tile("Queue", many(health.waits_for, "call"), health.at_once ? `${count(health.at_once)} at once at the most` : "due and without an answer"),
    health.queue && health.queue.waiting !== null && tile("At the broker", `${many(health.queue.waiting, "item")} ${health.queue.waiting === 1 ? "waits" : "wait"}`, health.queue.in_hand === null ? "" : `${count(health.queue.in_hand)} in workers' hands`),
    tile("Last outcome", last),
    tile("Tokens", count(tally.tokens)),
    tally.cost !== null && tile("Cost", short(tally.cost)));
}

function waiting(health) {
  if (!isLively(health.status)) return null;
  if (!health.waits_for) return block("Waiting for", el("p", {}, "Nothing that the record tells."));
  const since = health.since === null ? "" : `, for ${span(health.now - health.since)}`;
  const rows = health.waiting.slice(0, 50).map((each) => el("tr", {}, el("td", {}, each.probe ? `aside: ${each.probe}` : `turn ${each.turn}`), el("td", {}, each.agent), el("td", {}, each.backend), el("td", {}, each.channel), el("td", { class: "number" }, each.round), el("td", { class: "number" }, each.since === null ? "–" : span(Math.max(0, health.now - each.since)))));
  const more = health.waits_for > rows.length ? el("p", { class: "note" }, `and ${count(health.waits_for - rows.length)} more`) : null;
  return block(`Waiting for ${many(health.waits_for, "call")}${since}`, el("table", {}, el("thead", {}, el("tr", {}, ["Call", "Agent", "Waits for", "Channel", "Round", "For"].map((words, at) => el("th", { scope: "col", class: at > 3 ? "number" : null }, words)))), el("tbody", {}, rows)), more,
    health.now - (health.since ?? health.now) > 60 ? el("p", { class: "note" }, "If this goes on: ", el("code", {}, "gss doctor"), " says what works on this machine.") : null);
}

function crew({ crew: { workers, missing, servers, broker }, queue, sessions, now: at }, { answered }) {
  const place = sessions.at(-1)?.broker;
  if (!place && !workers.length && !servers.length) return answered.length ? answers(answered, at) : null;
  const line = (kind, each, words) => el("tr", {}, el("th", { scope: "row" }, kind), el("td", {}, each.name), el("td", {}, el("span", { class: `state ${each.well ? "finished" : "failed"}` }, each.well ? `✓ ${words[0]}` : `✕ ${words[1]}`)), el("td", {}, each.words), el("td", { class: "number" }, ago(each.since, at)));
  const url = place?.url === "of its own" ? "a broker of its own" : place?.url ?? "";
  const rows = [
    place && line("Broker", { name: url, well: broker?.well ?? true, since: broker?.since ?? sessions.at(-1).began, words: broker?.words ?? "" }, ["there", "away"]),
    ...workers.map((each) => line("Worker", each, ["joined", "refused"])),
    ...servers.map((each) => line("Model server", each, ["answers", "does not answer"]))];
  return block(`${many(workers.filter((each) => each.well).length, "worker")}, as the record tells`,
    missing.map((words) => el("p", { class: "stall" }, words)),
    el("div", { class: "wide", tabindex: "0", role: "region", "aria-label": "Workers, servers and broker" }, el("table", {}, el("thead", {}, el("tr", {}, ["What", "Name", "State", "", "Since"].map((words, place) => el("th", { scope: "col", class: place === 4 ? "number" : null }, words)))), el("tbody", {}, rows))),
    queue?.problem && el("p", { class: "note" }, `How much the broker holds: ${queue.problem}.`), answers(answered, at));
}

/** Who answered how often. */
function answers(answered, at) {
  if (!answered.length) return null;
  const rows = answered.slice(0, 50).map((each) => el("tr", {}, el("th", { scope: "row" }, each.by), el("td", { class: "number" }, count(each.answers)), el("td", { class: "number" }, count(each.tokens)), el("td", { class: "number" }, ago(each.last, at))));
  const more = answered.length > rows.length ? el("p", { class: "note" }, `and ${count(answered.length - rows.length)} more`) : null;
  return block("Answers", el("div", { class: "wide", tabindex: "0", role: "region", "aria-label": "Answers" }, el("table", {}, el("thead", {}, el("tr", {}, ["Answered by", "Answers", "Tokens", "Last"].map((words, place) => el("th", { scope: "col", class: place ? "number" : null }, words)))), el("tbody", {}, rows))), more);
}

function counts(tally) {
  const rows = [["said something", tally.spoke], ...named(tally.silent, CAUSES, "silent: "), ...named(tally.failed, CAUSES, "failed attempt: "), ["answers of models", tally.calls], ["answers that ended at max_tokens", tally.clipped], ["answers to probes", tally.probed], ["interventions", tally.intervened], ...named(tally.noticed, NOTICES, "noticed: ")];
  return block("Counts", el("dl", {}, rows.filter(([, number]) => number).map(([words, number]) => [el("dt", {}, words), el("dd", {}, count(number))])));
}

const named = (counted, words, before) => Object.entries(counted).map(([key, number]) => [before + (words[key] ?? key), number]);

function sessions(health) {
  return block(many(health.sessions.length, "session"), health.sessions.map((session, at) => el("details", { "data-key": `session ${at}` },
    el("summary", {}, `${moment(session.began)}${session.ended === null ? "" : `, ${span(session.ended - session.began)}`}: ${session.status || (isLively(health.status) && at === health.sessions.length - 1 ? "works on it" : "ended without a word")}${session.resumed ? ", resumed" : ""}`),
    el("dl", {}, [["package", session.package], ["Python", session.python], ["system", session.platform], ["processor", session.cpu],
      ...Object.entries(session.settings).map(([key, value]) => [key, JSON.stringify(value)]),
      ...session.models.map((model) => [`model ${model.backend ?? ""}`, JSON.stringify(model)]),
      ...(session.broker ? [["broker", JSON.stringify(session.broker)]] : [])].filter(([, value]) => value && value !== "null").map(([key, value]) => [el("dt", {}, key), el("dd", {}, value)])))));
}

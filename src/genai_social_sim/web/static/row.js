// A row of the conversation: who said what, or what happened in between.
import { toRun } from "/static/address.js";
import { hueOf, initials } from "/static/colours.js";
import { el } from "/static/dom.js";
import { CAUSES, DEEDS, NOTICES, changed, moment, span } from "/static/words.js";

const SAID = new Set(["spoke", "opened"]);

/** Whether an item is an utterance: said in a turn, as an opening or by an intervention. */
export const isSaid = (item) => (SAID.has(item.kind) && !item.act) || (item.kind === "intervened" && item.text !== undefined);

/** The element of an item; `people` gives roles by name. */
export function rowOf(item, { run, people, channels }) {
  const row = isSaid(item) ? saying(item, run, people, channels) : between(item, run);
  row.dataset.seq = item.seq;
  if (item.kind === "spoke" || item.kind === "fell_silent") row.dataset.turn = item.turn;
  return row;
}

function saying(item, run, people, channels) {
  const name = item.agent ?? "";
  const where = item.channel ?? (item.change?.channels ?? []).join(", ");
  return el("article", { class: `said ${item.kind}`, tabindex: "-1", hue: hueOf(name), "aria-label": labelOf(item, name) },
    el("span", { class: "mark", "aria-hidden": "true" }, initials(name)),
    el("div", { class: "body" },
      el("header", {},
        el("b", { class: "who" }, name),
        roleOf(name, people),
        channels > 1 && el("span", { class: "where" }, where),
        el("span", { class: "how" }, ...signs(item), placeOf(item, run))),
      el("p", { class: "text" }, item.text)));
}

function labelOf(item, name) {
  return item.kind === "spoke" ? `${name}, turn ${item.turn}` : `${name}, ${item.kind === "opened" ? "opening" : "broadcast"}`;
}

function roleOf(name, people) {
  const person = people.get(name);
  if (!person) return el("span", { class: "role", title: "not one of the agents" }, "from outside");
  if (!person.role && person.authority === 1) return null;
  const authority = person.authority === 1 ? "" : ` ×${person.authority}`;
  const title = `role ${person.role ?? "none"}, authority ${person.authority}`;
  return el("span", { class: "role", title }, `${person.role ?? "authority"}${authority}`);
}

function* signs(item) {
  if (item.kind === "opened") yield sign("opening", "The channel's first text.");
  if (item.kind === "intervened") yield sign("⚑ broadcast", "Put in by the study: a planned change.");
  if (item.doing) yield sign(`✎ ${item.doing}`, "The act of the forum that these words carry out.");
  if (item.choice !== null && item.choice !== undefined) yield sign(`→ ${item.choice}`, "The option that it chose.");
  if (item.attempts > 1) yield sign(`↻ ${item.attempts} attempts`, "Earlier attempts at this turn failed.");
  if (item.stand_in) yield sign("⇄ stand-in", `The study made it say this: ${CAUSES[item.stand_in] ?? item.stand_in}.`);
  if (item.clipped) yield sign("✂ at max_tokens", "The answer ended at max_tokens.");
  if (item.cut === "spoke_for") yield sign(`✂ went on as ${item.other || "another"}`, "The rest of the answer was cut off.");
}

const sign = (words, title) => el("span", { class: "sign", title }, words);

function placeOf(item, run) {
  if (item.kind !== "spoke") return el("time", { title: moment(item.at) }, item.turn === undefined || item.turn === null ? "" : `before turn ${item.turn}`);
  const took = item.seconds === undefined ? "" : ` · ${span(item.seconds)}`;
  return el("a", { class: "turn", href: toRun(run, `turns/${item.turn}`), tabindex: "-1", title: `round ${item.round}, ${moment(item.at)}: exactly what the model was sent` },
    `turn ${item.turn}${took}`);
}

function between(item, run) {
  const [icon, kind, words, more] = told(item);
  const turn = item.act || item.kind === "fell_silent" || item.kind === "attempt_failed" ? item.turn : null;
  const aside = item.probe ?? (item.memory === "~recall" ? undefined : item.memory);
  const address = aside ? toRun(run, `turns/${item.turn}`, { probe: aside, agent: item.agent }) : toRun(run, `turns/${turn}`);
  const link = turn === null && !aside ? null : el("a", { class: "turn", href: address, tabindex: "-1" }, aside && item.kind !== "attempt_failed" ? "how it was asked" : `turn ${item.turn}`);
  return el("article", { class: `between ${kind}`, tabindex: "-1", "aria-label": words.slice(0, 120), title: item.at ? moment(item.at) : null },
    el("span", { class: "mark", "aria-hidden": "true" }, icon),
    el("div", { class: "body" }, el("span", {}, words), more && el("span", { class: "more" }, more), link));
}

function told(item) {
  switch (item.kind) {
    case "spoke": return ["↕", "act", `${item.agent} chooses to ${item.text}`, ""];
    case "fell_silent": return ["∅", "silence", `${item.agent} said nothing: ${CAUSES[item.cause] ?? item.cause}`, item.attempts > 1 ? `after ${item.attempts} attempts` : ""];
    case "probed": return ["?", "probe", item.cause ? `asked aside (${item.probe}), ${item.agent} does not answer: ${CAUSES[item.cause] ?? item.cause}` : `asked aside (${item.probe}), ${item.agent} answers: ${item.text}`, ""];
    case "exercised": return ["⚖", "intervention", exercised(item), ""];
    case "remembered": return ["✎", "memory", remembered(item), ""];
    case "intervened": return ["⚑", "intervention", changed(item.change), `intervention ${item.number}`];
    case "attempt_failed": return ["↻", "retry", `${item.probe ? `probe ${item.probe} of ${item.agent}` : `turn ${item.turn}`}, attempt ${item.attempt} failed: ${CAUSES[item.cause] ?? item.cause}${item.final ? "; no further attempt" : "; it is asked again"}`, item.text];
    case "noticed": return ["!", "notice", NOTICES[item.what] ?? item.what, (item.text ?? "").split("\n")[0]];
    case "run_started": return ["▶", "course", `the run begins, seed ${item.seed}`, ""];
    case "run_ended": return ["■", "course", `the end after ${item.turns} turns: ${item.reason}`, ""];
    case "session_started": return ["▶", "course", item.resumed ? "a process goes on with the run" : "a process begins to work on the run", ""];
    case "session_ended": return ["■", "course", `the process stops: ${item.status}`, item.text];
    case "unreadable": return ["!", "broken", `event ${item.seq} cannot be read`, item.text];
    default: return ["·", "course", item.kind, ""];
  }
}

function exercised(item) {
  if (item.cause) return `${item.agent} makes no use of its powers: ${CAUSES[item.cause] ?? item.cause}`;
  return `${item.agent} ${DEEDS[item.deed] ?? item.deed} ${item.whom ?? ""}`.trim();
}

function remembered(item) {
  if (item.cause) return `nothing new is remembered by ${item.agent}: ${CAUSES[item.cause] ?? item.cause}`;
  if (item.memory === "~summary") return `${item.agent} sums up for itself: ${item.text}`;
  let told = [];
  try { told = JSON.parse(item.text); } catch { /* shown without */ }
  const place = (line) => (line.turn < 0 ? "an opening or a broadcast" : `turn ${line.turn} of ${line.speaker}`);
  if (item.memory.startsWith("~rating-")) return `${item.agent} rates how important ${place(told)} is to it: ${told.rating}`;
  return `came to the mind of ${item.agent}: ${told.map(place).join(", ") || "nothing"}`;
}

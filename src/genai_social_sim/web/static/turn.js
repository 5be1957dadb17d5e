// Everything of one turn: exactly what the model was sent, how it was asked, what it answered, and how to go on from it.
import { toRun } from "/static/address.js";
import { hueOf, initials } from "/static/colours.js";
import { copying, el, fill, refill } from "/static/dom.js";
import { get, ofRun } from "/static/server.js";
import { CAUSES, count, many, quoted, short, span } from "/static/words.js";

const MEMORIES = { "~summary": "the summary", "~recall": "what came to mind" };
const ENDED = { stop: "of its own accord", length: "at max_tokens", passed: "it passed" };

export class Turn {
  constructor(run, file, close) {
    this.run = run;
    this.file = file; // for command lines
    this.number = null;
    this.closing = close;
    this.element = el("aside", { class: "turn-panel", hidden: true, "aria-label": "A turn", tabindex: "-1" });
  }

  /** Shows a turn, or with `probe` and `agent` a question aside before it. */
  async show(number, { probe, agent } = {}) {
    this.number = probe ? null : number;
    const asked = (this.asked = `${number} ${probe} ${agent}`);
    this.element.hidden = false;
    try {
      const found = await get(ofRun(this.run, "turns", number), { probe, agent });
      if (this.asked === asked) this.#draw(found);
    } catch (fault) {
      if (this.asked === asked) refill(this.element, this.#head(`turn ${number}`), el("p", { class: "empty" }, fault.message, ". ", fault.remedy));
    }
    if (this.asked === asked) this.element.scrollTop = 0;
  }

  hide() {
    this.number = null;
    this.asked = null;
    this.element.hidden = true;
    this.element.replaceChildren();
  }

  #head(title, ...more) {
    return el("header", { class: "turn-head" }, el("h2", {}, title), ...more,
      el("button", { type: "button", class: "quiet close", "aria-label": "Close the turn", onclick: this.closing }, "✕"));
  }

  #draw(found) {
    const { turn, probe, agent } = found;
    const title = probe ? `${MEMORIES[probe] ?? probe.replace(/^~rating-/, "the rating of line ")}, before turn ${turn}` : `turn ${turn}`;
    const own = found.sent && JSON.stringify(found.sent) !== JSON.stringify(found.prompt);
    refill(this.element,
      this.#head(title),
      agent ? el("p", { class: "by", hue: hueOf(agent) }, el("span", { class: "mark", "aria-hidden": "true" }, initials(agent)), el("b", {}, agent), ` in ${found.channel}, round ${found.round}`) : el("p", { class: "by" }, "its answer has not taken effect"),
      this.#steps(turn, probe),
      outcome(found),
      found.sent || found.prompt ? section("What the model was sent", own ? `without what was heard first; as the study makes it: ${many(found.prompt.length, "message")}` : null, (found.sent ?? found.prompt).map(message)) : null,
      this.#reading(found),
      this.#news(found),
      found.attempts.length ? section("How it was asked", null, facts(this.#parameters(found))) : null,
      ...found.attempts.map((attempt) => section(`Attempt ${attempt.attempt}`, null, attempted(attempt))),
      found.models?.length ? section("The models of this session", null, found.models.map(identity)) : null,
      this.#goOn(found));
  }

  #steps(turn, probe) {
    if (probe) return null;
    return el("nav", { class: "steps", "aria-label": "Turns" },
      turn > 0 && el("a", { href: toRun(this.run, `turns/${turn - 1}`) }, `← turn ${turn - 1}`),
      el("a", { href: toRun(this.run, `turns/${turn + 1}`) }, `turn ${turn + 1} →`),
      copying("copy link", () => location.href));
  }

  /** What the agent had read, each with a link to where it was said. */
  #reading({ read, read_left_out: leftOut, channel }) {
    if (leftOut) return section("What it had read", leftOut);
    if (!read?.length) return null;
    const rows = read.map((each) => el("li", { hue: hueOf(each.agent) },
      each.post ? el("small", {}, `#${each.post}, rank ${each.rank}${each.score === null ? "" : `, score ${short(each.score)}`} `) : null,
      el("b", { class: "who" }, each.agent), each.channel === channel ? " " : el("small", {}, ` in ${each.channel} `),
      each.turn === null ? el("small", {}, "from outside ") : el("a", { href: toRun(this.run, `turns/${each.turn}`) }, `turn ${each.turn}`), " ", each.text.length < 160 ? each.text : `${each.text.slice(0, 160)}…`));
    return section("", null, el("details", { open: read[0].post ? true : null }, el("summary", {}, `What it had read: ${many(read.length, read[0].post ? "post" : "utterance")}`), el("ol", { class: "read" }, rows)));
  }

  /** What is new in the prompt since the agent's turn before. */
  #news(found) {
    if (found.probe || found.turn_before === null || found.turn_before === undefined || !found.sent) return null;
    const list = el("div", {});
    const box = el("details", {}, el("summary", {}, `What is new since its turn ${found.turn_before}`), list);
    box.addEventListener("toggle", async () => {
      if (!box.open || list.firstChild) return;
      const before = await get(ofRun(this.run, "turns", found.turn_before)).catch(() => null);
      const known = new Set(linesOf(before?.sent ?? []));
      const now = linesOf(found.sent);
      const gone = [...known].filter((line) => !now.includes(line)).length;
      fill(list, el("p", { class: "note" }, `+ lines that it is shown for the first time; ${many(gone, "line")} of then ${gone === 1 ? "is" : "are"} not shown any more. `, el("a", { href: toRun(this.run, `turns/${found.turn_before}`) }, `turn ${found.turn_before}`)),
        el("pre", { class: "news", tabindex: "0" }, now.map((line) => (known.has(line) ? `  ${line}\n` : el("ins", {}, `+ ${line}\n`)))));
    }, { once: false });
    return section("", null, box);
  }

  *#parameters(found) {
    yield ["seed", found.seed];
    for (const [name, value] of Object.entries(found.parameters ?? {})) if (value !== null) yield [name, JSON.stringify(value)];
    for (const model of found.models ?? []) for (const [name, value] of Object.entries(model)) if (/^weights$|digest|sha256/.test(name) && typeof value === "string") yield [`${[model.backend, model.model].filter(Boolean).join(" ")} ${name}`, el("code", {}, value)];
    yield ["prompt hash", el("code", {}, found.prompt_hash), found.prompt_checks ? " ✓ it checks" : " ✕ IT DOES NOT CHECK"];
  }

  #goOn(found) {
    if (found.probe || !found.agent) return null;
    const file = this.file;
    const fork = `gss fork ${quoted(file)} --at ${found.turn} --say ${quoted(`${found.agent}=...`)}`;
    const show = `gss show ${quoted(file)} --turn ${found.turn}`;
    const python = `Run(${JSON.stringify(file)}).prompt(${found.turn})`;
    return section("As code", null,
      el("p", { class: "code" }, copying("copy as a request", () => JSON.stringify(request(found), null, 2), "The messages and parameters as a chat server takes them")),
      [["go on differently from here", fork], ["the same in a terminal", show], ["in Python", python]].map(([words, line]) => el("p", { class: "code" }, el("small", {}, words), el("code", {}, line), copying("copy", () => line))));
  }
}

const linesOf = (messages) => messages.flatMap(({ role, content }) => content.split("\n").map((line) => `${role}: ${line}`));

/** As an OpenAI-style server takes it. */
function request(found) {
  const asked = { ...found.parameters };
  const { stop, ...sampling } = asked;
  const messages = found.sent ?? found.prompt ?? [];
  const isText = messages[0]?.role === "text";
  const what = isText ? { prompt: messages[0].content } : { messages };
  return { ...what, ...Object.fromEntries(Object.entries(sampling).filter(([, value]) => value !== null)), ...(stop?.length ? { stop } : {}), seed: found.seed };
}

function section(title, words, ...content) {
  return el("section", {}, title && el("h3", {}, title), words && el("p", { class: "note" }, words), ...content);
}

function message({ role, content }) {
  return el("figure", { class: `message ${role}` }, el("figcaption", {}, role, copying("copy", () => content)), el("pre", { tabindex: "0" }, content));
}

function outcome({ outcome: came, agent }) {
  if (!came) return null;
  const silent = came.kind === "fell_silent" || came.cause;
  const notes = [];
  if (came.stand_in) notes.push(`the study made ${agent} say this: ${CAUSES[came.stand_in] ?? came.stand_in}`);
  if (came.cut?.why === "spoke_for") notes.push(`the answer was cut where it went on as ${came.cut.other}`);
  if (came.cut?.why === "label") notes.push("its own name before it was left out");
  if (came.choice !== null && came.choice !== undefined) notes.push(`it chose ${came.choice}`);
  return section("What became of it", notes.join("; ") || null,
    silent ? el("p", {}, `${agent} said nothing: ${CAUSES[came.cause] ?? came.cause}`) : el("blockquote", {}, came.text ?? came.summary ?? JSON.stringify(came.rated ?? came.recalled)));
}

function facts(rows) {
  return el("dl", {}, [...rows].filter(([, value]) => value !== undefined && value !== "").map(([name, ...value]) => [el("dt", {}, name), el("dd", {}, ...value)]));
}

function attempted(attempt) {
  const took = `${span(attempt.done_s - attempt.sent_s)}, sent ${span(attempt.sent_s)} after the turn fell due`;
  if (attempt.cause) return [facts([["failed", CAUSES[attempt.cause] ?? attempt.cause], ["took", took], ["then", attempt.final ? "no further attempt" : "it was asked again"]]), attempt.detail && el("pre", { tabindex: "0" }, attempt.detail)];
  const { legal_mass: mass, ...notes } = attempt.notes ?? {};
  const first = attempt.first_token_s === null ? undefined : `after ${span(attempt.first_token_s - attempt.sent_s)}`;
  const rows = [["took", took], ["first token", first], ["tokens", `${count(attempt.prompt_tokens)} in the prompt, ${count(attempt.answer_tokens)} in the answer`],
    ["a second", attempt.answer_tokens && attempt.done_s > attempt.sent_s ? `${short(attempt.answer_tokens / (attempt.done_s - attempt.sent_s))} tokens of the answer` : undefined], ["cost", attempt.cost === null || attempt.cost === undefined ? undefined : short(attempt.cost)],
    ["ended", ENDED[attempt.finish] ?? attempt.finish], ["answered by", attempt.by], ["legal mass", mass === undefined || mass === null ? undefined : String(mass)],
    ...Object.entries(notes).map(([name, value]) => [name, typeof value === "string" ? value : JSON.stringify(value)])];
  return [facts(rows), el("figure", { class: "message assistant" }, el("figcaption", {}, "the whole answer", copying("copy", () => attempt.raw)), el("pre", { tabindex: "0" }, attempt.raw || "(empty)"))];
}

function identity(model) {
  const { backend, model: name, ...rest } = model;
  const rows = Object.entries(rest).filter(([, value]) => value !== null && value !== "" && !(typeof value === "object" && !Object.keys(value).length));
  return el("details", {}, el("summary", {}, [backend, name].filter(Boolean).join(" ")), facts(rows.map(([key, value]) => [key, typeof value === "string" ? value : JSON.stringify(value)])));
}

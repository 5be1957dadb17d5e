// The network of a channel: who hears whom, coloured by what agents are or stated last, with a table beside it.
import { asked, note } from "/static/address.js";
import { DIVERGING, NAMED } from "/static/colours.js";
import { announce, el, fill, refill } from "/static/dom.js";
import { Graph, shapeOf } from "/static/graph.js";
import { isLively } from "/static/log.js";
import { redrawn } from "/static/looks.js";
import { Newest } from "/static/newest.js";
import { get, ofRun } from "/static/server.js";
import { count, many, short } from "/static/words.js";

const ROWS = 100;
const SIZES = ["audience", "influence", "one"];
const NOTHING = "nothing yet";

export class NetworkView {
  constructor(shell) {
    this.shell = shell;
    this.run = shell.run;
    this.holder = el("div", { class: "canvas" });
    this.side = el("div", { class: "side", tabindex: "0", role: "region", "aria-label": "Agents" });
    this.tools = el("div", { class: "tools" });
    this.element = el("div", { class: "network" }, el("section", { class: "drawing", "aria-label": "Network" }, this.tools, this.holder), this.side);
    this.shown = ROWS;
    this.asking = new Newest();
    this.undrawn = redrawn(() => this.graph?.redraw());
  }

  async begin() {
    const { query } = asked();
    const isNewest = this.asking.ask();
    this.graph?.stop();
    this.graph = null;
    refill(this.holder, el("p", { class: "empty" }, "laying out the network…"));
    this.influence = undefined; // of the channel before
    try {
      this.turn = query.at === undefined ? this.shell.now.turns : Number(query.at);
      const network = await get(ofRun(this.run, "network"), { channel: query.channel, turn: this.turn });
      if (!isNewest()) return;
      this.network = network;
    } catch (fault) {
      if (isNewest()) refill(this.holder, el("p", { class: "empty" }, fault.message));
      return;
    }
    this.by = this.#choices().some(([value]) => value === query.colour) ? query.colour : this.#best();
    this.size = SIZES.includes(query.size) ? query.size : SIZES[0];
    this.#drawTools();
    this.#drawGraph();
    if (this.size === "influence" || this.by === "influence") await this.#influenced();
    await this.seek(this.turn);
    if (!this.stopped) this.going ??= this.shell.goOn(this);
  }

  stop() {
    this.stopped = true;
    this.asking.forget();
    this.undrawn();
    this.graph?.stop();
  }

  /** Colours it by what was so at a turn. */
  async seek(turn) {
    this.turn = turn;
    if (!this.graph || this.stopped) return; // it is being laid out, and then comes here
    const isNewest = this.asking.ask();
    await this.#rewired(isNewest);
    if (isNewest()) await this.#recolour(isNewest);
  }

  /** Takes the edges of this turn, where they are others than those that are drawn. */
  async #rewired(isNewest) {
    const since = this.network.changes.findLast((each) => each <= this.turn) ?? 0;
    if (since === this.network.since && !(isLively(this.shell.now.status) && this.turn >= this.shell.now.turns && this.network.changing)) return;
    const found = await get(ofRun(this.run, "network"), { channel: this.network.channel, turn: this.turn }).catch((fault) => { if (isNewest()) this.shell.trouble(fault); });
    if (!found || !isNewest()) return;
    const words = found.since === this.network.since ? "" : `${many(found.speakers.length, "edge")} from turn ${count(found.since)} on`;
    this.network = found;
    this.graph.edges(found.speakers, found.listeners);
    this.#sized();
    refill(this.summary, this.#summary());
    if (words) announce(words);
  }

  /** Fetches how far each moved others, once. */
  async #influenced() {
    const { channel } = this.network;
    const found = this.influence ?? await get(ofRun(this.run, "influence"), { channel }).catch((fault) => ({ values: {}, about: {}, left_out: fault.message }));
    if (this.stopped || !this.graph || this.network.channel !== channel) return;
    this.influence = found;
    this.#sized();
  }

  /** Radii: by the square root, so that areas compare. */
  #sized() {
    const { audience, nodes } = this.network;
    const middle = Math.max(1.8, Math.min(11, 60 / Math.sqrt(nodes.length)));
    const moved = this.size === "influence" && this.influence ? nodes.map((name) => this.influence.values[name] ?? 0) : null;
    const shares = this.size === "one" ? nodes.map(() => 0.25) : (moved ?? audience);
    const most = this.size === "one" ? 1 : Math.max(1e-9, ...shares);
    this.graph.resize(shares.map((share) => middle * (0.6 + 0.9 * Math.sqrt(share / most))));
  }

  follow() {
    return this.seek(this.shell.now.turns);
  }

  #choices() {
    const { shown, attributes, roles } = this.network;
    return [
      ...shown.map((name) => [name === "said" ? "said" : `probe:${name}`, name === "said" ? "what each said last" : `answers to ${name}`]),
      ...(roles.some(Boolean) ? [["role", "role"]] : []),
      ...Object.keys(attributes).map((name) => [`attribute:${name}`, name]),
      ["community", "community"],
      ["audience", "by how many it is heard"],
      ["influence", "how far it moved others"],
    ];
  }

  #best() {
    const probes = this.network.shown.filter((name) => name !== "said");
    return probes.length ? `probe:${probes[0]}` : this.network.nodes.length > 30 ? "said" : this.network.roles.some(Boolean) ? "role" : "said";
  }

  #drawTools() {
    const channels = this.shell.row.channels;
    const pick = channels.length > 1 && el("select", { "aria-label": "Channel", onchange: () => { note({ channel: pick.value }); this.begin(); } }, channels.map((name) => el("option", { value: name, selected: name === this.network.channel }, name)));
    const by = el("select", { "aria-label": "Colour by", onchange: async () => { this.by = by.value; note({ colour: this.by }); if (this.by === "influence") await this.#influenced(); await this.seek(this.turn); } }, this.#choices().map(([value, words]) => el("option", { value, selected: value === this.by }, words)));
    const zoom = [["+", "Larger", 1.4], ["−", "Smaller", 1 / 1.4]].map(([sign, words, factor]) => el("button", { type: "button", "aria-label": words, onclick: () => this.graph.zoom(factor) }, sign));
    const size = el("select", { "aria-label": "Size by", onchange: async () => { this.size = size.value; note({ size: this.size === SIZES[0] ? "" : this.size }); if (this.size === "influence") await this.#influenced(); else this.#sized(); this.#drawSide(); } }, [["audience", "by how many it is heard"], ["influence", "how far it moved others"], ["one", "all alike"]].map(([value, words]) => el("option", { value, selected: value === this.size }, words)));
    this.summary = el("p", { class: "summary" }, this.#summary());
    refill(this.tools, pick, el("label", {}, "Colour by ", by), el("label", {}, "Size by ", size), zoom, el("button", { type: "button", onclick: () => this.graph.fit() }, "All of it"), this.summary);
  }

  #summary() {
    const { nodes, speakers, kind, directed, changes, since } = this.network;
    if (!kind) return `${many(nodes.length, "agent")}; everybody hears everybody`;
    return `${many(nodes.length, "agent")}, ${many(speakers.length, "edge")} (${kind}${directed ? ", directed" : ""}), ${many(Math.max(...this.network.communities, 0) + 1, "community", "communities")}${changes.length ? `; as from turn ${count(since)}, edges change at ${changes.slice(0, 6).map(count).join(", ")}${changes.length > 6 ? "…" : ""}` : ""}`;
  }

  #drawGraph() {
    const { places, speakers, listeners, nodes } = this.network;
    this.graph = new Graph({ places, speakers, listeners, sizes: nodes.map(() => 3), picked: (node) => this.pick(node), label: (node) => `${nodes[node]}: ${this.#valueWords(node)}` });
    this.graph.over.setAttribute("aria-label", `Network of ${this.#summary()}. The table beside it has the same. Arrow keys move it, + and - change its size.`);
    this.#sized();
    refill(this.holder, this.graph.element);
  }

  async #recolour(isNewest) {
    const [what, name] = this.by.split(/:(.*)/s);
    if (what === "said" || what === "probe") {
      const found = await get(ofRun(this.run, "states"), { of: what === "said" ? "said" : name, turn: this.turn, channel: this.network.channel }).catch((fault) => { if (isNewest()) this.shell.trouble(fault); });
      if (!found || !isNewest()) return;
      this.values = found.values.map((value) => (value !== null && found.categories.length ? found.categories[value] : value));
      this.range = [found.low, found.high];
    } else {
      this.values = { role: () => this.network.roles.map((role) => role || null), community: () => this.network.communities.map((number) => `community ${number + 1}`), audience: () => this.network.audience, influence: () => this.network.nodes.map((agent) => this.influence?.values[agent] ?? null), attribute: () => this.network.attributes[name] }[what]();
      const numbers = this.values.filter((value) => typeof value === "number");
      this.range = [Math.min(...numbers), Math.max(...numbers)];
    }
    this.shell.at(this.turn, this.turn >= this.shell.now.turns);
    this.#paint();
    this.#drawSide();
  }

  #paint() {
    const numeric = this.values.some((value) => typeof value === "number");
    this.legend = numeric ? this.#byNumber() : this.#byName();
    const none = { colour: "#9a9a9a", shape: "circle", nodes: [], words: NOTHING };
    const places = new Map(this.legend.map((bucket, at) => [bucket.key, at]));
    this.values.forEach((value, node) => {
      const key = numeric ? this.#step(value) : value;
      (value === null || value === undefined || !places.has(key) ? (places.has("") && value !== null && value !== undefined ? this.legend[places.get("")] : none) : this.legend[places.get(key)]).nodes.push(node);
    });
    if (none.nodes.length) this.legend.push(none);
    this.graph.colour(this.legend);
  }

  #step(value) {
    const [low, high] = this.range;
    return high > low ? Math.min(DIVERGING.length - 1, Math.floor(((value - low) / (high - low)) * DIVERGING.length)) : 3;
  }

  #byNumber() {
    const [low, high] = this.range;
    const wide = (high - low) / DIVERGING.length;
    return DIVERGING.map((colour, key) => ({ key, colour, shape: "circle", nodes: [], words: high > low ? `${short(low + key * wide)} to ${short(low + (key + 1) * wide)}` : key === 3 ? short(low) : "" })).filter((bucket) => bucket.words);
  }

  #byName() {
    const counts = new Map();
    for (const value of this.values) if (value !== null && value !== undefined) counts.set(String(value), (counts.get(String(value)) ?? 0) + 1);
    this.values = this.values.map((value) => (value === null || value === undefined ? null : String(value)));
    const names = [...counts].sort(([a, x], [b, y]) => y - x || (a < b ? -1 : 1)).map(([name]) => name);
    const kept = names.slice(0, NAMED.length - 1);
    const found = kept.sort().map((key, at) => ({ key, colour: NAMED[at], shape: shapeOf(at), nodes: [], words: key }));
    if (names.length > kept.length) found.push({ key: "", colour: NAMED.at(-1), shape: "circle", nodes: [], words: `${count(names.length - kept.length)} others` });
    return found;
  }

  #valueWords(node) {
    const value = this.values?.[node];
    return value === null || value === undefined ? NOTHING : typeof value === "number" ? short(value) : value;
  }

  pick(node) {
    this.graph.select(node);
    this.picked = node;
    this.#drawSide();
    if (node !== null) announce(`${this.network.nodes[node]}: ${this.#valueWords(node)}`);
  }

  #drawSide() {
    const kept = document.activeElement === this.filter;
    this.filter ??= el("input", { type: "search", placeholder: "Find an agent", "aria-label": "Find an agent", oninput: () => { this.shown = ROWS; this.#drawSide(); } });
    const words = this.filter.value.toLowerCase();
    const nodes = [...this.network.nodes.keys()].filter((node) => !words || this.network.nodes[node].toLowerCase().includes(words) || this.#valueWords(node).toLowerCase().includes(words));
    const [, name] = this.#choices().find(([value]) => value === this.by);
    const moved = this.size === "influence";
    const last = (node) => (moved ? short(this.influence?.values[this.network.nodes[node]] ?? null) : count(this.network.audience[node]));
    const rows = nodes.slice(0, this.shown).map((node) => el("tr", { "aria-current": node === this.picked ? "true" : null }, el("td", {}, el("button", { type: "button", class: "quiet", onclick: () => this.pick(node) }, this.network.nodes[node])), el("td", {}, this.#valueWords(node)), el("td", { class: "number" }, last(node))));
    const more = nodes.length > rows.length ? el("button", { type: "button", onclick: () => { this.shown += 5 * ROWS; this.#drawSide(); } }, `${count(nodes.length - rows.length)} more`) : null;
    const top = this.side.scrollTop;
    const why = (moved || this.by === "influence") && this.influence?.left_out ? el("p", { class: "note" }, this.influence.left_out) : null;
    fill(refill(this.side, this.#legend(name), why, this.#agent(), this.filter),
      el("table", {}, el("caption", { class: "unseen" }, `Agents with ${name}`), el("thead", {}, el("tr", {}, el("th", { scope: "col" }, "Agent"), el("th", { scope: "col" }, name), el("th", { scope: "col", class: "number", title: moved ? this.influence?.about.about : null }, moved ? "Influence" : "Heard by"))), el("tbody", {}, rows)), more);
    this.side.scrollTop = top;
    if (kept) this.filter.focus();
  }

  #legend(name) {
    return el("section", { class: "legend", "aria-label": "Legend" }, el("h2", {}, name),
      el("ul", {}, this.legend.map((bucket) => el("li", {}, swatch(bucket), el("span", {}, bucket.words), el("b", {}, count(bucket.nodes.length))))));
  }

  #agent() {
    if (this.picked === null || this.picked === undefined) return null;
    const name = this.network.nodes[this.picked];
    const box = el("section", { class: "agent" }, el("h2", {}, name), el("p", {}, this.#valueWords(this.picked)));
    get(ofRun(this.run, "agents", name)).then((agent) => fill(box,
      agent.persona && el("blockquote", {}, agent.persona),
      el("dl", {}, [["role", agent.role], ["authority", agent.authority === 1 ? null : short(agent.authority)], ["answered by", agent.backend], ...Object.entries(agent.attributes).map(([key, value]) => [key, typeof value === "number" ? short(value) : String(value)])].filter(([, value]) => value).map(([key, value]) => [el("dt", {}, key), el("dd", {}, value)])),
      el("p", {}, el("a", { href: `/runs/${encodeURIComponent(this.run)}?q=${encodeURIComponent(name)}` }, "What it said")))).catch(() => {});
    return box;
  }
}

function swatch({ colour, shape }) {
  const canvas = el("canvas", { width: 28, height: 28, class: "swatch", "aria-hidden": "true" });
  const context = canvas.getContext("2d");
  context.fillStyle = colour;
  context.beginPath();
  if (shape === "square") context.rect(5, 5, 18, 18);
  else if (shape === "triangle") { context.moveTo(14, 3); context.lineTo(25, 23); context.lineTo(3, 23); } else if (shape === "diamond") { context.moveTo(14, 2); context.lineTo(26, 14); context.lineTo(14, 26); context.lineTo(2, 14); } else context.arc(14, 14, 11, 0, 2 * Math.PI);
  context.fill();
  return canvas;
}

// Draws a network on a canvas: all edges as one path, nodes in buckets of one colour and shape, and what is pointed at on
// a second canvas above. It knows nothing of agents.
import { isForPaper } from "/static/looks.js";
import { visible } from "/static/visible.js";

const MOST_EDGES_AT_REST = 400_000;
const SHAPES = ["circle", "square", "triangle", "diamond"];

export class Graph {
  /** `places`: x and y in turn on [-1, 1]; `sizes`: radii in pixels; `picked(node)` is told of a click, null for none. */
  constructor({ places, speakers, listeners, sizes, picked, label }) {
    this.places = Float32Array.from(places);
    this.speakers = Int32Array.from(speakers);
    this.listeners = Int32Array.from(listeners);
    this.sizes = Float32Array.from(sizes);
    this.count = this.sizes.length;
    this.buckets = [];
    this.picked = picked;
    this.label = label;
    this.selected = null;
    this.view = { scale: 1, x: 0, y: 0 };
    this.base = document.createElement("canvas");
    this.over = document.createElement("canvas");
    this.over.tabIndex = 0;
    this.over.setAttribute("role", "img");
    this.element = document.createElement("div");
    this.element.className = "graph";
    this.element.append(this.base, this.over);
    this.watching = new ResizeObserver(() => this.#resized());
    this.watching.observe(this.element);
    this.#listen();
  }

  stop() {
    this.watching.disconnect();
  }

  /** Nodes by colour: `[{ colour, shape, nodes }]`. */
  colour(buckets) {
    this.buckets = buckets;
    this.draw();
  }

  /** Other edges between the same nodes. */
  edges(speakers, listeners) {
    this.speakers = Int32Array.from(speakers);
    this.listeners = Int32Array.from(listeners);
    this.draw();
  }

  /** Other radii, in pixels. */
  resize(sizes) {
    this.sizes = Float32Array.from(sizes);
    this.draw();
  }

  select(node) {
    this.selected = node;
    this.#drawOver(node);
  }

  zoom(factor, x = this.width / 2, y = this.height / 2) {
    const scale = Math.min(60, Math.max(0.5, this.view.scale * factor));
    const by = scale / this.view.scale;
    this.view = { scale, x: x - (x - this.view.x) * by, y: y - (y - this.view.y) * by };
    this.draw();
  }

  fit() {
    this.view = { scale: 1, x: 0, y: 0 };
    this.draw();
  }

  /** Draws all of it now, as on paper, which does not wait. */
  redraw() {
    this.#drawBase();
    this.#drawOver(this.hovered ?? this.selected);
  }

  /** Draws all of it, once before the next picture. */
  draw() {
    if (this.asked) return;
    this.asked = requestAnimationFrame(() => { this.asked = 0; this.redraw(); });
  }

  #at(node) {
    const half = Math.min(this.width, this.height) / 2 - 24;
    return [
      (this.places[2 * node] * half + this.width / 2) * this.view.scale + this.view.x,
      (this.places[2 * node + 1] * half + this.height / 2) * this.view.scale + this.view.y,
    ];
  }

  #drawBase() {
    if (!this.width) return;
    this.base.style.transform = "";
    const context = this.base.getContext("2d");
    context.setTransform(this.ratio, 0, 0, this.ratio, 0, 0);
    context.clearRect(0, 0, this.width, this.height);
    this.#screen();
    const style = getComputedStyle(this.element);
    context.strokeStyle = style.getPropertyValue("--strong");
    context.globalAlpha = Math.max(0.12, Math.min(0.8, 900 / Math.max(1, this.speakers.length)));
    context.lineWidth = this.speakers.length < 1000 ? 1.6 : 1;
    context.beginPath();
    for (let edge = 0; edge < Math.min(this.speakers.length, MOST_EDGES_AT_REST); edge++) this.#line(context, this.speakers[edge], this.listeners[edge]);
    context.stroke();
    context.globalAlpha = 1;
    const grown = Math.sqrt(this.view.scale);
    for (const { colour, shape, nodes } of this.buckets) {
      context.fillStyle = colour;
      context.beginPath();
      for (const node of nodes) this.#node(context, node, shape, grown);
      context.fill();
    }
  }

  /** Where every node is on the screen now. */
  #screen() {
    const half = Math.min(this.width, this.height) / 2 - 24;
    const { scale, x, y } = this.view;
    this.xs ??= new Float32Array(this.count);
    this.ys ??= new Float32Array(this.count);
    for (let node = 0; node < this.count; node++) {
      this.xs[node] = (this.places[2 * node] * half + this.width / 2) * scale + x;
      this.ys[node] = (this.places[2 * node + 1] * half + this.height / 2) * scale + y;
    }
  }

  #line(context, a, b) {
    context.moveTo(this.xs[a], this.ys[a]);
    context.lineTo(this.xs[b], this.ys[b]);
  }

  #node(context, node, shape, grown) {
    const x = this.xs[node];
    const y = this.ys[node];
    const r = this.sizes[node] * grown;
    if (x < -r || y < -r || x > this.width + r || y > this.height + r) return;
    switch (r < 2.2 ? "square" : shape) {
      case "square": context.rect(x - r * 0.9, y - r * 0.9, r * 1.8, r * 1.8); break;
      case "triangle": context.moveTo(x, y - r * 1.2); context.lineTo(x + r * 1.1, y + r * 0.8); context.lineTo(x - r * 1.1, y + r * 0.8); context.closePath(); break;
      case "diamond": context.moveTo(x, y - r * 1.25); context.lineTo(x + r * 1.25, y); context.lineTo(x, y + r * 1.25); context.lineTo(x - r * 1.25, y); context.closePath(); break;
      default: context.moveTo(x + r, y); context.arc(x, y, r, 0, 2 * Math.PI);
    }
  }

  #drawOver(node) {
    if (!this.width || !this.xs) return;
    const context = this.over.getContext("2d");
    context.setTransform(this.ratio, 0, 0, this.ratio, 0, 0);
    context.clearRect(0, 0, this.width, this.height);
    if (node === null || node === undefined) return;
    const style = getComputedStyle(this.element);
    context.strokeStyle = style.getPropertyValue("--accent");
    context.lineWidth = 1.5;
    context.beginPath();
    for (let edge = 0; edge < this.speakers.length; edge++) if (this.speakers[edge] === node || this.listeners[edge] === node) this.#line(context, this.speakers[edge], this.listeners[edge]);
    context.stroke();
    const [x, y] = this.#at(node);
    context.lineWidth = 2.5;
    context.strokeStyle = style.getPropertyValue("--ink");
    context.beginPath();
    context.arc(x, y, this.sizes[node] * Math.sqrt(this.view.scale) + 3, 0, 2 * Math.PI);
    context.stroke();
    const words = visible(this.label(node));
    context.font = "13px system-ui, sans-serif";
    const wide = context.measureText(words).width;
    const left = Math.min(Math.max(4, x + 10), this.width - wide - 14);
    context.fillStyle = style.getPropertyValue("--sheet");
    context.fillRect(left, y - 26, wide + 10, 20);
    context.fillStyle = style.getPropertyValue("--ink");
    context.fillText(words, left + 5, y - 12);
  }

  #resized() {
    if (isForPaper()) return; // the picture is scaled: another one would come too late
    this.width = this.element.clientWidth;
    this.height = this.element.clientHeight;
    this.ratio = Math.min(2, devicePixelRatio || 1);
    for (const canvas of [this.base, this.over]) {
      canvas.width = this.width * this.ratio;
      canvas.height = this.height * this.ratio;
      canvas.style.width = `${this.width}px`;
      canvas.style.height = `${this.height}px`;
    }
    this.draw();
  }

  #nearest(x, y) {
    let best = null;
    let least = 14 * 14;
    for (let node = 0; node < this.count; node++) {
      const far = (this.xs[node] - x) ** 2 + (this.ys[node] - y) ** 2;
      if (far < least) { least = far; best = node; }
    }
    return best;
  }

  #listen() {
    let held = null;
    this.over.addEventListener("pointerdown", (event) => { held = { x: event.offsetX, y: event.offsetY, moved: false }; this.over.setPointerCapture(event.pointerId); });
    this.over.addEventListener("pointermove", (event) => {
      if (!held) { this.#hover(event); return; }
      const [x, y] = [event.offsetX - held.x, event.offsetY - held.y];
      if (!held.moved && Math.hypot(x, y) < 4) return;
      held.moved = true;
      held.by = [x, y];
      this.base.style.transform = `translate(${x}px, ${y}px)`; // the picture is moved now and drawn anew at the end
      this.over.getContext("2d").clearRect(0, 0, this.width, this.height);
    });
    this.over.addEventListener("pointerup", (event) => {
      if (held?.moved) { this.view.x += held.by[0]; this.view.y += held.by[1]; this.#drawBase(); this.#drawOver(this.selected); } else if (held && this.xs) this.picked(this.#nearest(event.offsetX, event.offsetY));
      held = null;
    });
    this.over.addEventListener("pointercancel", () => { held = null; this.draw(); });
    this.over.addEventListener("pointerleave", () => { this.hovered = null; this.#drawOver(this.selected); });
    this.over.addEventListener("wheel", (event) => { event.preventDefault(); this.zoom(Math.exp(-event.deltaY / 400), event.offsetX, event.offsetY); }, { passive: false });
    this.over.addEventListener("keydown", (event) => this.#pressed(event));
  }

  #hover(event) {
    if (!this.xs) return;
    const node = this.#nearest(event.offsetX, event.offsetY);
    if (node === this.hovered) return;
    this.hovered = node;
    this.#drawOver(node ?? this.selected);
  }

  #pressed(event) {
    const moves = { ArrowLeft: [40, 0], ArrowRight: [-40, 0], ArrowUp: [0, 40], ArrowDown: [0, -40] };
    if (event.key in moves) { this.view.x += moves[event.key][0]; this.view.y += moves[event.key][1]; this.draw(); } else if (event.key === "+" || event.key === "=") this.zoom(1.3);
    else if (event.key === "-") this.zoom(1 / 1.3);
    else if (event.key === "0") this.fit();
    else return;
    event.preventDefault();
    event.stopPropagation();
  }
}

/** The shape that goes with the number of a category. */
export const shapeOf = (number) => SHAPES[number % SHAPES.length];

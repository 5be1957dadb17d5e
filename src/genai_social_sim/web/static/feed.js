// A list of any length of which only what is seen is in the page. Heights are measured where they were seen and
// estimated elsewhere; what is being looked at stays where it is, whatever is measured or added around it.

import { Newest } from "/static/newest.js";

const BESIDE = 500; // pixels drawn above and below what is seen
const GUESS = 64; // pixels of a row nobody has measured
const TALLEST = 8_000_000; // pixels; browsers draw no more, so that longer lists are drawn to scale
const PER_POSITION = 0.5; // rows for each position of the log, before anything is known

/** `rowOf(item)` gives the element of an item, `shows(item)` whether there is one. */
export class Feed {
  constructor(scroller, log, { rowOf, shows, placed }) {
    this.scroller = scroller;
    this.rows = scroller.querySelector(".rows");
    this.above = scroller.querySelector(".above");
    this.below = scroller.querySelector(".below");
    this.log = log;
    this.rowOf = rowOf;
    this.shows = shows;
    this.placed = placed;
    this.heights = new Map();
    this.shown = new Map(); // block number: { items, of }
    this.drawn = new Map(); // seq: element
    this.anchor = null; // { block, seq, offset }: a row, and where its top is below the top of what is seen
    this.following = true;
    this.held = false; // the pointer or the keyboard is in it
    this.missed = -1; // turns seen when it was held
    this.seeking = new Newest();
    this.expected = -1; // where it was scrolled to by itself
    scroller.addEventListener("scroll", () => this.#scrolled(), { passive: true });
    this.watching = new ResizeObserver(() => this.#resized());
    this.watching.observe(scroller);
    this.width = scroller.clientWidth;
  }

  /** Takes another log, or shows other items of it. */
  renew(log = this.log) {
    this.seeking.forget();
    this.log = log;
    this.shown.clear();
    this.drawn.clear();
    this.rows.replaceChildren();
    this.draw();
  }

  stop() {
    this.seeking.forget();
    this.watching.disconnect();
  }

  /** Draws what is to be seen now. */
  draw() {
    if (!this.log.length || this.drawing) return;
    this.drawing = true;
    try {
      if (this.following && !this.held) this.#fromEnd();
      else this.#fromAnchor();
    } finally {
      this.drawing = false;
    }
    this.placed();
  }

  /** The log has news: drawn around where it was scrolled to, also in the instant before the browser tells of that. */
  news() {
    this.#scrolled();
    this.draw();
  }

  /** Goes to the newest row and stays there. */
  follow() {
    this.seeking.forget();
    this.following = true;
    this.held = false;
    this.draw();
  }

  /** Brings the row at a position, or the one after it, to a third of what is seen; null if somebody went on meanwhile. */
  async show(seq) {
    const isNewest = this.seeking.ask();
    this.following = false;
    const block = this.log.blockOf(seq);
    if (!this.log.blocks.has(block)) await this.log.fetch(block);
    if (!isNewest()) return null;
    const items = this.#items(block) ?? [];
    const at = items.find((item) => item.seq >= seq) ?? items.at(-1);
    if (!at) return null;
    this.following = false;
    this.byHand = false;
    this.anchor = { block, seq: at.seq, offset: this.scroller.clientHeight / 3 };
    this.draw();
    return this.drawn.get(at.seq) ?? null;
  }

  /** The items of a block that are shown; null while it is not here. */
  #items(number) {
    const all = this.log.block(number);
    if (all === null) return null;
    const known = this.shown.get(number);
    if (known && known.of === all.length) return known.items;
    const items = all.filter(this.shows);
    this.shown.set(number, { items, of: all.length });
    return items;
  }

  #height(item) {
    return this.heights.get(item.seq) ?? this.average;
  }

  get average() {
    return this.heights.size ? this.sum / this.heights.size : GUESS;
  }

  #blockHeight(number) {
    const known = this.log.blocks.get(number);
    if (!known) {
      const first = number * this.log.size;
      const positions = Math.min(this.log.size, this.log.seq - first + 1);
      return positions * (this.density ?? PER_POSITION) * this.average;
    }
    const items = this.shown.get(number)?.items ?? known.items.filter(this.shows);
    return items.reduce((sum, item) => sum + this.#height(item), 0);
  }

  #measure() {
    this.sum = 0;
    for (const height of this.heights.values()) this.sum += height;
    let rows = 0;
    let positions = 0;
    for (const [number, { items }] of this.shown) {
      const block = this.log.blocks.get(number);
      if (!block) { this.shown.delete(number); continue; }
      rows += items.length;
      positions += block.upTo - number * this.log.size + 1;
    }
    this.density = positions ? Math.max(rows / positions, 0.001) : undefined;
  }

  /** The last rows, with the end of the last one at the bottom. */
  #fromEnd() {
    const wanted = [];
    let room = this.scroller.clientHeight + BESIDE;
    for (let number = this.log.length - 1; number >= 0 && room > 0; number--) {
      const items = this.#items(number);
      if (items === null) break;
      for (let at = items.length - 1; at >= 0 && room > 0; at--) {
        wanted.unshift([number, items[at]]);
        room -= this.#height(items[at]);
      }
    }
    this.#put(wanted);
    this.#space(wanted);
    this.#scrollTo(this.scroller.scrollHeight);
    this.anchor = this.#seen();
  }

  /** The rows around the anchor, which stays where it is. */
  #fromAnchor() {
    const { block, seq, offset } = this.anchor ?? { block: 0, seq: 0, offset: 0 };
    const own = this.#items(block);
    if (own === null) return;
    const at = Math.max(0, own.findIndex((item) => item.seq >= seq));
    const wanted = this.#before(block, at, offset + BESIDE);
    const first = wanted.length;
    wanted.push(...this.#after(block, at, this.scroller.clientHeight - offset + BESIDE));
    this.#put(wanted);
    const top = this.#space(wanted);
    if (!wanted.length) return;
    const row = this.drawn.get((wanted[first] ?? wanted.at(-1))[1].seq);
    this.#scrollTo(Math.max(0, top + row.offsetTop - this.rows.offsetTop - offset));
    this.anchor = this.#seen() ?? this.anchor;
    if (this.byHand) this.#atEnd(wanted);
  }

  #before(block, at, room) {
    const wanted = [];
    for (let number = block; number >= 0 && room > 0; number--) {
      const items = this.#items(number);
      if (items === null) break;
      for (let i = (number === block ? at : items.length) - 1; i >= 0 && room > 0; i--) {
        wanted.unshift([number, items[i]]);
        room -= this.#height(items[i]);
      }
    }
    return wanted;
  }

  #after(block, at, room) {
    const wanted = [];
    for (let number = block; number < this.log.length && room > 0; number++) {
      const items = this.#items(number);
      if (items === null) break;
      for (let i = number === block ? at : 0; i < items.length && room > 0; i++) {
        wanted.push([number, items[i]]);
        room -= this.#height(items[i]);
      }
    }
    return wanted;
  }

  /** Puts these rows into the page, those that are there already as they are, and measures them. */
  #put(wanted) {
    const kept = new Map();
    let next = this.rows.firstChild;
    for (const [, item] of wanted) {
      const row = this.drawn.get(item.seq) ?? this.rowOf(item);
      kept.set(item.seq, row);
      if (row === next) next = next.nextSibling;
      else this.rows.insertBefore(row, next);
    }
    while (next) {
      const gone = next;
      next = next.nextSibling;
      gone.remove();
    }
    this.drawn = kept;
    for (const [, item] of wanted) this.heights.set(item.seq, kept.get(item.seq).offsetHeight);
    if (this.heights.size > 20_000) this.heights = new Map([...this.heights].slice(-10_000));
    this.#measure();
  }

  /** Leaves room for what is above and below these rows; gives the room above. */
  #space(wanted) {
    const [firstBlock, firstItem] = wanted[0] ?? [0, { seq: 0 }];
    const [lastBlock, lastItem] = wanted.at(-1) ?? [0, { seq: 0 }];
    let above = 0;
    let below = 0;
    for (let number = 0; number < this.log.length; number++) {
      if (number < firstBlock) above += this.#blockHeight(number);
      if (number > lastBlock) below += this.#blockHeight(number);
    }
    for (const item of this.shown.get(firstBlock)?.items ?? []) if (item.seq < firstItem.seq) above += this.#height(item);
    for (const item of this.shown.get(lastBlock)?.items ?? []) if (item.seq > lastItem.seq) below += this.#height(item);
    this.scale = Math.min(1, TALLEST / Math.max(1, above + below));
    this.above.style.height = `${above * this.scale}px`;
    this.below.style.height = `${below * this.scale}px`;
    return above * this.scale;
  }

  #scrollTo(top) {
    this.scroller.scrollTop = top;
    this.expected = this.scroller.scrollTop;
  }

  /** The first row that is seen. */
  #seen() {
    const top = this.scroller.scrollTop;
    for (const [seq, row] of this.drawn) {
      const at = row.offsetTop;
      if (at + row.offsetHeight > top) return { block: this.log.blockOf(seq), seq, offset: at - top };
    }
    return null;
  }

  #atEnd(wanted) {
    const { scrollTop, clientHeight, scrollHeight } = this.scroller;
    const last = wanted.at(-1);
    const whole = last && last[0] === this.log.length - 1 && this.shown.get(last[0])?.items.at(-1) === last[1];
    if (whole && scrollHeight - scrollTop - clientHeight < 4 && !this.held) this.following = true;
  }

  #scrolled() {
    const top = this.scroller.scrollTop;
    if (Math.abs(top - this.expected) < 1.5) return;
    this.seeking.forget(); // who scrolls has gone on
    const up = top < this.expected;
    this.expected = top;
    this.byHand = true;
    if (up) this.following = false;
    this.anchor = this.#within(top) ?? this.#far(top) ?? this.anchor;
    cancelAnimationFrame(this.frame);
    this.frame = requestAnimationFrame(() => this.draw());
  }

  /** Where it is if rows are seen; null if it was scrolled beyond them. */
  #within(top) {
    const start = this.rows.offsetTop;
    if (top + this.scroller.clientHeight < start || top > start + this.rows.offsetHeight) return null;
    return this.#seen();
  }

  #far(top) {
    let left = top / (this.scale || 1);
    for (let number = 0; number < this.log.length; number++) {
      const height = this.#blockHeight(number);
      if (left > height && number < this.log.length - 1) { left -= height; continue; }
      const items = this.#items(number);
      if (items === null) {
        const share = height ? Math.min(left / height, 0.999) : 0;
        return { block: number, seq: Math.floor((number + share) * this.log.size), offset: 0 };
      }
      let item = items[0];
      for (item of items) {
        if (left <= this.#height(item)) break;
        left -= this.#height(item);
      }
      return item ? { block: number, seq: item.seq, offset: -left } : null;
    }
    return null;
  }

  #resized() {
    if (this.scroller.clientWidth !== this.width) {
      this.width = this.scroller.clientWidth;
      this.heights.clear();
    }
    this.draw();
  }
}

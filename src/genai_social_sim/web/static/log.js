// A run's log as the page holds it: blocks of positions, fetched when they are looked at and let go when there are many.
import { get, ofRun } from "/static/server.js";

const POSITIONS = 500; // in one block
const KEPT = 48; // blocks
const LIVELY_MS = 400;
const QUIET_MS = 800; // a run that was killed may be resumed: seen within a second, too
const HIDDEN_MS = 2000;

export const isLively = (status) => status.startsWith("running");

/** The log of one run, in one channel or in all. It tells `changed` of news and of blocks that came. */
export class Log {
  constructor(run, { channel = "", channels = 1 } = {}) {
    this.run = run;
    this.channel = channel;
    // In one channel of many, little of what happens is shown: more of it is looked at at once.
    this.size = POSITIONS * (channel ? Math.min(10, Math.max(1, channels)) : 1);
    this.seq = -1;
    this.turns = 0;
    this.status = "";
    this.digest = "";
    this.lastAt = 0;
    this.ahead = 0; // seconds that the server's clock is ahead of this one's
    this.blocks = new Map(); // number of a block: { items, upTo, used }
    this.asking = new Map();
    this.changed = () => {};
    this.failed = () => {};
    this.uses = 0;
    this.stopping = new AbortController();
  }

  /** How many blocks there are. */
  get length() {
    return Math.floor(this.seq / this.size) + 1;
  }

  /** The block that holds a position. */
  blockOf(seq) {
    return Math.floor(Math.max(seq, 0) / this.size);
  }

  /** What of a block is here; null if nothing, and then it is asked for. */
  block(number) {
    const block = this.blocks.get(number);
    if (block) block.used = ++this.uses;
    const last = Math.min((number + 1) * this.size - 1, this.seq);
    if (!block || block.upTo < last) this.fetch(number);
    return block ? block.items : null;
  }

  /** Fetches what is missing of a block. */
  fetch(number) {
    if (!this.asking.has(number)) {
      this.asking.set(number, this.#fetched(number).finally(() => this.asking.delete(number)));
    }
    return this.asking.get(number);
  }

  async #fetched(number) {
    const known = this.blocks.get(number);
    const after = known ? known.upTo : number * this.size - 1;
    try {
      const page = await get(ofRun(this.run, "history"), this.#query(after, (number + 1) * this.size - 1 - after), this.stopping.signal);
      this.#take(number, page);
      this.changed();
    } catch (fault) {
      if (fault.name !== "AbortError") this.failed(fault);
    }
  }

  #query(after, limit) {
    return { after, limit, channel: this.channel };
  }

  #take(number, page) {
    const block = this.blocks.get(number) ?? { items: [], upTo: number * this.size - 1, used: 0 };
    for (const item of page.items) if (item.seq > block.upTo) block.items.push(item);
    block.upTo = Math.max(block.upTo, page.next);
    block.used = ++this.uses;
    this.blocks.set(number, block);
    this.#head(page);
    if (this.blocks.size > KEPT) {
      const oldest = [...this.blocks].sort(([, a], [, b]) => a.used - b.used)[0][0];
      this.blocks.delete(oldest);
    }
  }

  #head(page) {
    if (page.seq >= this.seq) [this.seq, this.turns, this.status, this.digest] = [page.seq, page.turns, page.status, page.digest]; // else it was asked earlier
    this.ahead = page.now - Date.now() / 1000;
    if (page.items.length) this.lastAt = Math.max(this.lastAt, page.items.at(-1).at);
  }

  /** Asks for news again and again until the run ends or `stop` is called. */
  async follow() {
    while (!this.stopping.signal.aborted) {
      try {
        await this.#look();
      } catch (fault) {
        if (fault.name === "AbortError") return;
        this.failed(fault);
      }
      await this.#pause(document.hidden ? HIDDEN_MS : isLively(this.status) ? LIVELY_MS : QUIET_MS);
    }
  }

  async #look() {
    if (this.seq < 0) { await this.fetch(0); return; } // who wants the beginning meanwhile waits for the same answer
    const number = this.blockOf(this.seq);
    const after = this.seq;
    const page = await get(ofRun(this.run, "history"), this.#query(after, this.size), this.stopping.signal);
    const block = this.blocks.get(number);
    // What is new goes into the last block if that is here as far as it was; what lies beyond it is fetched if it is seen.
    if (block && block.upTo === after) {
      const until = (number + 1) * this.size - 1;
      this.#take(number, { ...page, items: page.items.filter((item) => item.seq <= until), next: Math.min(page.next, until) });
      if (page.items.length) this.lastAt = page.items.at(-1).at;
    } else {
      this.#head(page);
    }
    if (this.seq !== after) this.changed();
  }

  #pause(milliseconds) {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, milliseconds);
      this.stopping.signal.addEventListener("abort", () => { clearTimeout(timer); resolve(); }, { once: true });
    });
  }

  /** Asks no more. */
  stop() {
    this.stopping.abort();
    this.changed = () => {};
    this.failed = () => {};
  }
}

// The keyboard: one letter each, none of which is needed.
import { copying, el } from "/static/dom.js";

const WORDS = [
  ["j, ↓", "the next row"],
  ["k, ↑", "the row before"],
  ["Enter", "open what it was made of"],
  ["Escape", "close it"],
  ["←, →", "with an open turn: the one before, the next"],
  ["/", "search or filter"],
  ["f", "follow the newest"],
  ["g", "go to a turn"],
  ["1 to 6", "conversation, network, measures, health; forum and forks, where there are any"],
  ["l", "all runs"],
  ["?", "this list"],
];
const TABS = { 1: "", 2: "network", 3: "measures", 4: "health", 5: "forum", 6: "forks" };

let acts = {};

function writes(target) {
  return target.closest?.("input:not([type=checkbox], [type=range]), textarea, select") !== null;
}

function pressed(event) {
  if (event.ctrlKey || event.metaKey || event.altKey || document.querySelector("dialog[open]")) return;
  if (event.key === "Escape") return escaped(event);
  if (writes(event.target)) return;
  const act = actOf(event);
  if (!act) return;
  event.preventDefault();
  act();
}

function escaped(event) {
  const menu = document.querySelector("details.menu[open]");
  if (menu) { menu.open = false; menu.querySelector("summary").focus(); return; }
  if (writes(event.target)) { event.target.blur(); return; }
  acts.close();
}

function actOf(event) {
  const { key, target } = event;
  const row = target.closest?.("article");
  const ranged = target.matches?.("input[type=range], canvas, summary") ?? false;
  if (key in TABS) return () => acts.tab(TABS[key]);
  switch (key) {
    case "j": return () => acts.step(1);
    case "k": return () => acts.step(-1);
    case "ArrowDown": return ranged || !row ? null : () => acts.step(1);
    case "ArrowUp": return ranged || !row ? null : () => acts.step(-1);
    case "ArrowLeft": return ranged ? null : stepLink(":first-of-type");
    case "ArrowRight": return ranged ? null : stepLink(":last-of-type");
    case "Enter": return row && row === target ? () => acts.open(row) : null;
    case "/": return focusOn("input[type=search]");
    case "g": return focusOn("input[type=number]");
    case "f": return acts.follow;
    case "l": return acts.list;
    case "?": return () => keys.help();
    default: return null;
  }
}

function stepLink(which) {
  const link = document.querySelector(`.turn-panel:not([hidden]) .steps a${which}`);
  return link ? () => link.click() : null;
}

function focusOn(selector) {
  const found = document.querySelector(`main ${selector}`);
  return found ? () => { found.focus(); found.select?.(); } : null;
}

export const keys = {
  /** Begins to listen. */
  listen(given) {
    acts = given;
    addEventListener("keydown", pressed);
  },

  /** Shows which keys there are. */
  help() {
    const done = el("button", { type: "button", onclick: () => dialog.close() }, "close");
    const dialog = el("dialog", { "aria-label": "Keyboard", onclose: () => dialog.remove() }, el("h2", {}, "Keyboard"),
      el("dl", {}, WORDS.map(([key, words]) => [el("dt", {}, el("kbd", {}, key)), el("dd", {}, words)])),
      el("p", { class: "note" }, "The same data for programs: ", el("a", { href: "/api/openapi.json" }, "OpenAPI"), copying("copy its address", () => `${location.origin}/api/openapi.json`)), done);
    document.body.append(dialog);
    dialog.showModal();
  },
};

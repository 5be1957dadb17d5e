// Where the page begins: which view the address asks for, what stands above all views, and the keyboard.
import { asked, follow, go, toRun } from "/static/address.js";
import { el, refill } from "/static/dom.js";
import { keys } from "/static/keys.js";
import { themed } from "/static/looks.js";
import { Newest } from "/static/newest.js";
import { RunView } from "/static/run.js";
import { RunList } from "/static/runs.js";

const THEMES = { "": "◐", light: "☀", dark: "☾" };
const addresses = new Newest();
let view = null;

function bar() {
  const theme = el("button", { type: "button", class: "quiet", onclick: () => choose(next(theme), theme) });
  choose(remembered("theme") ?? "", theme);
  refill(document.getElementById("bar"),
    el("a", { class: "brand", href: "/" }, el("img", { src: "/static/icon.svg", alt: "", width: 20, height: 20 }), "genai-social-sim"),
    el("nav", { "aria-label": "Page" }, el("a", { href: "/" }, "Runs"), theme,
      el("button", { type: "button", class: "quiet", "aria-label": "Keyboard", title: "Keyboard (?)", onclick: () => keys.help() }, "?")));
}

const next = (button) => ({ "": "light", light: "dark", dark: "" })[button.dataset.theme];

function choose(theme, button) {
  themed(theme);
  button.dataset.theme = theme;
  button.textContent = THEMES[theme];
  const words = `Colours: ${theme || "as the system has them"}`;
  button.setAttribute("aria-label", words);
  button.title = words;
  try { localStorage.setItem("theme", theme); } catch { /* a browser that remembers nothing */ }
}

function remembered(name) {
  try { return localStorage.getItem(name); } catch { return null; }
}

async function show() {
  const address = asked();
  if (address.run !== null && view instanceof RunView && view.run === address.run) return view.addressed();
  view?.stop();
  view = null;
  const isNewest = addresses.ask();
  let coming;
  try {
    coming = await made(address);
  } catch {
    if (isNewest()) refill(document.getElementById("main"), el("p", { class: "empty" }, "The server of this page does not answer. Is gss serve still running?"));
    return;
  }
  if (!isNewest()) return; // somebody went on while it was on its way
  view = coming;
  refill(document.getElementById("main"), view.element);
  document.title = "genai-social-sim";
  await view.begin();
}

async function made(address) {
  if (address.run !== null) return new RunView(address.run);
  if (address.view === "compare") return new (await import("/static/compare.js")).CompareView(address.query);
  if (address.view === "conditions") return new (await import("/static/conditions.js")).ConditionsView(address.query);
  return new RunList();
}

bar();
keys.listen({
  step: (by) => view?.step?.(by),
  open: (row) => view?.view?.open?.(row),
  close: () => view?.view?.close?.(),
  follow: () => view?.follow?.(),
  list: () => go("/"),
  tab: (name) => view?.run && go(toRun(view.run, name, { at: asked().query.at })),
});
follow(show);

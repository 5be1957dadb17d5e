// Elements and text. Every string from outside becomes a text node, and only after its odd characters are made visible.
import { visible } from "/static/visible.js";

/** An element. Attributes whose name begins with `on` are listeners; null, undefined and false leave one out. */
export function el(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) set(made, name, value);
  fill(made, ...children);
  return made;
}

function set(element, name, value) {
  if (value === null || value === undefined || value === false) return;
  if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
  else if (name === "hue") element.style.setProperty("--hue", value);
  else if (name === "share") element.style.setProperty("--share", value);
  else element.setAttribute(name, value === true ? "" : visible(String(value)));
}

/** Puts children at the end: elements as they are, all else as text. */
export function fill(element, ...children) {
  for (const child of children.flat(Infinity)) {
    if (child === null || child === undefined || child === false) continue;
    element.append(child instanceof Node ? child : document.createTextNode(visible(String(child))));
  }
  return element;
}

/** Puts children in the place of what was there. */
export function refill(element, ...children) {
  element.replaceChildren();
  return fill(element, ...children);
}

/** An element of a drawing. */
export function svg(tag, attributes, ...children) {
  const made = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  made.append(...children);
  return made;
}

/** The sign of a fork; words stand beside it. */
export const forkSign = () => svg("svg", { viewBox: "0 0 12 12", class: "fork-sign", "aria-hidden": "true" }, svg("path", { d: "M6 11.5V7.2M2.5 .5v2.2c0 2.2 1.2 3.6 3.5 4.5 2.3-.9 3.5-2.3 3.5-4.5V.5" }));

const said = () => document.getElementById("said");

/** Says something to those who listen to the page. */
export function announce(words) {
  said().textContent = visible(words);
}

/** A button that copies what `text` gives, and says so. */
export function copying(label, text, what = "") {
  const button = el("button", { type: "button", class: "quiet", title: what || null }, label);
  button.addEventListener("click", async (event) => {
    event.stopPropagation();
    try {
      await navigator.clipboard.writeText(await text());
      button.textContent = "copied";
    } catch {
      button.textContent = "cannot copy here";
    }
    announce(button.textContent);
    setTimeout(() => { button.textContent = label; }, 1500);
  });
  return button;
}

// When what a script draws has to be drawn anew: in another width, in other colours, or on paper, which is light.

const root = document.documentElement;
const tell = () => dispatchEvent(new Event("looks"));

addEventListener("resize", tell);
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", tell);
addEventListener("beforeprint", () => { root.dataset.paper = ""; tell(); });
addEventListener("afterprint", () => { delete root.dataset.paper; tell(); });

/** Sets the colours: `light`, `dark`, or empty for those of the system. */
export function themed(theme) {
  root.dataset.theme = theme;
  tell();
}

/** Calls `draw` whenever that is so, until what it gives is called. */
export function redrawn(draw) {
  addEventListener("looks", draw);
  return () => removeEventListener("looks", draw);
}

/** Whether it is drawn for paper, whose width is told to nobody beforehand. */
export const isForPaper = () => "paper" in root.dataset;

/** A colour as it is now: itself, or a variable of the style sheet. */
export const colourOf = (colour) => (colour.startsWith("--") ? getComputedStyle(root).getPropertyValue(colour).trim() : colour);

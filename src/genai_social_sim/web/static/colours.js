// Colours that stay with what they stand for: a speaker has the same one in every view, and in every run of a study.
// The hues are far apart for the colour-blind, too; a name or a letter always stands beside them.

const HUES = [205, 25, 265, 150, 335, 50, 185, 95, 300, 5];

function hashed(name) {
  let hash = 2166136261;
  for (const char of name) hash = Math.imul(hash ^ char.codePointAt(0), 16777619);
  return hash >>> 0;
}

const places = new Map();

/** Lets the first few of a society have colours of their own. */
export function known(names) {
  places.clear();
  names.slice(0, HUES.length).forEach((name, at) => places.set(name, at));
}

/** The hue of a name, in degrees. */
export const hueOf = (name) => HUES[(places.get(name) ?? hashed(name)) % HUES.length];

/** One or two letters for a name. */
export function initials(name) {
  const parts = name.split(/[\s_.-]+/).filter(Boolean);
  const letters = parts.length > 1 ? parts[0][0] + parts.at(-1)[0] : (name.match(/^\D?/)?.[0] ?? "") + (name.match(/\d{1,2}$/)?.[0] ?? "");
  return (letters || name.slice(0, 2)).toUpperCase();
}

// Seven steps from blue over grey to orange, and eight that go with names: both can be told apart by the colour-blind.
export const DIVERGING = ["#2166ac", "#4f93c3", "#92c0dc", "#c9c9c9", "#f0b27a", "#d9762b", "#a63c06"];
export const NAMED = ["#0072b2", "#e69f00", "#009e73", "#cc79a7", "#56b4e9", "#d55e00", "#8a7a00", "#7f7f7f"];

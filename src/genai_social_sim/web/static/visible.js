// Makes characters that act instead of being seen visible, as the terminal and the tables do (domain/visible.py).
const CONTROLS = "\\u0000-\\u0008\\u000b-\\u001f\\u007f-\\u009f";
const FORMATS = "\\u00ad\\u0600-\\u0605\\u061c\\u06dd\\u070f\\u0890\\u0891\\u08e2\\u180e\\u200b\\u200e\\u200f\\u2028-\\u202e" +
  "\\u2060-\\u206f\\ufeff\\ufff9-\\ufffb\\u{110bd}\\u{110cd}\\u{13430}-\\u{1343f}\\u{1bca0}-\\u{1bca3}\\u{1d173}-\\u{1d17a}" +
  "\\u{e0001}\\u{e0020}-\\u{e007f}";
const JOINED = "\\u0620-\\u0dff\\u1000-\\u109f\\ufe0f\\u2190-\\u21ff\\u2600-\\u27bf\\u{1f000}-\\u{1faff}";
const JOINERS = "\\u200c\\u200d";
const ODD = new RegExp(
  `[${CONTROLS}${FORMATS}]|(?<![${JOINED}])[${JOINERS}]|[${JOINERS}](?![${JOINED}])`, "gu",
);

/** `text` with control, bidirectional, zero-width and other format characters written out; line feeds and tabs stay. */
export function visible(text) {
  return text.replace(ODD, (found) => `⟨U+${found.codePointAt(0).toString(16).toUpperCase().padStart(4, "0")}⟩`);
}

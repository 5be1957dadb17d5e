// Every view as code: the command and the Python line that give the same.
import { copying, el } from "/static/dom.js";
import { quoted } from "/static/words.js";

const LINES = {
  conversation: (file) => [["print it", `gss observe ${quoted(file)}`], ["Python", `Run(${JSON.stringify(file)}).utterances.df()`]],
  network: (file) => [["tables", `gss export ${quoted(file)} --to csv`], ["Python", `Run(${JSON.stringify(file)}).table("edges").df()`]],
  measures: (file) => [["tables", `gss export ${quoted(file)} --to csv`], ["Python", `Run(${JSON.stringify(file)}).table("turns").df()`]],
  forum: (file) => [["tables", `gss export ${quoted(file)} --to csv`], ["Python", `Run(${JSON.stringify(file)}).posts.df()`]],
  forks: (file) => [["compared by what was changed", `gss compare ${quoted(file)} FORK... --forks --measure NAME`], ["Python", `Run(${JSON.stringify(file)}).parent`]],
  health: (file) => [["at a glance", `gss show ${quoted(file)}`], ["Python", `Run(${JSON.stringify(file)}).table("sessions").df()`]],
};

/** Command lines for a view of a run, each with a button that copies it. */
export function asCode(run, row, view) {
  const file = row.path;
  const lines = [...LINES[view](file), ["check it", `gss verify ${quoted(file)}`], ["again, without a model", `gss replay ${quoted(file)}`]];
  if (row.status !== "finished") lines.push(["go on with it", `gss resume ${quoted(file)}`]);
  lines.push(["this page's data", `curl '${location.origin}/api/runs/${encodeURIComponent(run)}/history?after=-1'`]);
  return written(lines);
}

/** What two runs beside each other come from, folded in. */
export function codeOfTwo([a, b]) {
  const [here, there] = [a.path, b.path].map((path) => JSON.stringify(path));
  return folded([["where they part", `gss diff ${quoted(a.path)} ${quoted(b.path)}`],
    ["in Python, the first words that differ", `next(((a, b) for a, b in zip(Run(${here}).utterances, Run(${there}).utterances) if a["text"] != b["text"]), None)`],
    ["this page's data", `curl '${location.origin}/api/compare?${new URLSearchParams({ a: a.run, b: b.run })}'`]]);
}

/** What the conditions of a study come from, by one measure, folded in; `paths` are those of its runs. */
export function codeOfConditions(study, paths, measure) {
  return folded([["estimates, intervals, tests", `gss compare ${paths.map(quoted).join(" ")} --measure ${quoted(measure)}`],
    ["in Python", `compare(${JSON.stringify(paths)}, ${JSON.stringify(measure)}).df()`],
    ["this page's data", `curl '${location.origin}/api/conditions?${new URLSearchParams({ study })}'`]]);
}

const written = (lines) => lines.map(([words, line]) => el("p", { class: "code" }, el("small", {}, words), el("code", {}, line), copying("copy", () => line)));
const folded = (lines) => el("details", { class: "as-code" }, el("summary", {}, "As code"), written(lines));

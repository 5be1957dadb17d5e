// Every view as code: the command and the Python line that give the same.
import { copying, el } from "/static/dom.js";
import { quoted } from "/static/words.js";

const LINES = {
  conversation: (file) => [["print it", `gss observe ${quoted(file)}`], ["Python", `Run(${JSON.stringify(file)}).utterances.df()`]],
  network: (file) => [["tables", `gss export ${quoted(file)} --to csv`], ["Python", `Run(${JSON.stringify(file)}).table("edges").df()`]],
  measures: (file) => [["tables", `gss export ${quoted(file)} --to csv`], ["Python", `Run(${JSON.stringify(file)}).table("turns").df()`]],
  forum: (file) => [["tables", `gss export ${quoted(file)} --to csv`], ["Python", `Run(${JSON.stringify(file)}).posts.df()`]],
  forks: (file) => [["compared by what was changed", `gss compare ${quoted(file)} FORK... --forks`], ["Python", `Run(${JSON.stringify(file)}).parent`]],
  health: (file) => [["at a glance", `gss show ${quoted(file)}`], ["Python", `Run(${JSON.stringify(file)}).table("sessions").df()`]],
};

/** Command lines for a view of a run, each with a button that copies it. */
export function asCode(run, row, view) {
  const file = row.path;
  const lines = [...LINES[view](file), ["check it", `gss verify ${quoted(file)}`], ["again, without a model", `gss replay ${quoted(file)}`]];
  if (row.status !== "finished") lines.push(["go on with it", `gss resume ${quoted(file)}`]);
  lines.push(["this page's data", `curl '${location.origin}/api/runs/${encodeURIComponent(run)}/history?after=-1'`]);
  return lines.map(([words, line]) => el("p", { class: "code" }, el("small", {}, words), el("code", {}, line), copying("copy", () => line)));
}

"""What a notebook shows of studies, runs, forks and comparisons."""

from __future__ import annotations

from pathlib import Path

from genai_social_sim import Study, compare, export_runs

DESIGN = """
name: "talk"
description: "Is <b>fire</b> louder?"
seed: 3
model: {backend: scripted, words: 3}
agents: [{name: ADA}, {name: BO}]
channels: {hall: {opening: {text: "Hello."}}}
factors: {framing: {path: channels.hall.opening.text, values: {neutral: "Hello.", alarm: "Fire!"}}}
replicates: 2
stop: {rounds: 2}
durability: process
"""


def test_a_design_shows_its_conditions_and_what_it_asks() -> None:
    card = Study.parse(DESIGN)._repr_html_()
    assert "Is &lt;b&gt;fire&lt;/b&gt; louder?" in card
    for level in ("neutral", "alarm"):
        assert f"<tr><td>framing={level}</td><td>{level}</td><td>2</td></tr>" in card


def test_a_run_shows_where_it_stands_and_a_fork_where_it_comes_from(tmp_path: Path) -> None:
    run = Study.parse(DESIGN).run_all(runs=tmp_path)[0]
    fork = run.fork(at_turn=2, say={"ADA": "<script>"})
    assert f"<td>{run.digest}</td>" in run._repr_html_()
    assert "fork of" not in run._repr_html_()
    card = fork._repr_html_()
    assert f"<td>{run.path.stem} at turn 2</td>" in card
    assert "<td>say ADA=&lt;script&gt;</td>" in card


def test_a_comparison_is_a_table(tmp_path: Path) -> None:
    card = compare(Study.parse(DESIGN).run_all(runs=tmp_path), "utterance_words")._repr_html_()
    assert all(f"<td>framing={level}</td>" in card for level in ("neutral", "alarm"))


def test_a_design_is_frozen_noted_exported_and_its_runs_told_apart_from_a_notebook(tmp_path: Path) -> None:
    study = Study.parse(DESIGN)
    frozen = study.freeze(tmp_path / "talk.frozen.json")
    assert frozen.digest in frozen._repr_html_()
    runs = study.with_frozen(frozen.digest).run_all(runs=tmp_path / "runs")
    assert {run.origin.assignment.frozen for run in runs} == {frozen.digest}
    written = export_runs(runs, "jsonl", tmp_path / "tables", tables=["runs", "utterances"])
    assert [file.name for file in written.files] == ["runs.jsonl", "utterances.jsonl", "codebook.csv", "codebook.md"]
    assert "<td>4</td>" in written._repr_html_()
    assert "utterances.jsonl" in written._repr_html_()
    found = runs[0].diff(runs[1])
    assert not found.same
    assert "channels.hall.opening.text" in found._repr_html_()
    assert runs[0].diff(runs[0]).same

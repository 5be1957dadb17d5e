"""Where two runs part."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from genai_social_sim import Run, Study
from genai_social_sim.api.difference import Comparison, compared
from genai_social_sim.eventlog.reader import SqliteReader, Stored

STUDY = """
name: parted
seed: 4
model: {backend: scripted, words: 6}
agents: [{name: Ada}, {name: Bo}, {name: Cy}]
channels: {hall: {opening: {text: "Hello."}}}
stop: {turns: 12}
"""


def between(here: Run, there: Run) -> Comparison:
    with closing(SqliteReader(here.path)) as mine, closing(SqliteReader(there.path)) as theirs:
        return compared(mine, theirs)


def first(found: Comparison) -> tuple[str, int | None, str]:
    assert found.first is not None
    return (found.first.what, found.first.turn, found.first.agent)


@pytest.fixture
def run(tmp_path: Path) -> Run:
    return Study.parse(STUDY).run(runs=tmp_path)


def test_the_same_run_twice_has_no_difference(run: Run, tmp_path: Path) -> None:
    again = Study.parse(STUDY).run(runs=tmp_path / "again")
    found = between(run, again)
    assert (found.same, found.turns, found.first, found.study) == (True, 12, None, ())
    assert again.digest == run.digest


def test_another_answer_to_the_same_is_named_with_turn_and_agent(run: Run) -> None:
    branch = run.fork(at_turn=4, say={"Bo": "I was wrong."})
    found = between(run, branch)
    assert first(found) == ("answer", 4, "Bo")
    assert found.turns == 4
    assert found.first is not None
    assert found.first.there == "Bo: I was wrong."
    assert first(between(branch, run)) == ("answer", 4, "Bo")


def test_other_parameters_are_named(run: Run) -> None:
    branch = run.fork(at_turn=4, changes=["agents.Cy.model.temperature=0.1"])
    assert first(between(run, branch))[:2] == ("intervention", 4)
    other = Study.parse(STUDY, changes=["model.temperature=0.1"]).run(runs=run.path.parent)
    found = between(run, other)
    assert first(found) == ("params", 0, "Ada")
    assert "agents[0].model.temperature" in found.study


def test_another_prompt_is_named(run: Run) -> None:
    other = Study.parse(STUDY, changes=["agents.Cy.persona=You doubt."]).run(runs=run.path.parent)
    assert first(between(run, other)) == ("prompt", 2, "Cy")


def test_another_seed_is_named_by_the_first_call(run: Run) -> None:
    other = Study.parse(STUDY).run(seed=5, runs=run.path.parent)
    found = between(run, other)
    assert first(found) == ("call seed", 0, "Ada")
    assert not found.seeds


def test_a_run_that_goes_on_where_the_other_ends_is_named(run: Run) -> None:
    longer = Study.parse(STUDY, changes=["stop.turns=15"]).run(runs=run.path.parent)
    found = between(run, longer)
    assert found.turns == 12
    assert first(found)[:2] == ("end", None)
    assert found.study == ("stop.turns",)


def test_what_differs_in_the_study_alone_is_told_as_that(run: Run) -> None:
    other = Study.parse(STUDY, changes=["timeouts.answer=60 s"]).run(runs=run.path.parent)
    found = between(run, other)
    assert first(found) == ("study", None, "")
    assert found.study == ("timeouts.answer",)


def test_a_shared_past_is_not_read(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    branch = run.fork(at_turn=11, say={"Cy": "No."})
    read: list[int] = []
    stored = SqliteReader.stored

    def noted(self: SqliteReader, **which: Any) -> Iterator[Stored]:
        for row in stored(self, **which):
            read.append(row.seq)
            yield row

    monkeypatch.setattr(SqliteReader, "stored", noted)
    assert first(between(run, branch)) == ("answer", 11, "Cy")
    with closing(SqliteReader(run.path)) as reader:
        fork_at = next(reader.query("SELECT seq FROM events WHERE turn = 10 AND kind = 'spoke'"))[0]
    assert [seq for seq in read if 0 < seq <= fork_at] == []

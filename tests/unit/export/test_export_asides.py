"""Tables of what happened between turns: answers to probes, interventions, and the calls behind them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from genai_social_sim import Run, Study

STUDY = """
name: aside
seed: 5
model: {backend: scripted, answers: ["0", "1"]}
agents: [{name: ADA}, {name: BO}]
channels: {hall: {}}
stop: {turns: 4}
probes:
  - {name: stance, at: [start, turn 2], text: "Where do you stand?", scale: [-1, 0, 1]}
  - {name: why, at: end, text: "Why?", to: [BO]}
interventions:
  - {at: turn 2, kind: broadcast, text: "A fact check."}
  - {at: turn 2, kind: persona, agents: [ADA], persona: "You are {{ name }}, and angry."}
  - {at: turn 3, kind: mute, agents: [BO]}
"""


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    return Study.parse(STUDY).run(runs=tmp_path_factory.mktemp("runs"))


def test_each_answer_aside_has_a_row_with_what_it_was_and_when(run: Run) -> None:
    rows = [(row["turn"], row["probe"], row["agent"], row["channel"]) for row in run.probes]
    stance = [(turn, "stance", agent, "hall") for turn in (0, 2) for agent in ("ADA", "BO")]
    assert rows == [*stance, (4, "why", "BO", "hall")]
    rated = [row for row in run.probes if row["probe"] == "stance"]
    assert all(row["choice"] == row["text"] == row["raw_text"] for row in rated)
    assert {str(row["choice"]) for row in rated} <= {"-1", "0", "1"}


def test_what_was_answered_aside_is_no_utterance_and_no_turn(run: Run) -> None:
    assert [row["turn"] for row in run.table("turns")] == [0, 1, 2, 3]
    assert "A fact check." in {row["text"] for row in run.utterances}  # everybody heard it
    assert len(run.utterances) == 4  # BO is muted in the last of the four turns


def test_each_intervention_has_a_row_with_the_change(run: Run) -> None:
    rows = [*run.table("interventions")]
    assert [(row["turn"], row["number"], row["kind"]) for row in rows] == [
        (2, 0, "broadcast"),
        (2, 1, "persona"),
        (3, 2, "mute"),
    ]
    assert json.loads(str(rows[1]["change"]))["personas"] == [["ADA", "You are ADA, and angry."]]


def test_calls_aside_are_told_from_those_of_turns(run: Run) -> None:
    calls = [(row["turn"], row["probe"], row["agent"]) for row in run.calls]
    assert [call for call in calls if call[0] == 2] == [(2, "stance", "ADA"), (2, "stance", "BO"), (2, None, "ADA")]
    assert (4, "why", "BO") in calls


def test_a_call_aside_without_an_outcome_is_known_by_its_probe(tmp_path: Path) -> None:
    text = STUDY.replace("answers:", "faults: {error: 1}, answers:") + "timeouts: {on_failure: stop, attempts: 1}\n"
    with pytest.raises(Exception, match="scripted fault"):
        Study.parse(text).run(runs=tmp_path)
    (path,) = tmp_path.glob("*.sqlite")
    assert ("stance", "ADA") in {(row["probe"], row["agent"]) for row in Run(path).calls}


def test_the_record_of_a_plan_can_be_checked_and_played_again(run: Run) -> None:
    assert run.verify().ok
    assert run.replay().ok


def test_a_fork_of_it_without_a_change_comes_to_the_same(run: Run) -> None:
    assert run.fork(at_turn=2).digest == run.digest

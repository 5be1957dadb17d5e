"""What an agent had read in a conversation, where the same words are said again and again."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import pytest
from tests.support.pages import play, served

from genai_social_sim import Run

AGREED: Final = """
name: agreed
seed: 4
model: {backend: scripted, answers: ["Yes."]}
agents: [{name: ada}, {name: bo}, {name: cy}]
channels:
  hall: {protocol: PROTOCOL, opening: {from: system, text: "Shall we?"}}
memory: {kind: window, utterances: 4}
stop: {rounds: 5}
"""
CUT: Final = """
network: {kind: edges, edges: [[ada, bo], [bo, cy]]}
interventions: [{at: round 2, kind: remove_edges, edges: [[ada, bo]]}]
"""


def asked(run: Path, path: str) -> Any:
    with served(run.parent) as site:
        return site.api(f"/runs/{run.stem}/turns/{path}")


def read(run: Path, turns: Sequence[int | str]) -> list[list[int | None]]:
    """Of each turn: the turns whose utterances its agent had read."""
    with served(run.parent) as site:
        found = [site.api(f"/runs/{run.stem}/turns/{turn}") for turn in turns]
    assert [each["read_left_out"] for each in found] == [""] * len(found)
    return [[said["turn"] for said in each["read"]] for each in found]


def test_in_a_simultaneous_round_nobody_had_read_what_was_said_in_it(tmp_path: Path) -> None:
    one_by_one = AGREED.replace('["Yes."]', '["Yes."], latency: 0.005, slots: 1')  # some have spoken, others are asked
    run = play(tmp_path, one_by_one.replace("PROTOCOL", "simultaneous"))
    before = [None, *range(15)]
    for turn, found in enumerate(read(run, range(15))):
        begun = turn // 3 * 3
        assert found == before[: begun + 1][-4:]


def test_in_turns_the_last_were_read_though_all_said_the_same(tmp_path: Path) -> None:
    run = play(tmp_path, AGREED.replace("PROTOCOL", "round_robin"))
    before = [None, *range(15)]
    assert read(run, range(15)) == [before[: turn + 1][-4:] for turn in range(15)]


@pytest.mark.parametrize(("protocol", "until_cut"), [("simultaneous", [0]), ("round_robin", [0, 3])])
def test_what_was_said_where_an_edge_was_cut_had_not_been_read(
    tmp_path: Path, protocol: str, until_cut: list[int]
) -> None:  # a simultaneous round is read at the next one, by the edges of then
    text = AGREED.replace("PROTOCOL", protocol).replace("utterances: 4", "utterances: 40") + CUT
    (found,) = read(play(tmp_path, text), [13])  # of bo in the last round
    by_ada = [turn for turn in found if turn is not None and turn % 3 == 0]
    assert by_ada == until_cut
    assert [turn for turn in found if turn is not None and turn % 3 == 2] == [2, 5, 8, 11]


def test_a_question_aside_shows_what_had_been_said_by_then(tmp_path: Path) -> None:
    probe = 'probes: [{name: stance, every: 2 rounds, scale: [1, 2, 3], text: "Where do you stand?"}]\n'
    run = play(tmp_path, AGREED.replace("PROTOCOL", "simultaneous") + probe)
    assert read(run, ["6?probe=stance&agent=bo"]) == [[2, 3, 4, 5]]


def test_what_a_summary_tells_in_short_is_not_named(tmp_path: Path) -> None:
    memory = "memory: {kind: summary, utterances: 2, every: 3}"
    text = AGREED.replace("PROTOCOL", "round_robin").replace("memory: {kind: window, utterances: 4}", memory)
    found = read(play(tmp_path, text), range(6, 15))
    assert all(turns == [*range(turn - len(turns), turn)] for turn, turns in enumerate(found, start=6))
    assert all(2 <= len(turns) < 6 for turns in found)


def test_of_a_turn_far_into_a_long_run_it_is_said_that_it_is_not_known(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("genai_social_sim.api.heard._LONG", 10)
    found = asked(play(tmp_path, AGREED.replace("PROTOCOL", "simultaneous") + CUT), "13")
    assert found["read"] == []
    assert "too far into the run" in found["read_left_out"]


def test_of_a_long_run_that_everybody_hears_it_is_known_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("genai_social_sim.api.heard._LONG", 0)
    run = play(tmp_path, AGREED.replace("PROTOCOL", "simultaneous"))
    assert read(run, [13]) == [[8, 9, 10, 11]]
    with Run(run) as whole:
        prompt = whole.prompt(13)
    assert prompt is not None
    assert prompt.text.count("Yes.") == 4

"""Forks: the same past, something else said, and nothing else changed that the change does not touch."""

from __future__ import annotations

from pathlib import Path

import pytest

from genai_social_sim import Request, Run, Study
from genai_social_sim.errors import RequestError

STUDY = """
name: forked
seed: 4
model: {backend: scripted, function: speak, faults: {error: 0.2}}
agents: [{name: Ada}, {name: Bo}, {name: Cy}]
channels:
  hall: {members: [Ada, Bo], opening: {text: "Hello."}}
  yard: {members: [Bo, Cy], protocol: simultaneous}
stop: {rounds: 6}
"""


def speak(request: Request) -> str:
    """Answers that depend on the last thing heard and on the derived seed."""
    heard = request.heard[-1].text.value if request.heard else "nothing"
    return f"{len(heard)} {heard[:1]} {request.seed}"


@pytest.fixture
def run(tmp_path: Path) -> Run:
    return Study.parse(STUDY).run(runs=tmp_path, functions={"speak": speak})


@pytest.mark.parametrize("at_turn", [0, 1, 7, 23, 24])
def test_a_fork_without_a_change_comes_to_the_same_digest(run: Run, at_turn: int) -> None:
    branch = run.fork(at_turn=at_turn, functions={"speak": speak})
    assert branch.digest == run.digest
    assert (branch.verify().ok, branch.replay().ok) == (True, True)


def test_what_is_said_instead_changes_its_own_channel_from_there_and_no_other(run: Run) -> None:
    branch = run.fork(at_turn=8, say={"Ada": "I was wrong."}, functions={"speak": speak})
    old, new = ([(row["turn"], row["channel"], row["text"]) for row in each.utterances] for each in (run, branch))
    assert (8, "hall", "I was wrong.") in new
    changed = {(turn, channel) for turn, channel, _ in set(new) - set(old)}
    assert {channel for _, channel in changed} == {"hall"}
    assert min(turn for turn, _ in changed if isinstance(turn, int)) == 8
    assert (9, "hall") in changed
    assert (branch.status, branch.verify().ok, branch.replay().ok) == ("finished", True, True)
    assert branch.digest != run.digest


def test_the_past_is_not_asked_for_again(run: Run) -> None:
    asked = []

    def noted(request: Request) -> str:
        asked.append(request.turn)
        return speak(request)

    run.fork(at_turn=10, say={"Bo": "No."}, functions={"speak": noted})
    assert min(asked) >= 10


def test_an_agent_without_a_turn_then_is_refused_with_those_who_have_one(run: Run) -> None:
    with pytest.raises(RequestError, match="Ada") as caught:
        run.fork(at_turn=9, say={"Ada": "Me!"}, functions={"speak": speak})
    assert "Bo" in caught.value.remedy


def test_a_turn_that_the_run_has_not_reached_is_refused(run: Run) -> None:
    with pytest.raises(RequestError, match="it has 24 turns"):
        run.fork(at_turn=25, functions={"speak": speak})

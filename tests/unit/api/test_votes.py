"""A committee that votes, from the study to the tables: what is chosen is a fact of its own."""

from __future__ import annotations

from pathlib import Path

import pytest

from genai_social_sim import Request, Run, Study
from genai_social_sim.backends.rule import Observation
from genai_social_sim.domain.events import FellSilent
from genai_social_sim.errors import RequestError

STUDY = """
name: committee
seed: 4
model: {backend: scripted, function: vote}
agents: [{name: Ada}, {name: Bo}, {name: Cy}]
protocol: simultaneous
channels:
  ballot:
    act: {kind: choose, options: [open it, keep it shut], shuffle: true, labels: true}
    opening: {text: "Shall we open the mine?"}
stop: {rounds: 3}
"""
OPTIONS = {"open it", "keep it shut"}


def vote(request: Request) -> str:
    """Ada picks what is shown first, Bo says the option itself, Cy cannot decide."""
    return {"Ada": request.choices[0], "Bo": f"{request.meanings[-1].upper()}.", "Cy": "Both?"}[request.agent]


@pytest.fixture
def run(tmp_path: Path) -> Run:
    return Study.parse(STUDY).run(runs=tmp_path, functions={"vote": vote})


def test_votes_stand_in_the_tables(run: Run) -> None:
    opening, *votes = [(row["speaker"], row["text"], row["choice"]) for row in run.utterances]
    assert opening == ("system", "Shall we open the mine?", None)
    assert [speaker for speaker, *_ in votes] == ["Ada", "Bo"] * 3
    assert all(text == choice and choice in OPTIONS for _, text, choice in votes)
    assert {row["cause"] for row in run.table("turns") if row["agent"] == "Cy"} == {"unreadable"}
    (channel,) = run.table("channels").rows()
    assert (channel["act"], '"labels":true' in str(channel["act_options"])) == ("choose", True)


def test_the_raw_answer_stays_beside_what_was_read(run: Run) -> None:
    raws = [(row["agent"], row["raw_answer"], row["legal_mass"]) for row in run.calls if row["round"] == 0]
    assert raws[0][1] in ("A", "B")
    assert (raws[2], run.verify().ok, run.replay().ok) == (("Cy", "Both?", None), True, True)


def test_a_fork_can_change_a_vote_and_only_to_an_option(run: Run) -> None:
    branch = run.fork(at_turn=3, say={"Cy": "open it"}, functions={"vote": vote})
    changed = [row["choice"] for row in branch.utterances if row["speaker"] == "Cy"]
    assert (changed, branch.replay().ok) == (["open it"], True)
    with pytest.raises(RequestError, match="none of its options") as caught:
        run.fork(at_turn=3, say={"Cy": "I was wrong."}, functions={"vote": vote})
    assert "keep it shut" in caught.value.remedy


def test_a_recorded_letter_under_another_seed_would_be_noticed(run: Run) -> None:
    other = Study.parse(STUDY.replace("seed: 4", "seed: 5")).run(runs=run.path.parent, functions={"vote": vote})
    assert [run.prompt(turn) for turn in range(9)] != [other.prompt(turn) for turn in range(9)]
    assert run.digest != other.digest


def test_rules_vote_by_the_names_of_options_and_may_pass(tmp_path: Path) -> None:
    def follow(seen: Observation) -> str | None:
        votes = [text for _, text in seen.heard if text in seen.options]
        return max(seen.options, key=votes.count) if votes else (None if seen.agent == "Cy" else "keep it shut")

    text = STUDY.replace("backend: scripted, function: vote", "backend: rule, function: follow")
    run = Study.parse(text).run(runs=tmp_path, functions={"follow": follow})
    assert {row["choice"] for row in run.utterances if row["turn"] is not None} == {"keep it shut"}
    silent = [recorded.event for recorded in run.events() if isinstance(recorded.event, FellSilent)]
    assert [(event.agent, event.round, event.cause) for event in silent] == [("Cy", 0, "passed")]

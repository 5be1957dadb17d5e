"""Forks: the same past, something else said, and nothing else changed that the change does not touch."""

from __future__ import annotations

import json
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from genai_social_sim import Request, Run, Study
from genai_social_sim.api.family import forks_among
from genai_social_sim.errors import RequestError
from genai_social_sim.eventlog.reader import SqliteReader

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

POPULATION = """agents: [{name: Ada}, {name: Bo}, {name: Cy}]
population: {size: 4, attributes: {age: {uniform: [20, 60]}}}"""


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


def events_of(run: Run) -> list[tuple[int, float, str, bytes]]:
    with closing(SqliteReader(run.path)) as reader:
        return [(row.seq, row.at, row.body, row.chain) for row in reader.stored()]


def test_the_past_is_the_parents_own_events_to_the_link_of_the_chain(run: Run) -> None:
    branch = run.fork(at_turn=8, say={"Ada": "I was wrong."}, functions={"speak": speak})
    mine, theirs = events_of(branch), events_of(run)
    shared = [one for one, other in zip(mine, theirs, strict=False) if one == other]
    with closing(SqliteReader(run.path)) as reader:
        last = next(reader.query("SELECT seq FROM events WHERE turn = 7 AND kind IN ('spoke', 'fell_silent')"))[0]
    early = {seq for seq, _, body, _ in theirs if seq < last and '"attempt"' in body and json.loads(body)}
    assert len(shared) > len(theirs) // 5
    assert len(shared) <= last + 1
    assert early
    assert branch.verify().ok


def test_a_fork_knows_its_parent_and_forks_of_forks_are_a_tree(run: Run) -> None:
    branch = run.fork(at_turn=8, say={"Ada": "I was wrong."}, functions={"speak": speak})
    twig = branch.fork(at_turn=12, mute=["Cy"], functions={"speak": speak})
    assert branch.parent is not None
    assert (branch.parent.id, branch.parent.run) == (run.origin.id, run.path.stem)
    assert (branch.parent.at_turn, branch.parent.changes) == (8, ("say Ada=I was wrong.",))
    assert twig.parent is not None
    assert twig.parent.id == branch.origin.id
    assert run.parent is None
    assert len({run.origin.id, branch.origin.id, twig.origin.id}) == 3
    family = forks_among([run, branch, twig])
    assert [(fork.run.path, fork.parent.path if fork.parent else None) for fork in family] == [
        (branch.path, run.path),
        (twig.path, branch.path),
    ]


def test_a_fork_of_a_run_of_a_design_keeps_its_place(tmp_path: Path) -> None:
    study = Study.parse(STUDY + "factors: {length: {path: stop.rounds, values: [3, 6]}}\n")
    parent = study.run_all(runs=tmp_path, functions={"speak": speak}, only=["length=3"])[0]
    branch = parent.fork(at_turn=4, functions={"speak": speak})
    assert (branch.condition, branch.digest) == ("length=3", parent.digest)


def test_an_agent_that_is_muted_has_its_turns_passed_over_from_there_on(run: Run) -> None:
    branch = run.fork(at_turn=8, mute=["Ada"], functions={"speak": speak})
    late = [row for row in calls_of(branch) if row["turn"] >= 8]
    assert {row["agent"] for row in late} == {"Bo", "Cy"}
    assert [row["text"] for row in branch.utterances][:8] == [row["text"] for row in run.utterances][:8]
    assert (branch.verify().ok, branch.replay().ok) == (True, True)


def calls_of(run: Run) -> list[dict[str, Any]]:
    return [dict(row) for row in run.calls.rows()]


def asked(run: Run) -> dict[tuple[int, str], tuple[int, str]]:
    """The seed and parameters of every call, by turn and agent."""
    return {(row["turn"], row["agent"]): (row["seed"], row["params"]) for row in calls_of(run)}


@pytest.mark.parametrize(
    "change",
    [
        {"say": {"Ada": "No."}},
        {"changes": ["model.temperature=0.1"]},
        {"interventions": [{"kind": "topic", "topic": "X"}]},
    ],
)
def test_a_change_keeps_every_draw_that_it_does_not_touch(tmp_path: Path, change: dict[str, Any]) -> None:
    text = STUDY.replace("agents: [{name: Ada}, {name: Bo}, {name: Cy}]", POPULATION)
    text = text.replace(
        "hall: {members: [Ada, Bo], ", "hall: {protocol: sequential, network: {kind: erdos_renyi, p: 0.5}, "
    )
    text = text.replace("yard: {members: [Bo, Cy], ", "yard: {")
    run = Study.parse(text.replace(", faults: {error: 0.2}", "")).run(runs=tmp_path, functions={"speak": speak})
    at_turn = (
        next(turn for (turn, agent) in sorted(asked(run)) if turn >= 20 and agent == "Ada") if "say" in change else 20
    )
    branch = run.fork(at_turn=at_turn, functions={"speak": speak}, **change)
    assert branch.study["population"] == run.study["population"]
    assert [each["network"] for each in branch.study["channels"].values() if "network" in each] == [
        each["network"] for each in run.study["channels"].values() if "network" in each
    ]
    mine, theirs = asked(branch), asked(run)
    assert {key: seed for key, (seed, _) in mine.items() if mine} == {key: seed for key, (seed, _) in theirs.items()}
    assert branch.digest != run.digest
    assert (branch.verify().ok, branch.replay().ok) == (True, True)


def test_decoding_changes_from_the_fork_on_and_not_before(run: Run) -> None:
    branch = run.fork(at_turn=8, changes=["model.temperature=0.1"], functions={"speak": speak})
    rows = [(row["turn"], json.loads(row["params"])["temperature"]) for row in calls_of(branch)]
    assert {heat for turn, heat in rows if turn < 8} == {0.7}
    assert {heat for turn, heat in rows if turn >= 8} == {0.1}


def test_one_agents_persona_can_be_changed(run: Run) -> None:
    branch = run.fork(at_turn=8, changes=["agents.Bo.persona=You doubt everything."], functions={"speak": speak})
    first = next(row["turn"] for row in calls_of(branch) if row["agent"] == "Bo" and row["turn"] >= 8)
    before = next(row["turn"] for row in calls_of(branch) if row["agent"] == "Bo" and row["turn"] < 8)
    assert "You doubt everything." in branch.prompt(first).text  # type: ignore[union-attr]
    assert "You doubt everything." not in branch.prompt(before).text  # type: ignore[union-attr]


def test_a_finished_run_can_be_forked_into_a_longer_one(run: Run) -> None:
    branch = run.fork(at_turn=24, changes=["stop.rounds=9"], functions={"speak": speak})
    assert (branch.turns, branch.status) == (36, "finished")
    assert [row["text"] for row in branch.utterances][: len([*run.utterances])] == [
        row["text"] for row in run.utterances
    ]
    assert branch.replay().ok


def test_an_end_that_the_past_would_have_had_is_refused(run: Run) -> None:
    with pytest.raises(RequestError, match="would have ended before turn 8"):
        run.fork(at_turn=8, changes=["stop.rounds=1"], functions={"speak": speak})


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ("memory.utterances=3", "cannot be changed on the way"),
        ("model.temprature=3", "no 'temprature' under `model`"),
        ("channels.hall.members=[Ada]", "cannot be changed on the way"),
        ("model.temperature=hot", "a number is expected"),
        ("nothing", "is no change"),
    ],
)
def test_what_cannot_be_changed_is_refused_and_leaves_no_record(run: Run, change: str, words: str) -> None:
    before = sorted(run.path.parent.iterdir())
    with pytest.raises(RequestError, match=words):
        run.fork(at_turn=8, changes=[change], functions={"speak": speak})
    assert sorted(run.path.parent.iterdir()) == before


ROUNDS = """
name: order
seed: 5
model: {backend: scripted, words: 3}
agents: [{name: Ada}, {name: Bo}, {name: Cy}, {name: Di}]
protocol: sequential
channels: {hall: {opening: {text: "Hello."}}}
stop: {rounds: 5}
"""


def speakers(run: Run) -> list[str]:
    return [str(row["speaker"]) for row in run.utterances][1:]


def test_other_chance_draws_all_anew_but_the_round_that_has_begun(tmp_path: Path) -> None:
    run = Study.parse(ROUNDS).run(runs=tmp_path)
    forks = [run.fork(at_turn=6, resample=number) for number in range(4)]
    assert forks[0].digest == run.digest
    assert len({fork.digest for fork in forks}) == 4
    assert all(speakers(fork)[:8] == speakers(run)[:8] for fork in forks)
    assert len({tuple(speakers(fork)[8:]) for fork in forks}) == 4
    assert all(sorted(speakers(fork)[at : at + 4]) == ["Ada", "Bo", "Cy", "Di"] for fork in forks for at in (8, 12, 16))
    seeds = [[row["seed"] for row in calls_of(fork)] for fork in forks]
    assert [len({*one[6:]} & {*seeds[0][6:]}) for one in seeds[1:]] == [0, 0, 0]
    assert all(one[:6] == seeds[0][:6] for one in seeds)
    assert all(fork.verify().ok and fork.replay().ok for fork in forks)


def test_the_same_other_chance_is_the_same_with_and_without_a_change(tmp_path: Path) -> None:
    run = Study.parse(ROUNDS).run(runs=tmp_path)
    plain = run.fork(at_turn=8, resample=2)
    muted = run.fork(at_turn=8, resample=2, changes=["model.max_tokens=7"])
    assert speakers(plain) == speakers(muted)
    assert [row["seed"] for row in calls_of(plain)] == [row["seed"] for row in calls_of(muted)]
    first, second = forks_among([plain, muted])
    assert first.pair == second.pair
    assert run.fork(at_turn=8, resample=2).digest == plain.digest

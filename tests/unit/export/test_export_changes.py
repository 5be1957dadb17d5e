"""What tables say of agents and edges that changed while a run was played; and that such a run can be trusted."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from genai_social_sim import Run, Study

STUDY = """
name: change
seed: 5
model: {backend: scripted, answers: ["Well."]}
roles: {chair: {authority: 3}}
agents: [{name: ADA}, {name: BO, attributes: {party: left}}, {name: CY, attributes: {party: right}}]
channels:
  hall: {network: {kind: edges, edges: [[ADA, BO], [BO, CY]]}}
  yard: {protocol: simultaneous}
stop: {turns: 30}
probes:
  - {name: mood, every: 2 rounds, text: "How are you?"}
interventions:
  - {at: turn 3, kind: role, agents: [ADA], role: chair}
  - {at: turn 4, kind: model, agents: [BO], model: {backend: scripted, answers: ["Hm."], temperature: 0.1}}
  - {at: turn 5, kind: sampling, agents: [BO], max_tokens: 7}
  - {at: turn 5, kind: persona, agents: [CY], persona: "{{ name }} is angry."}
  - {at: turn 7, kind: remove_edges, where: {between: [left, ADA]}, channels: [hall]}
  - {at: turn 8, kind: add_edges, edges: [[ADA, CY]], channels: [hall]}
  - {at: turn 13, kind: remove_edges, edges: [[ADA, BO]], channels: [yard]}
  - {at: round 3, kind: network, network: {kind: star, center: CY}, channel: hall}
"""


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    return Study.parse(STUDY).run(runs=tmp_path_factory.mktemp("runs"))


def test_an_agent_has_a_row_as_the_run_began_and_one_for_each_change(run: Run) -> None:
    rows = [*run.table("agents")]
    assert [(row["agent"], row["from_turn"]) for row in rows] == [
        ("ADA", 0), ("BO", 0), ("CY", 0), ("ADA", 3), ("BO", 4), ("BO", 5), ("CY", 5),
    ]  # fmt: skip
    assert [(row["role"], row["authority"]) for row in rows if row["agent"] == "ADA"] == [(None, 1), ("chair", 3)]
    bo = [(row["temperature"], row["max_tokens"], row["model_options"]) for row in rows if row["agent"] == "BO"]
    assert bo[0][:2] == (0.7, 100)
    assert [each[:2] for each in bo[1:]] == [(0.1, 100), (0.1, 7)]
    assert json.loads(str(bo[2][2])) == {"answers": ["Hm."]}
    assert [row["persona"] for row in rows if row["agent"] == "CY"] == ["", "CY is angry."]
    assert {row["attribute_party"] for row in rows if row["agent"] == "BO"} == {"left"}


def test_an_edge_has_a_row_for_the_time_through_which_it_was_there(run: Run) -> None:
    rows = [(row["speaker"], row["listener"], row["from_turn"], row["until_turn"]) for row in run.table("edges")]
    assert rows[:3] == [("ADA", "BO", 0, 7), ("BO", "CY", 0, None), ("ADA", "CY", 8, None)]
    yard = [row for row in run.table("edges") if row["channel"] == "yard"]
    assert [(row["speaker"], row["listener"], row["until_turn"]) for row in yard] == [
        ("ADA", "BO", 13),
        ("ADA", "CY", None),
        ("BO", "CY", None),
    ]


def test_what_was_in_force_in_a_turn_is_in_its_call(run: Run) -> None:
    calls = [row for row in run.calls if row["probe"] is None]
    bo = [(row["turn"], json.loads(str(row["params"]))) for row in calls if row["agent"] == "BO"]
    assert [(turn, asked["temperature"], asked["max_tokens"]) for turn, asked in bo[:4]] == [
        (1, 0.7, 100),
        (4, 0.1, 100),
        (7, 0.1, 7),
        (10, 0.1, 7),
    ]
    assert ["angry" in str(run.prompt(turn)) for turn in (2, 5, 8)] == [False, True, True]
    assert ["ADA (chair)" in str(run.prompt(turn)) for turn in (1, 4, 7)] == [False, True, False]  # no longer heard


def test_a_run_with_changes_can_be_checked_played_again_and_forked(run: Run) -> None:
    assert run.verify().ok
    assert run.replay().ok
    for turn in (0, 4, 7, 13, 14):
        assert run.fork(at_turn=turn).digest == run.digest


def test_a_run_with_changes_is_gone_on_with_wherever_it_stopped(run: Run, tmp_path: Path) -> None:
    """Also where a model is asked for that no agent began with."""
    fork = run.fork(at_turn=5, say={"CY": "Something else."})
    assert fork.digest != run.digest
    assert fork.verify().ok
    assert fork.replay().ok


FLAGSHIP = """
name: opinion-change
seed: 1
model: {{backend: scripted, choose: true}}
roles: {{persuader: {{told: nothing}}}}
agents:
  - {{name: HUB, attributes: {{camp: left}}}}
  - {{name: A1, attributes: {{camp: left}}}}
  - {{name: A2, attributes: {{camp: left}}}}
  - {{name: B1, attributes: {{camp: right}}}}
  - {{name: B2, attributes: {{camp: right}}}}
  - {{name: PL, persona: "You argue for the left.", role: persuader, attributes: {{camp: left}}}}
  - {{name: PR, persona: "You argue for the right.", role: persuader, attributes: {{camp: right}}}}
channels:
  hall:
    protocol: {{kind: pairwise, pick: link, acts: both}}
    network: {{kind: star, center: HUB}}
    act: {{kind: rate, scale: [-2, -1, 0, 1, 2]}}
probes:
  - {{name: stance, every: 10 turns, at: [start, end], scale: [-2, -1, 0, 1, 2], text: "Where do you stand?"}}
interventions:
{changes}
stop: {{turns: 100}}
"""
AT_50 = {
    "fact check": ["{at: turn 50, kind: broadcast, text: 'A fact check: it is flooded.'}"],
    "crossed persuaders": [
        "{at: turn 50, kind: admit, agents: [PL, PR]}",
        "{at: turn 50, kind: add_edges, where: {between: [PL, right]}}",
        "{at: turn 50, kind: add_edges, where: {between: [PR, left]}}",
    ],
    "remove the hub": ["{at: turn 50, kind: remove, agents: [HUB]}"],
    "isolate the hub": ["{at: turn 50, kind: remove_edges, where: {of: HUB}}"],
}


@pytest.mark.parametrize("name", AT_50)
def test_what_the_study_of_opinion_change_does_half_way_can_be_written(name: str, tmp_path: Path) -> None:
    changes = "\n".join([f"  - {change}" for change in AT_50[name]])
    run = Study.parse(FLAGSHIP.format(changes=changes)).run(runs=tmp_path)
    assert {row["turn"] for row in run.table("interventions")} == {50}
    assert run.verify().ok
    assert run.replay().ok
    silent = {(row["agent"], int(str(row["turn"])) < 50) for row in run.table("turns") if row["cause"] == "absent"}
    gone = {"crossed persuaders": {("PL", True), ("PR", True)}, "remove the hub": {("HUB", False)}}
    assert silent == gone.get(name, set())
    edges = {(row["speaker"], row["listener"]) for row in run.table("edges") if row["until_turn"] is None}
    assert (("PL", "B1") in edges or ("B1", "PL") in edges) == (name == "crossed persuaders")
    assert len(edges) == {"isolate the hub": 0, "crossed persuaders": 6 + 3 + 2}.get(name, 6)

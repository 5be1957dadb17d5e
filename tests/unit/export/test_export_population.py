"""What tables say of a population is what was in the run."""

from __future__ import annotations

import json
from hashlib import sha256
from pathlib import Path
from typing import Final

import pytest
from click.testing import CliRunner

from genai_social_sim import Run, Study
from genai_social_sim.cli.app import app

TOWN: Final = """
name: town
model: {backend: scripted, words: 5}
population:
  size: 20
  attributes:
    age: {integer: [20, 80]}
    member: {choice: [true, false]}
    party: {quota: {left: 1, right: 1}}
    score: {by: party, each: {left: {constant: 1}}, otherwise: {uniform: [0, 1]}}
    remark: {by: party, each: {left: {constant: 5}}, otherwise: {constant: none}}
  persona: "{{ age }} and {{ party }}"
  role: citizen
  groups: [{where: {age: {min: 50}}, role: elder, model: {words: 3}}]
agents: [{name: ZOE, role: elder}, {name: ADA, attributes: {age: 30}}]
roles: {citizen: {}, elder: {authority: 2.5}}
channels:
  all: {protocol: simultaneous}
  turns: {}
  left: {members: {agents: [ZOE], where: {party: left, age: {max: 60}}}}
  named: {members: [ZOE, agent0002], protocol: random}
stop: {turns: 2}
"""


@pytest.fixture(scope="module")
def study() -> Study:
    return Study.parse(TOWN)


@pytest.fixture(scope="module")
def run(study: Study, tmp_path_factory: pytest.TempPathFactory) -> Run:
    return study.run(seed=4, runs=tmp_path_factory.mktemp("runs"))


def test_each_agent_is_as_it_was_in_the_run(study: Study, run: Run) -> None:
    rows = {row["agent"]: row for row in run.table("agents")}
    agents = study.plan(seed=4).agents
    assert sorted(map(str, rows)) == [agent.name for agent in agents]
    for agent in agents:
        row = rows[agent.name]
        assert (row["persona"], row["role"], row["authority"]) == (agent.persona, agent.role, agent.authority)
        assert json.loads(str(row["attributes"])) == dict(agent.attributes)
        assert (row["backend"], row["model_options"]) == (agent.model.backend, agent.model.options)


def test_each_attribute_has_a_column_of_its_own_type(study: Study, run: Run) -> None:
    types = {column.name: column.type for column in run.table("agents").columns}
    own = {"age": "integer", "member": "flag", "party": "text", "remark": "text", "score": "number"}
    assert {name.removeprefix("attribute_"): types[name] for name in types if name.startswith("attribute_")} == own
    of_one = next(dict(agent.attributes) for agent in study.plan(seed=4).agents if agent.name == "agent0001")
    row = next(row for row in run.table("agents") if row["agent"] == "agent0001")
    assert [row[f"attribute_{name}"] for name in ("age", "member")] == [of_one["age"], of_one["member"]]


def test_an_agent_without_an_attribute_has_no_value_in_its_column(run: Run) -> None:
    assert next(row["attribute_party"] for row in run.table("agents") if row["agent"] == "ADA") is None


def test_each_channel_has_the_members_that_it_had_in_the_run(study: Study, run: Run) -> None:
    members = {row["channel"]: json.loads(str(row["members"])) for row in run.table("channels")}
    assert members == {channel.name: [*channel.members] for channel in study.plan(seed=4).channels}


def test_runs_of_one_study_have_its_digest_whatever_their_seeds(tmp_path: Path) -> None:
    network = "all: {network: {kind: watts_strogatz, k: 2, p: 0.5}, "
    study = Study.parse(TOWN.replace("all: {", network))
    rows = []
    for seed in (4, 5):
        with study.run(seed=seed, runs=tmp_path) as run:
            rows += run.table("runs").rows()
    assert {row["study_digest"] for row in rows} == {sha256(study.text.encode()).hexdigest()}
    assert len({row["digest"] for row in rows}) == 2


def test_a_run_with_a_population_replays_and_verifies(run: Run) -> None:
    assert run.verify().ok
    assert run.replay().ok


def test_the_run_at_a_glance_counts_its_people_and_knows_their_models(run: Run) -> None:
    shown = CliRunner().invoke(app, ["show", str(run.path), "--json"])
    found = json.loads(shown.output)["data"]
    assert len(found["agents"]) == 22
    assert {agent["model"]["words"] for agent in found["agents"]} == {3, 5}
    assert found["channels"]["named"]["members"] == ["ZOE", "agent0002"]


def test_what_a_run_cost_is_known_for_each_model_of_its_groups(tmp_path: Path) -> None:
    priced = TOWN.replace("words: 5}", "words: 5, price: {prompt: 1.0, answer: 1.0}}", 1)
    with Study.parse(priced).run(seed=4, runs=tmp_path) as run:
        assert run.cost is not None
        assert run.cost.sum > 0

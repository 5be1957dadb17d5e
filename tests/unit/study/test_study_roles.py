"""Roles in a study file: what they give agents, and what prompts say of them to others and to the agent itself."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import pytest
from tests.unit.study.studies import SMALL, loaded, refusal_of, with_change

from genai_social_sim import Study
from genai_social_sim.domain.plan import LAYOUTS
from genai_social_sim.kernel.run import decide
from genai_social_sim.kernel.stage import Stage
from genai_social_sim.kernel.state import start
from genai_social_sim.study.lowering import canonical, from_canonical, lower, override

ROLES: Final = 'roles:\n  chair: {authority: 3.0, told: %s, brief: "You are the chair."}\n'
CHAIRED: Final = with_change("name: BOT1,", "name: BOT1, role: chair,")


def with_role(told: str = "name", *more: str) -> str:
    return CHAIRED + ROLES % told + "".join(more)


def prompts(text: str) -> list[str]:
    """What BOT2 and then BOT1 are sent first."""
    plan = lower(loaded(text.replace("{kind: round_robin, first: BOT2}", "simultaneous")))
    stage = Stage(plan)
    state = start(stage)
    sent = {turn.agent: stage.prompt(turn, state.floors[0]).text for turn in decide(state, 0)}
    return [sent[agent.name] for agent in reversed(plan.agents)]


def test_an_agent_has_its_roles_authority_and_one_without_a_role_has_1() -> None:
    agents = lower(loaded(with_role())).agents
    assert [(agent.role, agent.authority) for agent in agents] == [("chair", 3.0), (None, 1.0)]


def test_its_own_authority_goes_before_its_roles() -> None:
    text = with_role().replace("role: chair,", "role: chair, authority: 0.5,")
    assert lower(loaded(text)).agents[0].authority == 0.5


@pytest.mark.parametrize(
    ("told", "words"),
    {
        "name": "BOT1 (chair)",
        "authority": "BOT1 (chair, authority 3)",
        '"a {{ role }} of old"': "BOT1 (a chair of old)",
    }.items(),
)
@pytest.mark.parametrize("layout", LAYOUTS)
def test_others_are_told_what_the_study_says_in_every_layout(layout: str, told: str, words: str) -> None:
    to_another, to_itself = prompts(with_role(told, f"prompt: {{layout: {layout}}}\n"))
    assert words in to_another
    assert words not in to_itself


@pytest.mark.parametrize("layout", LAYOUTS)
def test_of_a_hidden_role_only_the_agent_itself_knows(layout: str) -> None:
    to_another, to_itself = prompts(with_role("nothing", f"prompt: {{layout: {layout}}}\n"))
    assert "chair" not in to_another
    assert "You are the chair." in to_itself


def test_an_empty_brief_tells_the_agent_nothing() -> None:
    _, to_itself = prompts(with_role().replace("You are the chair.", ""))
    assert "chair" not in to_itself


def test_a_study_without_roles_is_written_as_before_there_were_any() -> None:
    text = canonical(loaded())
    assert "role" not in text
    assert "authority" not in text


def test_roles_that_nobody_has_leave_prompts_as_they_are() -> None:
    assert lower(loaded(SMALL + ROLES % "name")).prompt == lower(loaded()).prompt


@pytest.mark.parametrize("told", ["nothing", "name", "authority", "an old hand"])
def test_a_recorded_role_is_the_role_that_was_written(told: str) -> None:
    study = loaded(with_role(told))
    assert lower(from_canonical(canonical(study)), seed=42) == lower(study)


def test_a_role_is_a_factor_like_any_value() -> None:
    study = override(loaded(with_role()), "roles.chair.authority=2.5", "agents.BOT2.role=chair")
    assert [agent.authority for agent in lower(study).agents] == [2.5, 2.5]


# (the study, words of the problem, words of the remedy)
MISTAKES: Final = {
    "no such role": (
        with_role().replace("role: chair", "role: chiar"),
        "agents[0].role: there is no role 'chiar'",
        "`chair`",
    ),
    "no roles at all": (CHAIRED, "there is no role 'chair'", "Write it under `roles:`"),
    "a misspelt word": (with_role("nothin"), "roles.chair.told: found the text 'nothin'", "`nothing`"),
    "no weight": (with_role().replace("3.0", "0.0"), "0.0 must be more than 0", "authority: 3.0"),
    "an unknown name": (with_role('"{{ nme }}"'), "'nme' is undefined", "name, role, authority"),
    "an unknown key": (with_role().replace("brief", "breif"), "unknown key", "`brief`"),
    "a reserved attribute": (
        with_change("name: BOT1,", "name: BOT1, attributes: {role: x},"),
        "may not be called 'role'",
        "another word",
    ),
}


@pytest.mark.parametrize(("text", "problem", "remedy"), MISTAKES.values(), ids=MISTAKES)
def test_a_mistake_is_told(text: str, problem: str, remedy: str) -> None:
    refusal = refusal_of(text)
    assert problem in refusal.problem
    assert remedy in refusal.remedy


AUTHORITY = """
name: weight
model: {backend: scripted, words: 2}
roles: {boss: {authority: 9.0}, clerk: {told: name}}
agents: [{name: ADA, role: boss}, {name: BO, role: clerk}, {name: CY, role: clerk}]
channels: {hall: {protocol: {kind: authority, repeat: true}, opening: {text: "Hello."}}}
factors:
  who:
    levels:
      ada: {agents.ADA.role: boss, agents.BO.role: clerk}
      bo: {agents.ADA.role: clerk, agents.BO.role: boss}
  weight: {path: roles.boss.authority, values: {same: 1.0, more: 9.0}}
  shown: {path: roles.boss.told, values: {hidden: nothing, shown: authority}}
stop: {turns: 120}
"""


def test_authority_is_swapped_scaled_and_shown_as_factors_of_a_design(tmp_path: Path) -> None:
    runs = {run.condition: run for run in Study.parse(AUTHORITY).run_all(runs=tmp_path)}
    assert len(runs) == 8
    turns = {
        name: {agent: sum(row["speaker"] == agent for row in run.utterances) for agent in ("ADA", "BO", "CY")}
        for name, run in runs.items()
    }
    for shown in ("hidden", "shown"):
        ada, bo = [turns[f"who={who},weight=more,shown={shown}"] for who in ("ada", "bo")]
        assert 120 * 9 / 11 - 20 < ada["ADA"] < 120 * 9 / 11 + 20  # five standard deviations
        assert 120 * 9 / 11 - 20 < bo["BO"] < 120 * 9 / 11 + 20
        assert turns[f"who=ada,weight=same,shown={shown}"] == turns[f"who=bo,weight=same,shown={shown}"]

"""Models, roles, networks and edges that change, as study files say it."""

from __future__ import annotations

import json

import pytest
from tests.unit.study.studies import SMALL, loaded, refusal_of

from genai_social_sim.domain.agenda import (
    ChangeModel,
    ChangeNetwork,
    ChangeRole,
    EdgesBetween,
)
from genai_social_sim.domain.ids import AgentId
from genai_social_sim.domain.plan import Model, Sampling
from genai_social_sim.errors import SpecError
from genai_social_sim.study.lowering import canonical, from_canonical, lower

BOT1, BOT2 = AgentId("BOT1"), AgentId("BOT2")


def _interventions(*changes: str) -> str:
    return SMALL + "interventions:\n" + "".join([f"  - {change}\n" for change in changes])


def test_another_model_stands_over_the_agents_own() -> None:
    text = _interventions("{at: round 2, kind: model, agents: [BOT2, BOT1], model: {temperature: 0.1}}")
    study = loaded(text.replace("backend: embedded, temperature: 0.7", "backend: scripted, words: filler, parallel: 3"))
    change = lower(study).interventions[0].change
    model = Model(
        backend="scripted", options='{"words":"filler"}', sampling=Sampling(temperature=0.1, top_p=0.95, max_tokens=60)
    )
    assert change == ChangeModel(models=((BOT1, model), (BOT2, model)))
    assert lower(from_canonical(canonical(study)), seed=42).interventions == lower(study).interventions


def test_a_role_comes_with_its_authority_unless_another_is_given() -> None:
    roles = "roles: {chair: {authority: 3}}\n"
    text = _interventions(
        "{at: round 1, kind: role, agents: [BOT1], role: chair}",
        "{at: round 2, kind: role, agents: [BOT1], role: chair, authority: 9}",
    )
    study = loaded(roles + text)
    changes = [each.change for each in lower(study).interventions]
    assert [change.authority for change in changes if isinstance(change, ChangeRole)] == [3.0, 9.0]
    assert lower(from_canonical(canonical(study)), seed=42) == lower(study)
    assert "Roles:" in lower(study).prompt.frame or lower(study).prompt.layout == "persona_first"


def test_a_network_that_is_drawn_later_is_drawn_anew_and_recorded() -> None:
    people = "population: {size: 8}\n"
    drawn = "{kind: erdos_renyi, p: 0.5}"
    text = (
        f"name: s\n{people}channels: {{hall: {{network: {drawn}}}}}\nstop: {{turns: 12}}\n"
        f"interventions: [{{at: round 1, kind: network, network: {drawn}}}]\n"
    )
    study = loaded(text)
    plan, other = lower(study, seed=1), lower(study, seed=2)
    change, network = plan.interventions[0].change, plan.channels[0].network
    assert isinstance(change, ChangeNetwork)
    assert network is not None
    assert [*change.edges] != [*network.edges]
    assert plan.interventions != other.interventions
    recorded = json.loads(canonical(study, seed=1))["interventions"][0]["network"]
    assert [*map(tuple, recorded["drawn"]["edges"])] == [edge[:2] for edge in change.edges]
    assert lower(from_canonical(canonical(study, seed=1)), seed=1) == plan
    assert "drawn" not in json.loads(canonical(study))["interventions"][0]["network"]


def test_a_network_that_its_members_cannot_have_is_refused_where_it_is_written() -> None:
    study = loaded(_interventions("{at: start, kind: network, network: {kind: watts_strogatz, k: 4, p: 0}}"))
    with pytest.raises(SpecError, match="too much for 2 members") as caught:
        lower(study)
    assert caught.value.where == "study.yaml:13:67"


def test_groups_are_agents_roles_or_values_of_attributes_and_no_two_of_them() -> None:
    text = (
        "name: s\nroles: {chair: {}}\nagents:\n"
        "  - {name: A, role: chair, attributes: {party: left}}\n  - {name: B, attributes: {party: right, hand: left}}\n"
        "channels: {hall: {}}\nstop: {turns: 2}\n"
        "interventions: [{at: start, kind: remove_edges, where: {between: [chair, right]}}]\n"
    )
    change = lower(loaded(text)).interventions[0].change
    assert isinstance(change, EdgesBetween)
    assert (change.one, change.other) == (("A",), ("B",))
    fault = refusal_of(text.replace("chair, right", "left, right"))
    assert "could be a value of the attribute 'party' or a value of the attribute 'hand'" in fault.problem
    assert "{where: {party: left}}" in fault.remedy


def test_edges_of_a_channel_without_a_network_are_too_many_from_some_size_on() -> None:
    text = (
        "name: s\npopulation: {size: 2001}\nchannels: {hall: {}}\nstop: {turns: 2}\n"
        "interventions: [{at: start, kind: remove_edges, where: {of: agent0001}}]\n"
    )
    with pytest.raises(Exception, match="2,001 members all hear each other"):
        lower(loaded(text))


def test_costs_cannot_be_counted_once_another_model_answers() -> None:
    text = _interventions("{at: round 2, kind: model, agents: [BOT1], model: {backend: scripted}}")
    priced = text.replace("{backend: embedded,", "{backend: embedded, price: {prompt: 1, answer: 1},")
    fault = refusal_of(priced)
    assert ("costs are counted at the price" in fault.problem, fault.where.startswith("study.yaml:13:")) == (True, True)
    loaded(priced.replace("{backend: scripted}}", "{temperature: 0.1}}"))

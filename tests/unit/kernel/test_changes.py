"""Edges, roles, authority and models that change while a run is played, and turns that were under way then."""

from __future__ import annotations

import json
from collections import Counter
from typing import Any

import pytest
from tests.support.scenario import Played, Scenario, scripted

from genai_social_sim.domain.agenda import (
    AddEdges,
    After,
    Change,
    ChangeModel,
    ChangeNetwork,
    ChangePersona,
    ChangeRole,
    ChangeTopic,
    EdgesBetween,
    Intervention,
    Planned,
    RemoveEdges,
    When,
)
from genai_social_sim.domain.changes import read, written
from genai_social_sim.domain.events import Intervened, Spoke
from genai_social_sim.domain.ids import AgentId, ChannelId, RoleId
from genai_social_sim.domain.network import Edge
from genai_social_sim.domain.plan import Channel, Model, RunPlan, Sampling
from genai_social_sim.ports import Request
from genai_social_sim.testing.plans import small_channel, small_plan

ADA, BO, CY, DI = map(AgentId, ("ada", "bo", "cy", "di"))
HALL = ChannelId("hall")
ALL = (ADA, BO, CY, DI)


def after(turns: int) -> tuple[When, ...]:
    return (After(count=turns, unit="turns"),)


def change(what: Planned, turns: int = 3) -> Intervention:
    return Intervention(when=after(turns), change=what)


def play(plan: RunPlan, seen: list[Request] | None = None) -> Played:
    def answer(request: Request) -> str:
        if seen is not None:
            seen.append(request)
        return request.choices[0] if request.choices else f"{request.agent} {request.turn}"

    return Scenario(plan=plan, model=scripted(answer)).play()


def heard(plan: RunPlan) -> dict[int, list[str]]:
    """By turn: the speakers of what its prompt showed."""
    seen: list[Request] = []
    play(plan, seen)
    return {request.turn: [line.speaker for line in request.heard] for request in seen}


def room(protocol: str = "round-robin", edges: str | None = None, members: str = "ada bo cy", **more: Any) -> Channel:
    return small_channel("hall", members=members, protocol=protocol, opening="", edges=edges, **more)


def cut(*pairs: tuple[AgentId, AgentId]) -> RemoveEdges:
    return RemoveEdges(edges=((HALL, pairs),))


def linked(*edges: Edge) -> AddEdges:
    return AddEdges(edges=((HALL, edges),))


def test_an_edge_that_is_gone_carries_nothing_more_and_what_it_carried_stays_heard() -> None:
    shown = heard(small_plan(room(edges="ada-bo bo-cy"), stop=9, interventions=[change(cut((ADA, BO)))]))
    assert shown[3] == ["ada", "bo"]
    assert shown[6] == ["ada", "bo", "ada"]


def test_an_edge_that_is_added_carries_what_is_said_from_then_on() -> None:
    shown = heard(small_plan(room(edges="ada-bo"), stop=9, interventions=[change(linked(Edge(CY, ADA)))]))
    assert shown[3] == ["ada", "bo"]
    assert shown[6] == ["ada", "bo", "ada", "bo", "cy"]


def test_in_rounds_one_reads_what_those_said_whom_one_hears_then() -> None:
    plan = small_plan(
        room("simultaneous", "ada-bo"), stop=9, interventions=[change(cut((ADA, BO))), change(linked(Edge(CY, ADA)))]
    )
    shown = heard(plan)
    assert shown[3] == ["ada", "cy"]
    assert shown[4] == ["bo"]
    assert shown[6] == ["ada", "cy", "ada", "cy"]


def test_an_edge_can_be_taken_away_where_everybody_heard_everybody() -> None:
    shown = heard(small_plan(room(), stop=9, interventions=[change(cut((ADA, CY)))]))
    assert shown[6] == ["ada", "bo", "cy", "ada", "bo"]
    assert shown[7] == ["ada", "bo", "cy", "ada", "bo", "cy", "ada"]


@pytest.mark.parametrize("protocol", ["simultaneous", "by-twos"])
def test_what_was_said_in_a_wave_that_is_cut_in_two_is_heard_at_its_end(protocol: str) -> None:
    plan = small_plan(room(protocol), stop=12, interventions=[change(cut((ADA, CY)), turns=1)])
    played, seen = play(plan), list[Request]()
    play(plan, seen)
    first = played.of(Spoke)[0]
    for request in seen:
        if request.turn == 5:
            assert (first.turn in [line.turn for line in request.heard]) == ({first.agent, request.agent} != {ADA, CY})
    assert played.of(Intervened)[0].turn == 1


@pytest.mark.parametrize("protocol", ["pairwise", "pairwise-both", "by-twos", "authority", "sequential"])
@pytest.mark.parametrize("at", [1, 3, 5])
def test_a_meeting_or_wave_under_way_goes_on_as_it_began(protocol: str, at: int) -> None:
    members = "ada bo cy di"
    edges = None if protocol in ("by-twos", "authority") else "ada-bo bo-cy cy-di di-ada"
    changes: list[Planned] = [cut((ADA, BO)), ChangeRole(agents=(CY,), authority=50.0), cut((CY, DI))]
    plan = small_plan(room(protocol, edges, members), agents=members, stop=12)
    changed = small_plan(
        room(protocol, edges, members), agents=members, stop=12, interventions=[change(each, at) for each in changes]
    )
    upto = at + (protocol not in {"authority", "sequential"})
    assert play(changed).speakers[:upto] == play(plan).speakers[:upto]
    if protocol == "sequential":
        assert play(changed).speakers == play(plan).speakers


def test_pairs_that_meet_follow_the_edges_that_there_are() -> None:
    members = "ada bo cy di"
    changes = [change(cut((ADA, BO)), 4), change(linked(Edge(BO, CY)), 4)]
    plan = small_plan(room("pairwise", "ada-bo", members), agents=members, stop=12, interventions=changes)
    speakers = play(plan).speakers
    assert {*speakers[:4]} == {"ada", "bo"}
    assert {*speakers[4:]} == {"bo", "cy"}


def test_a_channel_can_have_another_network_altogether() -> None:
    ring = ChangeNetwork(channel=HALL, edges=(Edge(BO, CY, 1.0),), directed=True)
    shown = heard(small_plan(room(edges="ada-bo"), stop=9, interventions=[change(ring)]))
    assert (shown[6], shown[7], shown[8]) == (["ada", "bo", "ada"], ["ada", "bo", "bo"], ["cy", "bo", "cy", "bo"])


def between(one: tuple[AgentId, ...], other: tuple[AgentId, ...], **more: Any) -> EdgesBetween:
    return EdgesBetween(channels=(HALL,), one=one, other=other, **more)


def settled(planned: EdgesBetween, edges: str | None, *, seed: int = 7, turns: int = 0) -> dict[str, Any]:
    """What it comes to after some turns."""
    members = "ada bo cy di"
    changes = [change(planned, turns)]
    plan = small_plan(room(edges=edges, members=members), agents=members, stop=5, seed=seed, interventions=changes)
    (event,) = play(plan).of(Intervened)
    found: dict[str, Any] = json.loads(event.change.value)
    return found


def test_edges_between_groups_are_those_that_are_there_when_it_is_due() -> None:
    found = settled(between((ADA, BO), (CY, DI)), "ada-bo bo-cy di-ada cy-di")
    assert found == {"kind": "remove_edges", "edges": [["hall", [["bo", "cy"], ["ada", "di"]]]]}


def test_edges_with_direction_are_between_groups_whoever_hears_whom() -> None:
    found = settled(between((ADA, BO), (CY, DI)), "ada>bo bo>cy di>ada cy>di")
    assert found["edges"] == [["hall", [["di", "ada"], ["bo", "cy"]]]]


def test_where_everybody_hears_everybody_all_edges_are_there() -> None:
    found = settled(between(ALL, (DI,)), None)
    assert found["edges"] == [["hall", [["ada", "di"], ["bo", "di"], ["cy", "di"]]]]


def test_edges_that_are_added_between_groups_are_those_that_are_missing() -> None:
    found = settled(between((ADA, BO), (CY, DI), added=True, weight=0.5), "ada-cy")
    assert found == {
        "kind": "add_edges",
        "edges": [["hall", [["ada", "di", 0.5], ["bo", "cy", 0.5], ["bo", "di", 0.5]]]],
    }
    ways = settled(between((ADA,), (CY,), added=True), "ada>cy")
    assert ways["edges"] == [["hall", [["cy", "ada", 1.0]]]]


def test_a_share_of_edges_is_drawn_by_seed_and_time_and_rounded_to_the_next_number() -> None:
    six = between(ALL, ALL, share=0.5)
    draws = [settled(six, None, seed=seed)["edges"][0][1] for seed in range(120)]
    assert {len(edges) for edges in draws} == {3}
    counts = Counter(tuple(edge) for edges in draws for edge in edges)
    assert all(abs(counts[edge] - 60) < 28 for edge in counts)  # 5 standard deviations
    assert len(counts) == 6
    assert settled(six, None) == settled(six, None)
    assert len({json.dumps(settled(six, None, turns=turns)["edges"]) for turns in range(5)}) > 1
    assert settled(between(ALL, ALL, share=0.1), "ada-bo ada-cy")["edges"] == []


def test_a_rule_minds_nobody_whom_it_no_longer_hears() -> None:
    seen: list[Request] = []
    plan = small_plan(room("simultaneous", "ada-bo bo-cy"), stop=9, interventions=[change(cut((ADA, BO)), 6)])
    play(plan, seen)
    weights = {
        request.turn: dict(zip([line.speaker for line in request.heard], request.weights, strict=True))
        for request in seen[6:]
    }
    assert weights[7] == {"ada": 0.0, "bo": 1.0, "cy": 1.0}
    assert weights[6] == {"ada": 1.0, "bo": 0.0}


def test_weights_that_there_are_stay_and_an_edge_gets_its_new_one() -> None:
    seen: list[Request] = []
    plan = small_plan(room(edges="ada-bo:0.5"), stop=6, interventions=[change(linked(Edge(ADA, BO, 2.0)))])
    play(plan, seen)
    assert (seen[1].weights, seen[4].weights) == ((0.5,), (2.0, 0.0, 2.0))


def test_a_role_and_an_authority_are_told_and_weigh_from_then_on() -> None:
    chair = ChangeRole(agents=(CY,), authority=1e9)
    played = play(small_plan(room("authority"), stop=40, interventions=[change(chair, 20)]))
    assert len({*played.speakers[:20]}) == 3
    assert played.speakers.count("cy") > 10
    (event,) = played.of(Intervened)
    assert json.loads(event.change.value) == {"kind": "change_role", "agents": ["cy"], "authority": 1e9}


def test_another_model_answers_from_then_on() -> None:
    other = Model(backend="scripted", options='{"answers":["other"]}', sampling=Sampling(temperature=0.25))
    plan = small_plan(stop=6, interventions=[change(ChangeModel(models=((ADA, other), (CY, other))))])
    assert plan.models == (Model(backend="scripted"), other)
    run = Scenario(plan=plan, model=scripted(), models={other: scripted(lambda _: "other")})
    said = run.play().said
    assert said == [("ada", "ada 0"), ("bo", "bo 1"), ("cy", "cy 2"), ("ada", "other"), ("bo", "bo 4"), ("cy", "other")]


def test_what_is_in_force_is_what_the_events_say() -> None:
    """So that a run goes on with it whatever a later study says."""
    plan = small_plan(stop=6, interventions=[change(ChangePersona(personas=((ADA, "I am new."),)))])
    entries = play(plan).entries()
    at = next(at for at, entry in enumerate(entries) if isinstance(entry.event, Intervened))
    other = written(ChangePersona(personas=((ADA, "I am another."),)))
    event = entries[at].event
    assert isinstance(event, Intervened)
    past = [*entries[:at], entries[at]._replace(event=event._replace(change=type(event.change).of(other)))]
    seen: list[Request] = []

    def answer(request: Request) -> str:
        seen.append(request)
        return "Well."

    Scenario(plan=plan, model=scripted(answer)).play(past)
    assert "I am another." in seen[0].prompt.text


@pytest.mark.parametrize(
    "what",
    [
        cut((ADA, BO)),
        linked(Edge(ADA, BO, 0.5)),
        ChangeNetwork(channel=HALL, edges=(Edge(ADA, BO),), weighted=True),
        ChangeRole(agents=(ADA,), role=RoleId("chair")),
        ChangeModel(models=((ADA, Model(backend="rule", options='{"rule":"voter"}')),)),
        ChangeTopic(channels=(HALL,), topic="Größe"),
    ],
)
def test_a_change_is_read_back_from_what_is_written_of_it(what: Change) -> None:
    assert read(written(what)) == what


def test_a_kind_that_no_release_knows_is_no_change() -> None:
    with pytest.raises(ValueError, match="no change that this release knows"):
        read('{"kind":"teleport"}')

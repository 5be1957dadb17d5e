"""Probes and interventions, as study files say them."""

from __future__ import annotations

import json

import pytest
from tests.unit.study.studies import SMALL, loaded, refusal_of

from genai_social_sim.domain.act import Act, Choose, Number, Rate, Say
from genai_social_sim.domain.agenda import (
    AddEdges,
    Admit,
    After,
    AtEnd,
    Broadcast,
    ChangeChance,
    ChangeNetwork,
    ChangePersona,
    ChangeRole,
    ChangeSampling,
    ChangeTopic,
    EdgesBetween,
    Every,
    Mute,
    Planned,
    Remove,
    RemoveEdges,
    When,
)
from genai_social_sim.domain.ids import AgentId, ChannelId
from genai_social_sim.domain.network import Edge
from genai_social_sim.domain.number import Range
from genai_social_sim.kernel.acts import offer_of, option_in
from genai_social_sim.study.lowering import canonical, from_canonical, lower, override

BOT1, BOT2, GENERAL = AgentId("BOT1"), AgentId("BOT2"), ChannelId("general")
ASK = "name: p, text: Well?"

# (the probe, column, words of the problem, words of the remedy)
PROBES = {
    "no time": (f"{{{ASK}}}", 5, "not said when", "every: 5 rounds"),
    "no name": ("{at: end, text: Well?}", 5, "`name` is missing", "name: stance"),
    "no question": ("{at: end, name: p}", 5, "`text` is missing", "text:"),
    "a bare number": (f"{{every: 5, {ASK}}}", 13, "5 does not say how often", "`5 rounds`"),
    "no rounds at all": (f"{{every: 0 rounds, {ASK}}}", 13, "how often", "`10 turns`"),
    "a time of day": (f"{{at: noon, {ASK}}}", 10, "'noon' does not say when", "`turn 40`"),
    "turn 0": (f"{{at: [end, turn 0], {ASK}}}", 16, "'turn 0'", "`start`"),
    "no moment": (f"{{at: [], {ASK}}}", 10, "empty", "at: round 10"),
    "two acts": (f"{{at: end, {ASK}, scale: [0, 1], choose: [a, b]}}", 5, "`scale` and `choose`", "Delete one"),
    "no numbers": (f"{{at: end, {ASK}, number: {{min: 3, max: 3}}}}", 45, "no numbers from 3 to 3", "`min`"),
    "steps that miss": (f"{{at: end, {ASK}, number: {{min: 0, max: 1, step: 0.3}}}}", 45, "do not come to 1", "`step`"),
    "too fine a range": (f"{{at: end, {ASK}, number: {{min: 0, max: 1, step: 1.0e-13}}}}", 45, "too fine", "rounder"),
    "a step in words": (f"{{at: end, {ASK}, number: {{min: 0, max: 1, step: fine}}}}", 68, "the text 'fine'", "`any`"),
    "one number": (f"{{at: end, {ASK}, scale: [0]}}", 44, "at least 2 numbers", "[-2, -1, 0, 1, 2]"),
    "letters without options": (f"{{at: end, {ASK}, labels: true}}", 5, "`labels` stands beside `choose`", "choose:"),
    "an option like a letter": (f"{{at: end, {ASK}, labels: true, choose: [A, bee]}}", 5, "'A' could be", "rename"),
    "a pass beside an act": (f"{{at: end, {ASK}, may_pass: true, act: say}}", 5, "beside `act`", "act: {...}"),
    "a name that is no word": ("{at: end, name: two words, text: a}", 21, "cannot name a file", "`rare-earths`"),
    "an unknown agent": (f"{{at: end, {ASK}, to: [BOT3]}}", 42, "no agent 'BOT3'", "Did you mean `BOT"),
    "an agent twice": (f"{{at: end, {ASK}, to: [BOT1, BOT1]}}", 48, "listed twice", "Delete"),
    "a description of nobody": (f"{{at: end, {ASK}, to: {{where: {{age: 3}}}}}}", 41, "nobody is meant", "`where`"),
    "an unknown channel": (f"{{at: end, {ASK}, channel: genera}}", 46, "no channel 'genera'", "`general`"),
    "an unknown value": ("{at: end, name: p, text: '{{ mood }}'}", 30, "'mood' is undefined", "name, persona"),
    "a sample of nobody": (f"{{at: end, {ASK}, sample: 0}}", 45, "at least 1", "sample: 10"),
    "an unknown key": (f"{{at: end, {ASK}, scal: [0, 1]}}", 37, "unknown key", "`scale`"),
}

# (the intervention, column, words of the problem, words of the remedy)
INTERVENTIONS = {
    "no time": ("{kind: mute, agents: [BOT1]}", 5, "not said when", "round 10"),
    "the end": ("{at: end, kind: mute, agents: [BOT1]}", 5, "at the end", "`turn 40`"),
    "no kind": ("{at: start, agents: [BOT1]}", 5, "lacks its `kind`", "broadcast, inject, mute, unmute, remove, admit"),
    "an unknown kind": ("{at: start, kind: shout}", 5, "no kind 'shout'", "broadcast"),
    "nobody": ("{at: start, kind: mute}", 5, "`agents` is missing", "agents: [BOT1]"),
    "an unknown agent": ("{at: start, kind: remove, agents: [BOB1]}", 40, "no agent 'BOB1'", "`BOT1`"),
    "an unknown channel": ("{at: start, kind: topic, topic: t, channels: [x]}", 51, "no channel 'x'", "general"),
    "a channel twice": (
        "{at: start, kind: topic, topic: t, channels: [general, general]}",
        60,
        "listed twice",
        "Delete",
    ),
    "a name like an agent's": ("{at: start, kind: broadcast, from: bot1, text: t}", 40, "taken for", "'BOT1'"),
    "nothing said": ("{at: start, kind: broadcast, text: ' '}", 40, "empty", "Write what"),
    "no option": ("{at: start, kind: sampling, agents: [BOT1]}", 5, "no option is changed", "temperature"),
    "a wrong option": ("{at: start, kind: sampling, agents: [BOT1], top_p: 2}", 56, "at most 1", "top_p: 0.9"),
    "an unknown attribute": (
        "{at: start, kind: persona, agents: [BOT2], persona: '{{ age }}'}",
        57,
        "'age' is undefined (for BOT2)",
        "Known in this one: name",
    ),
    "no role": ("{at: start, kind: role, agents: [BOT1]}", 5, "neither role nor authority", "role: chair"),
    "an unknown role": ("{at: start, kind: role, agents: [BOT1], role: chair}", 51, "no role 'chair'", "`roles:`"),
    "no authority": ("{at: start, kind: role, agents: [BOT1], authority: 0}", 56, "more than 0", "authority: 3.0"),
    "nothing of a model": ("{at: start, kind: model, agents: [BOT1], model: {}}", 5, "nothing is said", "temperature"),
    "an unknown backend": (
        "{at: start, kind: model, agents: [BOT1], model: {backend: scriptd}}",
        63,
        "no backend 'scriptd'",
        "`scripted`",
    ),
    "a price": (
        "{at: start, kind: model, agents: [BOT1], model: {price: {prompt: 1, answer: 1}}}",
        61,
        "no price of its own",
        "tokens",
    ),
    "no edges": ("{at: start, kind: remove_edges}", 5, "not said which edges", "between: [left, right]"),
    "an empty list of edges": ("{at: start, kind: remove_edges, edges: []}", 5, "no edges here", "[[ADA, BO]]"),
    "edges twice": (
        "{at: start, kind: add_edges, edges: [[BOT1, BOT2]], where: {of: BOT1}}",
        5,
        "both say which",
        "between: [left, right]",
    ),
    "a share of named edges": (
        "{at: start, kind: add_edges, edges: [[BOT1, BOT2]], share: 0.5}",
        5,
        "`share` stands beside `where`",
        "Delete",
    ),
    "a weight of nothing": ("{at: start, kind: remove_edges, edges: [[BOT1, BOT2, 2]]}", 5, "no weight", "Delete"),
    "an edge to nobody": (
        "{at: start, kind: remove_edges, edges: [[BOT1, BOT3]]}",
        45,
        "'BOT1' and 'BOT3' are together in none",
        "Members are: BOT1, BOT2",
    ),
    "one group": ("{at: start, kind: remove_edges, where: {between: [BOT1]}}", 54, "at least one", "[left, right]"),
    "two ways to say which": (
        "{at: start, kind: remove_edges, where: {of: BOT1, within: BOT2}}",
        44,
        "`within` and `of` both",
        "of: HUB",
    ),
    "no way to say which": ("{at: start, kind: remove_edges, where: {}}", 44, "not said which edges", "within: left"),
    "a group that is nobody": (
        "{at: start, kind: remove_edges, where: {of: BOB1}}",
        49,
        "nobody is meant by 'BOB1'",
        "Did you mean `BOT1`",
    ),
    "no network": ("{at: start, kind: network}", 5, "`network` is missing", "network: ring"),
    "a network of another channel": (
        "{at: start, kind: network, network: ring, channel: x}",
        56,
        "no channel 'x'",
        "general",
    ),
    "a key of another kind": ("{at: start, kind: mute, agents: [BOT1], text: t}", 45, "unknown key", "Known here"),
}


def _probes(*probes: str) -> str:
    return SMALL + "probes:\n" + "".join([f"  - {probe}\n" for probe in probes])


def _interventions(*changes: str) -> str:
    return SMALL + "interventions:\n" + "".join([f"  - {change}\n" for change in changes])


@pytest.mark.parametrize("mistake", PROBES)
def test_a_mistake_in_a_probe_is_refused_with_place_problem_and_remedy(mistake: str) -> None:
    probe, column, problem, remedy = PROBES[mistake]
    fault = refusal_of(_probes(probe))
    assert fault.where == f"study.yaml:13:{column}", str(fault)
    assert problem in fault.problem, str(fault)
    assert remedy in fault.remedy, str(fault)


@pytest.mark.parametrize("mistake", INTERVENTIONS)
def test_a_mistake_in_an_intervention_is_refused_with_place_problem_and_remedy(mistake: str) -> None:
    change, column, problem, remedy = INTERVENTIONS[mistake]
    fault = refusal_of(_interventions(change))
    assert fault.where == f"study.yaml:13:{column}", str(fault)
    assert problem in fault.problem, str(fault)
    assert remedy in fault.remedy, str(fault)


def test_two_probes_of_one_name_are_refused_at_the_second() -> None:
    fault = refusal_of(_probes(f"{{at: end, {ASK}}}", "{at: end, name: P, text: b}"))
    assert (fault.where, "reads like 'p'" in fault.problem) == ("study.yaml:14:21", True)


def test_an_agent_is_asked_in_a_channel_of_its_own_only() -> None:
    text = _probes(f"{{at: end, channel: duo, to: [BOT1], {ASK}}}")
    fault = refusal_of(text.replace("stop:", "  duo: {members: [BOT2]}\nstop:"))
    assert (fault.where, "is not in the channel 'duo'" in fault.problem) == ("study.yaml:14:34", True)


def test_without_names_all_members_of_the_channel_are_asked() -> None:
    text = _probes(f"{{at: end, channel: duo, {ASK}}}", "{at: end, name: q, text: b}")
    plan = lower(loaded(text.replace("stop:", "  duo: {members: [BOT2]}\nstop:")))
    assert [probe.asked for probe in plan.probes] == [(BOT2,), (BOT1, BOT2)]


@pytest.mark.parametrize(
    ("written", "when"),
    [
        ("every: 5 rounds", [Every(count=5, unit="rounds")]),
        ("every: 1 turn", [Every(count=1, unit="turns")]),
        ("at: start", [After(count=0, unit="turns")]),
        ("at: end", [AtEnd()]),
        ("at: [round 10, turn 40]", [After(count=10, unit="rounds"), After(count=40, unit="turns")]),
        ("every: 2 rounds, at: start", [Every(count=2, unit="rounds"), After(count=0, unit="turns")]),
    ],
)
def test_points_of_the_run_mean_what_they_say(written: str, when: list[When]) -> None:
    assert lower(loaded(_probes(f"{{{written}, {ASK}}}"))).probes[0].when == tuple(when)


@pytest.mark.parametrize(
    ("written", "act"),
    [
        ("", Say()),
        (", may_pass: true", Say(may_pass=True)),
        (", scale: [0, 1]", Rate(scale=(0, 1))),
        (
            ", number: {min: 0, max: 1, step: any}",
            Number(range=Range(low=0, high=1)),
        ),
        (
            ", number: {min: 0, max: 1, step: 0.001}, may_pass: true",
            Number(range=Range(low=0, high=1, step=0.001), may_pass=True),
        ),
        (
            ", number: {min: 0, max: 3}",
            Rate(scale=(0, 1, 2, 3), told="a whole number from 0 to 3"),
        ),
        (
            ", number: {min: -0.1, max: 0.2, step: 0.1}, may_pass: true",
            Rate(scale=(-0.1, 0.0, 0.1, 0.2), told="a number from -0.1 to 0.2, in steps of 0.1", may_pass=True),
        ),
        (", choose: [yes, no], shuffle: true", Choose(options=("yes", "no"), shuffle=True)),
        (", act: {kind: rate, scale: [0, 1]}", Rate(scale=(0, 1))),
    ],
)
def test_short_forms_are_acts(written: str, act: Act) -> None:
    assert lower(loaded(_probes(f"{{at: end, {ASK}{written}}}"))).probes[0].act == act


@pytest.mark.parametrize(
    ("written", "change"),
    [
        ("broadcast, text: Hear!", Broadcast(speaker="system", text="Hear!", channels=(GENERAL,))),
        ("broadcast, from: BOT1, text: Hear!", Broadcast(speaker="BOT1", text="Hear!", channels=(GENERAL,))),
        ("mute, agents: [BOT2, BOT1]", Mute(agents=(BOT1, BOT2))),
        ("unmute, agents: [BOT1]", Mute(agents=(BOT1,), lifted=True)),
        ("remove, agents: [BOT1]", Remove(agents=(BOT1,))),
        ("admit, agents: [BOT1]", Admit(agents=(BOT1,))),
        ("persona, agents: [BOT1], persona: 'I am {{ name }}.'", ChangePersona(personas=((BOT1, "I am BOT1."),))),
        ("topic, topic: Tin", ChangeTopic(channels=(GENERAL,), topic="Tin")),
        ("chance", ChangeChance(draw=1)),
        ("chance, draw: 3", ChangeChance(draw=3)),
        ("sampling, agents: [BOT1], temperature: 0.0", ChangeSampling(agents=(BOT1,), temperature=0.0)),
        ("role, agents: [BOT1], authority: 2", ChangeRole(agents=(BOT1,), authority=2.0)),
        ("add_edges, edges: [[BOT1, BOT2, 2]]", AddEdges(edges=((GENERAL, (Edge(BOT1, BOT2, 2.0),)),))),
        ("add_edges, edges: [[BOT1, BOT2]]", AddEdges(edges=((GENERAL, (Edge(BOT1, BOT2, 1.0),)),))),
        ("remove_edges, edges: [[BOT2, BOT1]]", RemoveEdges(edges=((GENERAL, ((BOT2, BOT1),)),))),
        (
            "remove_edges, where: {between: [BOT1, {where: {}}]}, share: 0.5",
            EdgesBetween(channels=(GENERAL,), one=(BOT1,), other=(BOT1, BOT2), share=0.5),
        ),
        (
            "add_edges, where: {of: BOT2}, weight: 2, channels: [general]",
            EdgesBetween(channels=(GENERAL,), one=(BOT2,), other=(BOT1, BOT2), added=True, weight=2.0),
        ),
        (
            "remove_edges, where: {within: [BOT1, BOT2]}",
            EdgesBetween(channels=(GENERAL,), one=(BOT1, BOT2), other=(BOT1, BOT2)),
        ),
        ("network, network: complete", ChangeNetwork(channel=GENERAL, edges=(Edge(BOT1, BOT2),))),
        (
            "network, network: {kind: edges, directed: true, edges: [[BOT2, BOT1, 1]]}",
            ChangeNetwork(channel=GENERAL, edges=(Edge(BOT2, BOT1),), directed=True, weighted=True),
        ),
    ],
)
def test_an_intervention_means_what_it_says_and_is_recorded(written: str, change: Planned) -> None:
    study = loaded(_interventions(f"{{at: round 2, kind: {written}}}"))
    assert lower(study).interventions[0].change == change
    assert lower(from_canonical(canonical(study)), seed=42) == lower(study)


def test_what_is_planned_is_read_back_from_the_record() -> None:
    text = _probes(
        "{every: 2 rounds, at: [start, end], name: vote, text: 'For {{ topic }}?', choose: [yes, no], labels: true}",
        "{at: turn 3, name: view, text: Why?, to: [BOT1], sample: 1, channel: general}",
    )
    study = loaded(f"{text}interventions:\n  - {{every: 3 turns, at: round 2, kind: mute, agents: [BOT1]}}\n")
    again = from_canonical(canonical(study))
    assert lower(again, seed=42) == lower(study)
    assert canonical(again) == canonical(study)


def test_agents_of_a_population_are_meant_by_their_attributes() -> None:
    population = "population: {size: 6, attributes: {party: {quota: {left: 0.5, right: 0.5}}}}\n"
    text = (
        f"name: s\n{population}channels: {{hall: {{}}}}\nstop: {{turns: 12}}\n"
        "probes: [{name: p, text: Well?, at: end, to: {where: {party: left}}}]\n"
        "interventions: [{at: round 1, kind: persona, agents: {where: {party: right}}, persona: '{{ party }}!'}]\n"
    )
    study = loaded(text)
    plan = lower(study)
    left = tuple([agent.name for agent in plan.agents if dict(agent.attributes)["party"] == "left"])
    assert (len(left), plan.probes[0].asked) == (3, left)
    change = plan.interventions[0].change
    assert isinstance(change, ChangePersona)
    assert {persona for _, persona in change.personas} == {"right!"}
    assert lower(from_canonical(canonical(study, seed=study.document.seed)), seed=study.document.seed) == plan


def test_an_attribute_that_nobody_has_is_refused_with_those_that_there_are() -> None:
    population = "population: {size: 2, attributes: {party: {constant: left}}}\n"
    text = f"name: s\n{population}channels: {{hall: {{}}}}\nstop: {{turns: 2}}\n"
    probe = "probes: [{name: p, text: Well?, at: end, to: {where: {partei: left}}}]\n"
    with pytest.raises(Exception, match="nobody has an attribute 'partei'"):
        lower(loaded(text + probe))


def test_without_a_plan_the_record_says_nothing_of_it() -> None:
    assert not {"probes", "interventions"} & json.loads(canonical(loaded(f"{SMALL}probes: []\n"))).keys()


def test_a_probe_can_be_changed_from_the_command_line() -> None:
    study = override(loaded(_probes(f"{{at: end, {ASK}}}")), "probes.p.at=start")
    assert lower(study).probes[0].when == (After(count=0, unit="turns"),)


def test_a_range_is_told_and_not_listed_and_its_numbers_are_read_and_recorded() -> None:
    study = loaded(_probes(f"{{at: end, {ASK}, number: {{min: 0, max: 100}}}}"))
    act = lower(study).probes[0].act
    offer = offer_of(act, 1)
    assert offer is not None
    assert (offer.shown, len(offer.answers)) == (("a whole number from 0 to 100",), 101)
    raws = ("7", " 7.0.", "**100**", "101", "0.5", "a whole number from 0 to 100")
    assert [option_in(raw, offer) for raw in raws] == [
        "7", "7", "100", None, None, None,
    ]  # fmt: skip
    assert lower(from_canonical(canonical(study)), seed=42) == lower(study)

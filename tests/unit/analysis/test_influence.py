"""Who moved whom, who conforms, how much information flows: counted by hand in small runs."""

from __future__ import annotations

from itertools import pairwise
from math import log2
from random import Random
from typing import Any

import pytest
from tests.unit.analysis.runs import begun, by_agent, by_pair, play, study_of, values, votes
from tests.unit.export.records import spoke, written

from genai_social_sim.analysis.influence_meter import transfer_entropy
from genai_social_sim.analysis.society import Society
from genai_social_sim.domain.events import RunStarted, Spoke
from genai_social_sim.domain.feed import Feed
from genai_social_sim.ports import Request

RING = {"kind": "edges", "edges": [["ada", "bo"], ["bo", "cy"]]}
SCALE = {"kind": "rate", "scale": [-2, -1, 0, 1, 2]}


def test_a_change_is_shared_by_those_heard_who_had_stated_it() -> None:
    # In round 1 cy goes over to red, which ada and bo had stated: half for each. Nobody else changes.
    source = votes([["red", "red", "blue"], ["red", "red", "red"]])
    assert by_pair(source, "influence") == {"ada cy": 0.5, "bo cy": 0.5}
    assert by_agent(source, "influence") == {"ada": 0.5, "bo": 0.5}


def test_only_those_who_are_heard_have_influence() -> None:
    source = votes([["red", "blue", "blue"], ["red", "red", "blue"], ["red", "red", "red"]], network=RING)
    assert by_pair(source, "influence") == {"ada bo": 1, "bo cy": 1}


def test_a_move_on_a_scale_counts_for_those_on_whose_side_it_goes() -> None:
    # bo moves from 0 to 1, towards ada at 2 and away from cy at -2.
    source = votes([["2", "0", "-2"], ["2", "1", "-2"]], act=SCALE)
    assert by_pair(source, "influence") == {"ada bo": 1}


def test_what_is_stated_at_once_moves_nobody_in_the_same_round() -> None:
    source = votes([["red", "blue", "blue"], ["blue", "red", "blue"]], protocol={"kind": "simultaneous"})
    assert by_pair(source, "influence") == {"bo ada": 0.5, "cy ada": 0.5, "ada bo": 1}


def test_conformity_counts_those_who_stood_against_a_majority_of_what_they_heard() -> None:
    # Round 1: cy stands against red, red, and goes over; round 2: ada against nobody; bo breaks away.
    source = votes([["red", "red", "blue"], ["red", "red", "red"], ["red", "blue", "red"], ["red", "blue", "red"]])
    # Chances: cy in round 1 (taken); bo in round 3 hears red, red (not taken).
    assert values(source, "conformity_chances") == [2]
    assert values(source, "conformity") == [0.5]
    assert by_agent(source, "conformity") == {"cy": 1, "bo": 0}


def test_pairs_hear_each_other_and_nobody_else() -> None:
    hall = {"protocol": {"kind": "pairwise"}, "act": {"kind": "choose", "options": ["red", "blue"]}}
    others: dict[int, set[str]] = {}

    def say(request: Request) -> str:
        others[request.turn] = {line.speaker for line in request.heard if line.speaker != request.agent}
        return "red" if request.turn % 3 else "blue"

    source = play(study_of("ada bo cy dan", turns=24, channels={"hall": hall}), say)
    events = [recorded.event for recorded in source.record.events()]
    started = events[0]
    assert isinstance(started, RunStarted)
    society = Society(started)
    seen: dict[str, set[str]] = {}
    for event in events:
        if isinstance(event, Spoke):
            heard = society.heard(event)
            assert heard is not None
            assert len(heard) == 1
            seen.setdefault(event.agent, set()).update(heard)
            assert others[event.turn] <= seen[event.agent]


def entropy(counts: dict[Any, int]) -> float:
    total = sum(counts.values())
    return -sum([count / total * log2(count / total) for count in counts.values()])


def summed(counts: dict[tuple[str, str, str], int], *kept: int) -> dict[Any, int]:
    found: dict[Any, int] = {}
    for key, count in counts.items():
        part = tuple([key[at] for at in kept])
        found[part] = found.get(part, 0) + count
    return found


def test_transfer_entropy_is_the_difference_of_two_conditional_entropies() -> None:
    draw = Random(3)
    counts = {(a, b, c): draw.randint(1, 40) for a in "xyz" for b in "xyz" for c in "xyz"}
    given_own = entropy(summed(counts, 0, 1)) - entropy(summed(counts, 1))
    given_both = entropy(counts) - entropy(summed(counts, 1, 2))
    assert transfer_entropy(counts) == pytest.approx(given_own - given_both)


def test_what_follows_from_chance_alone_carries_next_to_no_information() -> None:
    draw = Random(5)
    views = [[draw.choice(["red", "blue"]) for _ in range(3)] for _ in range(2000)]
    assert values(votes(views), "information_flow")[0] < 0.003


def test_who_repeats_what_another_said_gets_one_bit_from_it() -> None:
    draw = Random(6)
    first = [draw.choice(["red", "blue"]) for _ in range(3001)]
    views = [[now, before] for before, now in pairwise(first)]
    one_way = {"kind": "edges", "directed": True, "edges": [["ada", "bo"]]}
    source = votes(views, "ada bo", network=one_way, protocol={"kind": "simultaneous"})
    assert values(source, "information_flow")[0] == pytest.approx(1, abs=0.01)


def test_a_large_channel_without_a_network_has_no_influence_of_one_on_another() -> None:
    members = " ".join([f"a{number:03}" for number in range(101)])
    views = [["red"] * 100 + ["blue"], ["red"] * 101]
    source = votes(views, members)
    assert by_pair(source, "influence") == {}
    assert values(source, "conformity") == [1]


def test_an_edge_that_was_removed_carries_no_influence_any_more() -> None:
    hall = {"protocol": "round_robin", "act": {"kind": "choose", "options": ["red", "blue"]}, "network": RING}
    cut = {"at": "round 1", "kind": "remove_edges", "edges": [["bo", "cy"]]}
    views = {"ada": ["red", "red", "red"], "bo": ["blue", "red", "red"], "cy": ["blue", "blue", "red"]}
    study = study_of("ada bo cy", turns=9, channels={"hall": hall}, interventions=[cut])
    source = play(study, lambda request: views[request.agent][request.round])
    assert by_pair(source, "influence") == {"ada bo": 1}  # cy turns red after it has ceased to hear bo


def test_an_act_in_a_forum_states_nothing() -> None:
    act = spoke(0, "ada", "post")._replace(choice="post", feed=Feed(()))
    words = spoke(1, "ada", "Here I am, all of me.")._replace(doing="post")
    source = written(begun("ada bo", protocol={"kind": "forum"}), act, words)
    assert values(source, "agreement", "round") == []
    assert values(source, "utterance_words") == [6]

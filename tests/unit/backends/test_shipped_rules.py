"""The shipped rules one by one: what each says follows from what it sees; wrong parameters are refused."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from typing import Any

import pytest

from genai_social_sim import Study
from genai_social_sim.backends import rule
from genai_social_sim.backends.rule import Observation
from genai_social_sim.backends.rules.catalogue import RULES, rule_class, rule_of
from genai_social_sim.domain.dice import Dice
from genai_social_sim.domain.ids import AgentId, ChannelId
from genai_social_sim.errors import CompletionError, RequestError, SpecError


def seen(*heard: tuple[str, str], round_no: int = 1, seed: int = 1, **more: Any) -> Observation:
    return Observation(
        agent=AgentId("me"),
        persona="",
        channel=ChannelId("hall"),
        round=round_no,
        turn=7,
        heard=heard,
        dice=Dice(seed, "rule"),
        **{"attributes": {"opinion": 0.25, "active": 0}, **more},
    )


def said(options: Mapping[str, Any], observation: Observation) -> str | None:
    return rule_of(options).act(observation)


ME, YOU = ("me", "0.5"), ("you", "1")


@pytest.mark.parametrize(
    ("options", "observation", "expected"),
    [
        ({"rule": "degroot"}, seen(), "0.25"),
        ({"rule": "degroot"}, seen(("system", "Hello."), ME, YOU), "0.75"),
        ({"rule": "degroot"}, seen(ME, YOU, weights=(0.0, 0.3)), "1.0"),
        ({"rule": "degroot"}, seen(ME, YOU, weights=(1.0, 3.0)), "0.875"),
        ({"rule": "degroot", "own": 0}, seen(ME, YOU), "1.0"),
        ({"rule": "degroot", "own": 0}, seen(ME), "0.5"),
        ({"rule": "degroot"}, seen(ME, ("you", "0"), YOU), "0.75"),
        ({"rule": "degroot"}, seen(ME, ("you", "nan")), "0.5"),
        ({"rule": "friedkin_johnsen", "susceptibility": 0.5}, seen(ME, YOU), "0.5"),
        ({"rule": "friedkin_johnsen", "susceptibility": "opinion"}, seen(ME, YOU), "0.375"),
        ({"rule": "voter"}, seen(("me", "no"), ("bo", "yes"), ("cy", "no"), ("bo", "yes")), "yes"),
        (
            {"rule": "voter", "copies": "drawn"},
            seen(("me", "no"), ("bo", "a"), ("cy", "b"), weights=(0.0, 0.0, 1.0)),
            "b",
        ),
        ({"rule": "voter"}, seen(("me", "no")), "no"),
        ({"rule": "deffuant", "epsilon": 0.6, "mu": 0.5}, seen(ME, YOU), "0.75"),
        ({"rule": "deffuant", "epsilon": 0.5, "mu": 0.5}, seen(ME, YOU), "0.5"),
        ({"rule": "hegselmann_krause", "epsilon": 0.5}, seen(ME, YOU, ("bo", "1.5")), "0.75"),
        ({"rule": "linear_threshold", "threshold": 0.5}, seen(("me", "0"), ("bo", "1"), ("cy", "0")), "1"),
        ({"rule": "linear_threshold", "threshold": 0.6}, seen(("me", "0"), ("bo", "1"), ("cy", "0")), "0"),
        ({"rule": "linear_threshold", "threshold": 0.6}, seen(("me", "1"), ("bo", "0")), "1"),
        ({"rule": "linear_threshold", "threshold": 1, "counts": "number"}, seen(("me", "0"), ("bo", "1")), "1"),
        ({"rule": "linear_threshold", "threshold": 0.6, "quiet": True}, seen(("me", "0"), ("bo", "0")), None),
        ({"rule": "independent_cascade", "p": 1}, seen(("bo", "active 0")), "active 1"),
        ({"rule": "independent_cascade", "p": 1}, seen(("bo", "active 0"), round_no=2), None),
        ({"rule": "independent_cascade", "p": 1}, seen(("me", "active 0"), ("bo", "active 0")), None),
        ({"rule": "independent_cascade"}, seen(("bo", "active 0"), weights=(0.0,)), None),
        ({"rule": "majority"}, seen(("me", "no"), ("bo", "yes"), ("cy", "yes")), "yes"),
        ({"rule": "majority"}, seen(("me", "no"), ("bo", "yes")), "no"),
        ({"rule": "majority", "own": False}, seen(("me", "no"), ("bo", "yes")), "yes"),
        ({"rule": "curie_weiss", "beta": 1000}, seen(("me", "1"), ("bo", "-1"), ("cy", "-1")), "-1"),
        ({"rule": "curie_weiss", "beta": 1000, "h": 2}, seen(("me", "-1"), ("bo", "-1")), "1"),
        ({"rule": "naming_game"}, seen(), "me-7 of me-7"),
        ({"rule": "naming_game"}, seen(("bo", "w of v w")), "no: w"),
        ({"rule": "naming_game"}, seen(("me", "no: v w"), ("bo", "w of w")), "yes: w"),
        ({"rule": "naming_game"}, seen(("me", "v of v w"), ("bo", "no: v"), ("cy", "x of x")), "no: v w x"),
        ({"rule": "naming_game"}, seen(("me", "v of v w"), ("bo", "yes: v")), "v of v"),
        ({"rule": "stock"}, seen(), "100"),
        ({"rule": "stock"}, seen(("me", "100"), ("bo", "20"), ("cy", "30.5")), "99"),
        ({"rule": "stock"}, seen(("me", "100"), ("bo", "10")), "100"),
        ({"rule": "stock"}, seen(("me", "100"), ("bo", "95")), "10"),
        ({"rule": "stock"}, seen(("me", "100"), ("bo", "95.5")), "0"),
        ({"rule": "stock"}, seen(("me", "100"), ("bo", "-50"), ("cy", "no idea")), "100"),
        ({"rule": "harvest", "takes": 10}, seen(("STOCK", "50")), "10"),
        ({"rule": "harvest", "takes": 10}, seen(("STOCK", "50"), ("me", "10"), ("STOCK", "0")), "0"),
        ({"rule": "harvest", "takers": 5}, seen(("STOCK", "100")), "10"),
        ({"rule": "beauty_contest", "level": 1}, seen(), str(50 * (2 / 3))),
        ({"rule": "beauty_contest", "low": 7, "high": 7}, seen(), "7"),
    ],
)
def test_what_a_rule_says(options: Mapping[str, Any], observation: Observation, expected: str | None) -> None:
    assert said(options, observation) == expected


@pytest.mark.parametrize("name", RULES)
def test_a_shipped_rule_names_its_source(name: str) -> None:
    assert "Source: " in str(import_module(rule_class(name).__module__).__doc__)


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        ({}, "not told which rule"),
        ({"rule": "degrot"}, "no rule 'degrot'"),
        ({"rule": ["degroot"]}, "no rule"),
        ({"rule": "degroot", "function": "f"}, "not both"),
        ({"rule": "deffuant"}, "epsilon"),
        ({"rule": "deffuant", "epsilon": 0.1, "mu": 2}, "mu"),
        ({"rule": "deffuant", "epsilon": float("nan")}, "epsilon"),
        ({"rule": "independent_cascade", "p": 1.5}, "p"),
    ],
)
def test_options_that_make_no_sense_are_refused(options: Mapping[str, Any], problem: str) -> None:
    with pytest.raises(RequestError, match=problem):
        rule.check_options(options)


def test_a_study_says_where_a_parameter_is_wrong() -> None:
    text = "name: s\nmodel: {backend: rule, rule: deffuant, epsilon: -1}\nagents: [{name: a}]\nchannels: {hall: {}}\n"
    with pytest.raises(SpecError, match=r"<text>:2:.*model\.epsilon"):
        Study.parse(text + "stop: {turns: 1}\n")


def test_an_agent_without_the_attribute_that_it_begins_with_fails_with_a_remedy() -> None:
    with pytest.raises(CompletionError, match="me has no attribute 'opinion'") as failure:
        said({"rule": "degroot"}, seen(attributes={}))
    assert "attributes: {opinion: ...}" in failure.value.remedy


def test_without_a_chance_and_without_weights_a_cascade_has_nothing_to_go_by() -> None:
    with pytest.raises(CompletionError, match="no chance to go by"):
        said({"rule": "independent_cascade"}, seen(("bo", "active 0")))


def test_the_chances_of_two_neighbours_are_independent() -> None:
    two = [
        said({"rule": "independent_cascade", "p": 0.5}, seen(("b", "active 0"), ("c", "active 0"), seed=at))
        for at in range(400)
    ]
    assert abs(two.count("active 1") - 300) < 4 * (400 * 0.75 * 0.25) ** 0.5

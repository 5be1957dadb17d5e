"""The two backends without a model: what they answer follows from the request alone."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from importlib.metadata import EntryPoint
from typing import Any

import pytest
from tests.support.virtual_time import in_virtual_time

from genai_social_sim.backends import registry, rule, scripted
from genai_social_sim.backends.registry import Surroundings
from genai_social_sim.backends.rule import Observation
from genai_social_sim.domain.act import Choose
from genai_social_sim.errors import CompletionError, RequestError
from genai_social_sim.ports import Answer, InstantModel, LanguageModel, Request
from genai_social_sim.testing.language_models import small_request

HERE = Surroundings(functions={"echo": lambda request: request.agent, "passes": lambda request: None})


def model(**options: Any) -> LanguageModel:
    return scripted.open_backend(options, HERE)


def seeded(seed: int, attempt: int = 1) -> Request:
    return small_request(attempt=attempt)._replace(seed=seed)


async def timed(backend: LanguageModel, request: Request) -> tuple[Answer, float]:
    began = asyncio.get_running_loop().time()
    answer = await backend.complete(request)
    return answer, asyncio.get_running_loop().time() - began


def test_answers_come_round_by_round_and_begin_again() -> None:
    backend = model(answers=["One.", "Two."])
    answers = [in_virtual_time(backend.complete(small_request(round_no=number))).text for number in range(3)]
    assert answers == ["One.", "Two.", "One."]


def test_words_follow_from_the_calls_seed() -> None:
    backend = model(words=7)
    one, again, other = (in_virtual_time(backend.complete(seeded(seed))).text for seed in (1, 1, 2))
    assert one == again != other
    assert len(one.split()) == 7
    assert one[0].isupper()
    assert one.endswith(".")


def test_a_function_is_given_the_request_and_may_pass() -> None:
    assert in_virtual_time(model(function="echo").complete(small_request())).text == "ada"
    assert in_virtual_time(model(function="passes").complete(small_request())).finish == "passed"


def test_a_script_chooses_each_option_about_as_often() -> None:
    backend, request = model(choose=True), small_request(act=Choose(options=("yes", "no"), labels=True))
    drawn = [in_virtual_time(backend.complete(request._replace(seed=seed))).text for seed in range(400)]
    assert {*drawn} == {"A", "B"}
    assert abs(drawn.count("A") - 200) < 45
    assert in_virtual_time(backend.complete(small_request())).finish == "passed"


def test_a_rule_sees_the_options_by_their_names() -> None:
    backend = rule.RuleModel("list", lambda observed: " or ".join(observed.options))
    answer = in_virtual_time(backend.complete(small_request(act=Choose(options=("yes", "no"), labels=True))))
    assert (answer.text, answer.legal_mass) == ("yes or no", None)


def test_an_answer_comes_after_its_latency() -> None:
    answer, seconds = in_virtual_time(timed(model(answers=["Hm."], latency=2.5), small_request()))
    assert (answer.text, seconds) == ("Hm.", 2.5)


def test_a_latency_is_drawn_between_its_bounds_by_the_calls_seed() -> None:
    backend = model(answers=["Hm."], latency=[1.0, 3.0])
    drawn = [in_virtual_time(timed(backend, seeded(seed)))[1] for seed in range(50)]
    again = [in_virtual_time(timed(backend, seeded(seed)))[1] for seed in range(50)]
    assert drawn == again
    assert 1.0 <= min(drawn) < 1.3
    assert 2.7 < max(drawn) <= 3.0


@pytest.mark.parametrize(("fault", "share"), [("error", 0.3), ("empty", 0.2)])
def test_faults_come_as_often_as_was_asked_and_by_seed_and_attempt(fault: str, share: float) -> None:
    backend = model(answers=["Hm."], faults={fault: share})

    def failed(seed: int, attempt: int) -> bool:
        try:
            return in_virtual_time(backend.complete(seeded(seed, attempt))).text == ""
        except CompletionError:
            return True

    first = [failed(seed, 1) for seed in range(400)]
    assert first == [failed(seed, 1) for seed in range(400)]
    assert abs(sum(first) / 400 - share) < 0.08
    assert first != [failed(seed, 2) for seed in range(400)]


def test_a_hang_lasts_longer_than_any_deadline() -> None:
    _, seconds = in_virtual_time(timed(model(answers=["Hm."], faults={"hang": 1.0}), small_request()))
    assert seconds >= 1e9


def test_only_a_backend_without_waits_answers_at_once() -> None:
    assert isinstance(model(words=3), InstantModel)
    assert isinstance(model(words=3, faults={"error": 0.5}), InstantModel)
    assert not isinstance(model(words=3, latency=0.1), InstantModel)
    assert not isinstance(model(words=3, faults={"hang": 0.1}), InstantModel)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({}, "takes one of answers, words, choose and function, not none of them"),
        ({"answers": ["a"], "words": 3}, "not answers and words"),
        ({"answers": []}, "option 'answers'"),
        ({"words": 0}, "option 'words'"),
        ({"words": 3, "slots": 0}, "option 'slots'"),
        ({"words": 3, "mood": "good"}, "option 'mood'"),
        ({"words": 3, "faults": {"error": 2}}, "option 'faults.error'"),
        ({"words": 3, "latency": -1}, "option 'latency'"),
        ({"words": 3, "latency": [3, 1]}, "option 'latency'"),
        ({"words": 3, "latency": float("nan")}, "option 'latency'"),
        ({"words": 3, "faults": {"error": 0.7, "empty": 0.7}}, "option 'faults'"),
        ({"function": "none_such"}, "there is no function 'none_such'"),
    ],
)
def test_options_that_make_no_sense_are_refused_by_name(options: Mapping[str, Any], words: str) -> None:
    with pytest.raises(RequestError, match=words):
        scripted.open_backend(options, HERE)


def test_what_it_is_are_its_options() -> None:
    assert model(words=3, latency=0.5).identity() == {"backend": "scripted", "words": 3, "latency": 0.5}


def observed(function: Any, request: Request) -> Answer:
    backend = rule.open_backend({"function": "rule"}, Surroundings(functions={"rule": function}))
    return in_virtual_time(backend.complete(request))


def test_a_rule_sees_what_its_agent_knows_and_nothing_else() -> None:
    seen: list[Observation] = []
    observed(seen.append, small_request(round_no=1))
    (one,) = seen
    assert (one.agent, one.persona, one.channel, one.round, one.turn) == ("ada", "I am ada.", "hall", 1, 2)
    assert one.heard == (("system", "Begin."), ("ada", "Point 0."), ("bo", "Point 1."))


def test_a_rule_draws_from_dice_of_its_turn() -> None:
    draws = [observed(lambda seen: str(seen.dice.below(10**9)), seeded(seed)).text for seed in (1, 1, 2)]
    assert draws[0] == draws[1] != draws[2]


@pytest.mark.parametrize(
    ("given", "text", "finish"), [("Hm.", "Hm.", "stop"), (None, "", "passed"), (0.5, "0.5", "stop")]
)
def test_what_a_rule_gives_back_is_what_is_said(given: Any, text: str, finish: str) -> None:
    answer = observed(lambda seen: given, small_request())
    assert (answer.text, answer.finish, answer.by) == (text, finish, "rule")


@pytest.mark.parametrize("options", [{}, {"function": 3}, {"function": "a", "mood": 1}, {"function": "none_such"}])
def test_a_rule_that_cannot_be_found_is_refused(options: Mapping[str, Any]) -> None:
    with pytest.raises(RequestError, match="function"):
        rule.open_backend(options, HERE)


def test_a_backend_is_found_by_its_name() -> None:
    assert registry.find("scripted") is scripted.open_backend
    assert set(registry.names()) >= {"embedded", "rule", "scripted"}
    with pytest.raises(RequestError, match=r"there is no backend 'gpt'.*Use one of: .*scripted"):
        registry.find("gpt")


def test_an_installed_package_may_offer_a_backend_and_a_rule(monkeypatch: pytest.MonkeyPatch) -> None:
    points = {
        registry.ENTRY_POINTS: EntryPoint(
            "theirs", "genai_social_sim.backends.rule:open_backend", registry.ENTRY_POINTS
        ),
        rule.ENTRY_POINTS: EntryPoint("shout", "builtins:repr", rule.ENTRY_POINTS),
    }

    def offered(*, group: str, name: str | None = None) -> list[EntryPoint]:
        return [point for key, point in points.items() if key == group and name in (None, point.name)]

    for module in (registry, rule):
        monkeypatch.setattr(module, "entry_points", offered)
    assert registry.find("theirs") is rule.open_backend
    assert "theirs" in registry.names()
    assert (
        "Observation(" in in_virtual_time(rule.open_backend({"function": "shout"}, HERE).complete(small_request())).text
    )

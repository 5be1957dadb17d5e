"""Speed never shows in the log; what may run beside each other does."""

from __future__ import annotations

import asyncio

import pytest
from tests.support.models import Counted, after, at_once, spoken
from tests.support.scenario import Scenario, scenario, scripted

from genai_social_sim.domain.dice import Dice
from genai_social_sim.domain.events import Answered, Event, FellSilent, Spoke
from genai_social_sim.domain.plan import Model, Silence
from genai_social_sim.ports import Answer, Request
from genai_social_sim.testing.plans import small_channel

TWO = (small_channel("hall", members="ada bo"), small_channel("yard", members="cy di"))
NAMES = "ada bo cy di"


def quick_and_slow(*, stop: object) -> Scenario:
    async def complete(request: Request) -> Answer:
        await asyncio.sleep(100.0 if request.channel == "hall" else 1.0)
        return spoken(request)

    return scenario(*TWO, agents=NAMES, stop=stop).but(model=Counted(complete))  # type: ignore[arg-type]


def turns(events: list[Event], kind: type[Answered | FellSilent | Spoke]) -> list[int]:
    return [event.turn for event in events if isinstance(event, kind)]


def test_answers_are_written_down_as_they_come_and_take_effect_in_logical_order() -> None:
    played = quick_and_slow(stop=8).play()
    assert turns(played.events, Answered) == [2, 3, 6, 7, 0, 1, 4, 5]
    assert turns(played.events, Spoke) == list(range(8))


def test_an_answer_is_in_the_log_before_it_has_any_effect() -> None:
    events = quick_and_slow(stop=8).play().events
    for turn in range(8):
        answered = next(at for at, event in enumerate(events) if isinstance(event, Answered) and event.turn == turn)
        spoke = next(at for at, event in enumerate(events) if isinstance(event, Spoke) and event.turn == turn)
        assert answered < spoke


def test_with_a_rule_on_outcomes_the_quick_channel_waits_for_the_round() -> None:
    async def silent(request: Request) -> Answer:
        await asyncio.sleep(100.0 if request.channel == "hall" else 1.0)
        return Answer(text="", finish="passed")

    model = Counted(silent)
    played = quick_and_slow(stop=Silence(rounds=2)).but(model=model).play()
    assert turns(played.events, Answered) == [2, 3, 0, 1, 6, 7, 4, 5]
    assert turns(played.events, FellSilent) == list(range(8))
    assert len(model.asked) == 8


def test_channels_are_answered_beside_each_other() -> None:
    played = scenario(*TWO, agents=NAMES, stop=8, latency=10.0).play()
    last = max(recorded.at for recorded in played.log.events())
    assert last - 1_700_000_000 == 40.0  # four answers one after the other in each channel


@pytest.mark.parametrize("slots", [1, 2, 8])
def test_no_more_calls_are_under_way_than_there_are_slots(slots: int) -> None:
    names = " ".join(f"a{number}" for number in range(8))
    by_model, by_setting = Counted(after(1), slots=slots), Counted(after(1), slots=64)
    run = scenario(agents=names, protocol="simultaneous", stop=16)
    run.but(model=by_model).play()
    run.but(model=by_setting, slots=slots).play()
    assert by_model.most_at_once == by_setting.most_at_once == slots


def test_two_models_have_lanes_of_their_own() -> None:
    models = {"ada": Model(backend="scripted"), "bo": Model(backend="rule")}
    run = scenario(agents="ada bo", protocol="simultaneous", stop=4, models=models)
    one, other = Counted(after(5), slots=1), Counted(after(5), slots=1)
    played = run.but(models={models["ada"]: one, models["bo"]: other}).play()
    assert (one.asked, other.asked) == ([(0, 1), (2, 1)], [(1, 1), (3, 1)])
    assert max(recorded.at for recorded in played.log.events()) - 1_700_000_000 == 10.0


def test_instant_and_waiting_backends_in_one_run_make_the_same_run_as_either() -> None:
    models = {"ada": Model(backend="scripted"), "bo": Model(backend="rule"), "cy": Model(backend="rule")}
    run = scenario(agents="ada bo cy", protocol="random", stop=30, models=models)
    mixed = run.but(models={models["ada"]: scripted(latency=(0.1, 9.0))})
    assert mixed.play().digest == run.play().digest == run.but(hurried=True).play().digest


def test_a_request_carries_all_that_an_answer_may_depend_on() -> None:
    seen: list[Request] = []

    async def complete(request: Request) -> Answer:
        seen.append(request)
        return spoken(request)

    played = scenario(agents="ada bo", stop=3).but(model=Counted(complete)).play()
    third = seen[2]
    assert (third.turn, third.attempt, third.channel, third.round, third.agent) == (2, 1, "hall", 1, "ada")
    assert [(line.speaker, line.text.value) for line in third.heard] == [
        ("system", "Begin."),
        ("ada", "ada 0"),
        ("bo", "bo 1"),
    ]
    assert third.prompt == played.prompt(2)
    (answered,) = [event for event in played.of(Answered) if event.turn == 2]
    assert answered.asked.seed == third.seed
    assert third.persona == "I am ada."


def test_times_are_seconds_since_the_turn_fell_due() -> None:
    async def complete(request: Request) -> Answer:
        await asyncio.sleep(2)
        return Answer(text="Hm.", first_token_s=0.5)

    played = scenario(agents="ada bo", protocol="simultaneous", stop=2).but(model=Counted(complete, slots=1)).play()
    times = [(event.sent_s, event.first_token_s, event.done_s) for event in played.of(Answered)]
    assert times == [(0.0, 0.5, 2.0), (2.0, 2.5, 4.0)]


def test_random_latencies_come_in_another_order_and_make_the_same_run() -> None:
    dice = Dice(5, "latencies")

    async def complete(request: Request) -> Answer:
        await asyncio.sleep(10 * dice.unit())
        return spoken(request)

    run = scenario(agents=NAMES, protocol="simultaneous", stop=40)
    one, two = (run.but(model=Counted(complete)).play() for _ in range(2))
    assert turns(one.events, Answered) != turns(two.events, Answered)
    assert one.digest == two.digest == run.but(model=Counted(at_once)).play().digest

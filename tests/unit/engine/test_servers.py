"""Model servers: asked at a pace they can keep, left alone when down, given up when they never come back."""

from __future__ import annotations

import asyncio
from contextlib import suppress

import pytest
from tests.support.models import Complete, Counted, after, failing, spoken
from tests.support.scenario import Played, Scenario, scenario, scripted
from tests.support.virtual_time import in_virtual_time

from genai_social_sim.domain.events import Answered, AttemptFailed, Cause, Noticed, SessionEnded
from genai_social_sim.domain.plan import Timeouts
from genai_social_sim.engine.budget import Budget, BudgetError
from genai_social_sim.engine.live import DeniedError, World
from genai_social_sim.engine.pace import Pace
from genai_social_sim.errors import CompletionError
from genai_social_sim.ports import Answer, EventLog, Request
from genai_social_sim.testing.plans import small_channel

EIGHT = " ".join(f"a{number}" for number in range(8))


class Served(Counted):
    """A backend that stands before a server, and remembers how many calls were under way at once in each round."""

    where = "http://one.example"

    def __init__(self, complete: Complete, *, slots: int = 8) -> None:
        super().__init__(complete, slots=slots)
        self.at_once: dict[int, int] = {}

    async def complete(self, request: Request) -> Answer:
        self.at_once[request.round] = max(self.at_once.get(request.round, 0), self._now + 1)
        return await super().complete(request)


def rounds(model: Counted, count: int, **timeouts: object) -> Scenario:
    limits = Timeouts(attempts=1, backoff_s=0.0, **timeouts)  # type: ignore[arg-type]
    run = scenario(agents=EIGHT, protocol="simultaneous", stop=8 * count, timeouts=limits)
    return run.but(model=model)


def test_a_server_that_is_overloaded_is_asked_half_as_much_and_slowly_more_again() -> None:
    async def complete(request: Request) -> Answer:
        if request.round < 2:
            await asyncio.sleep(1000)
        await asyncio.sleep(1)
        return spoken(request)

    model = Served(complete)
    rounds(model, 6, answer_s=10.0).play()
    assert model.at_once[0] == 8
    assert model.at_once[1] == 4
    assert model.at_once[2] < 4  # it has halved again, and grows with each answer
    assert model.at_once[2] < model.at_once[5] <= 8


def test_a_backend_without_a_server_is_never_slowed_down() -> None:
    model = Counted(after(1000), slots=8)
    rounds(model, 3, answer_s=10.0).play()
    assert model.most_at_once == 8


def test_a_server_that_nobody_reaches_is_left_alone_and_said_to_be_down() -> None:
    async def complete(request: Request) -> Answer:
        await asyncio.sleep(0.1)
        if request.round < 2:
            raise CompletionError("connection refused", cause="unreachable")
        return spoken(request)

    played = rounds(Served(complete), 3).play()
    assert [event.what for event in played.of(Noticed)] == ["server_down", "server_up"]
    assert "http://one.example" in played.of(Noticed)[0].detail.value
    sent = [event.sent_s for event in played.of(AttemptFailed) if event.turn >= 8]
    assert max(sent) > 10  # the later ones waited for their turn to try


@pytest.mark.parametrize("slots", [1, 8])
def test_the_pace_of_a_server_never_shows_in_the_digest(slots: int) -> None:
    cases = [(turn, 1) for turn in range(0, 24, 3)]
    timeouts = Timeouts(attempts=2, backoff_s=1.0)
    run = scenario(agents=EIGHT, protocol="simultaneous", stop=24, timeouts=timeouts)
    plain, served = Counted(failing(*cases)), Served(failing(*cases), slots=slots)
    assert run.but(model=plain).play().digest == run.but(model=served).play().digest


def test_a_call_that_does_not_let_go_is_given_up_and_the_study_goes_on() -> None:
    async def complete(request: Request) -> Answer:
        return await deaf(request) if request.turn == 1 else spoken(request)

    model = Counted(complete, slots=2)
    run = scenario(protocol="simultaneous", stop=6, timeouts=Timeouts(answer_s=10.0, attempts=1)).but(model=model)
    played = run.play()
    assert played.speakers == ["ada", "cy", "ada", "bo", "cy"]
    (stalled,) = played.of(Noticed)
    assert (stalled.what, stalled.turn) == ("stalled", 1)
    assert [event.cause for event in played.of(AttemptFailed)] == ["timeout"]


async def deaf(request: Request) -> Answer:
    """It does not mind being cancelled; so often that only the end of the test ends it."""
    for _ in range(5):
        with suppress(asyncio.CancelledError):
            await asyncio.sleep(1000)
    return spoken(request)


def test_a_call_that_does_not_let_go_is_given_up_also_while_others_are_answered() -> None:
    """With two channels, bo and cy talk on for ever, and ada's turn is skipped all the same."""

    async def complete(request: Request) -> Answer:
        if request.agent == "ada" and request.round == 0:
            return await deaf(request)
        await asyncio.sleep(3)
        return spoken(request)

    model = Counted(complete, slots=2)
    timeouts = Timeouts(answer_s=10.0, attempts=1)
    channels = small_channel("alone", members="ada"), small_channel("hall", members="bo cy")
    played = scenario(*channels, stop=60, timeouts=timeouts).but(model=model).play()
    (stalled,) = played.of(Noticed)
    assert stalled.detail.value.startswith("turn 0 of ada waits for Counted since 1")
    (failed,) = played.of(AttemptFailed)
    assert 15.0 <= failed.done_s <= 18.0  # the deadline, five seconds of grace, and until somebody looks
    assert played.events.index(failed) < len(played.events) / 2


class Punctual(Counted):
    """A backend that says that it holds deadlines itself."""

    ends_in_time = True


def test_a_backend_that_holds_deadlines_is_told_them_and_given_up_if_it_does_not_keep_to_them() -> None:
    told: list[float] = []

    async def complete(request: Request) -> Answer:
        told.append(request.limits.answer_s)
        await asyncio.sleep(1000 if request.turn == 0 else 1)
        return spoken(request)

    timeouts = Timeouts(answer_s=10.0, turn_s=8.0, attempts=1)
    played = scenario(stop=2, timeouts=timeouts).but(model=Punctual(complete)).play()
    assert told == [8.0, 8.0]
    (failed,) = played.of(AttemptFailed)
    assert (failed.cause, failed.done_s) == ("timeout", 15.0)
    assert [event.what for event in played.of(Noticed)] == ["stalled"]
    assert played.said == [("bo", "bo 1")]


def test_a_call_counts_as_stuck_by_its_own_time_and_not_by_that_of_its_turn() -> None:
    """A third attempt, and a turn that stood in a queue for a minute, are within their deadlines."""

    async def complete(request: Request) -> Answer:
        if request.turn == 0 and request.attempt < 3:
            await asyncio.sleep(1000)
        await asyncio.sleep(9)
        return spoken(request)

    timeouts = Timeouts(answer_s=10.0, attempts=3, backoff_s=0.0)
    run = scenario(agents=EIGHT, protocol="simultaneous", stop=8, timeouts=timeouts)
    played = run.but(model=Counted(complete, slots=1)).play()
    assert played.of(Noticed) == []
    assert len(played.said) == 8


def test_who_waits_for_room_beside_a_call_that_is_given_up_gets_it() -> None:
    """The first round makes the server's pace one call at a time; that call never comes back."""

    async def complete(request: Request) -> Answer:
        if request.round == 0:
            raise CompletionError("overloaded", cause="error")
        if request.turn == 2:
            return await deaf(request)
        return spoken(request)

    run = scenario(agents="a0 a1", protocol="simultaneous", stop=4, timeouts=Timeouts(answer_s=10.0, attempts=1))
    played = run.but(model=Served(complete, slots=2)).play()
    assert [event.what for event in played.of(Noticed)] == ["stalled"]
    assert played.said == [("a1", "a1 3")]


class Thrifty(Scenario):
    """A run with a budget."""

    budget = Budget()

    def world(self, log: EventLog) -> World:
        world = super().world(log)
        return World(log=log, models=world.models, clock=world.clock, budget=self.budget)


@pytest.mark.parametrize(("budget", "words"), [(Budget(tokens=30), "30 tokens"), (Budget(seconds=25.0), "25 s")])
def test_a_budget_that_is_used_up_interrupts_the_run_which_can_go_on(budget: Budget, words: str) -> None:
    async def complete(request: Request) -> Answer:
        await asyncio.sleep(10)
        return Answer(text="Hm.", prompt_tokens=9, answer_tokens=1)

    whole = scenario(stop=6).but(model=Counted(complete))
    run = Thrifty(plan=whole.plan, model=whole.model)
    log = run.log_with()
    Thrifty.budget = budget
    with pytest.raises(BudgetError, match=words):
        in_virtual_time(run.played(log, []))
    stopped = Played(run.plan, log)
    assert isinstance(stopped.events[-1], SessionEnded)
    assert stopped.events[-1].status == "interrupted"
    assert len(stopped.said) in (2, 3)
    assert whole.play(stopped.entries()).digest == whole.play().digest


def test_an_interrupt_is_an_interrupt_also_when_a_failure_would_stop_the_run_at_that_moment() -> None:
    async def work(run: Scenario, log: EventLog) -> None:
        task = asyncio.ensure_future(run.played(log, []))
        await asyncio.sleep(5.0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    timeouts = Timeouts(attempts=1, on_failure="stop")
    run = scenario(stop=3, timeouts=timeouts).but(model=Counted(failing((0, 1), seconds=5.0)))
    log = run.log_with()
    in_virtual_time(work(run, log))
    played = Played(run.plan, log)
    assert [type(event).__name__ for event in played.events[-2:]] == ["AttemptFailed", "SessionEnded"]
    assert played.events[-1].status == "interrupted"  # type: ignore[union-attr]
    assert played.of(Answered) == []


def test_a_pace_halves_once_in_the_time_of_a_call_and_never_stops() -> None:
    pace = Pace(16)
    for _ in range(10):
        pace.failed("timeout", 5.0, now=100.0)
    assert pace.limit == 8
    for second in range(101, 200):
        pace.failed("timeout", 5.0, now=float(second))
    assert pace.limit == 1
    assert pace.has_room(0, 300.0)
    assert not pace.has_room(1, 300.0)


def test_a_pace_grows_back_to_its_bound_and_no_further() -> None:
    pace = Pace(4)
    pace.failed("error", 1.0, now=0.0)
    for second in range(100):
        pace.answered(1.0, now=float(second))
    assert pace.limit == 4


def test_a_server_that_becomes_much_slower_is_asked_half_as_much() -> None:
    pace = Pace(16)
    for second in range(20):
        pace.answered(1.0, now=float(second))
    pace.answered(2.9, now=50.0)
    assert pace.limit == 16
    pace.answered(9.0, now=60.0)
    assert pace.limit == 8


def test_a_server_that_is_down_is_tried_with_one_call_after_ever_longer_rests() -> None:
    pace, rests = Pace(8), []
    for number in range(12):
        now = 1000.0 * number
        change = pace.failed("unreachable", 0.1, now)
        assert change == ("server_down" if number == 4 else "")
        rests.append(max(0.0, pace.rests_until - now))
    assert rests[:4] == [0.0] * 4
    assert rests[4:] == [0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 30.0, 30.0]
    assert pace.has_room(0, 10**6)
    assert not pace.has_room(1, 10**6)
    assert pace.answered(0.1, 10**6) == "server_up"


@pytest.mark.parametrize(("cause", "seconds", "calls"), [("error", 0.1, 5), ("garbled", 0.1, 5), ("timeout", 120.0, 3)])
def test_a_server_that_fails_every_call_one_after_the_other_is_down(cause: Cause, seconds: float, calls: int) -> None:
    pace = Pace(8)
    changes = [pace.failed(cause, seconds, now=1000.0 * number) for number in range(1, 7)]
    assert changes == [""] * (calls - 1) + ["server_down"] + [""] * (6 - calls)


@pytest.mark.parametrize("cause", ["error", "garbled", "timeout"])
def test_calls_under_way_together_that_fail_are_an_overload_and_no_reason_to_leave_a_server_alone(cause: Cause) -> None:
    pace = Pace(100)
    for number in range(100):
        assert pace.failed(cause, 10.0, now=10.0 + number / 1000) == ""
    assert pace.has_room(49, 11.0)


def test_an_answer_in_between_is_a_sign_of_life() -> None:
    pace = Pace(8)
    for number in range(1, 30):
        now = 1000.0 * number
        assert (pace.failed("timeout", 10.0, now) if number % 3 else pace.answered(1.0, now)) == ""


def test_a_server_that_refuses_a_call_as_it_is_is_there_again() -> None:
    pace = Pace(8)
    for number in range(5):
        pace.failed("unreachable", 0.1, now=float(number))
    assert pace.is_down
    assert pace.failed("refused", 0.1, now=50.0) == "server_up"
    assert not pace.is_down


def test_refusals_in_a_row_are_counted_without_those_of_calls_under_way_together() -> None:
    pace = Pace(100)
    for number in range(50):
        pace.failed("refused", 10.0, now=100.0 + number / 1000)
    assert not pace.turns_away
    for number in range(9):
        assert not pace.turns_away
        pace.failed("refused", 0.1, now=200.0 + number)
    assert pace.turns_away


def test_an_answer_in_between_shows_that_a_server_does_not_refuse_all_calls() -> None:
    pace = Pace(8)
    for number in range(1, 40):
        _ = pace.failed("refused", 0.1, float(number)) if number % 10 else pace.answered(0.1, float(number))
    assert not pace.turns_away


async def denying(request: Request) -> Answer:
    raise CompletionError("the key was revoked", cause="denied", retry=False)


@pytest.mark.parametrize("instant", [True, False])
def test_a_backend_that_is_denied_stops_the_run_whether_it_waits_or_not(instant: bool) -> None:
    def at_once(request: Request) -> str:
        raise CompletionError("the key was revoked", cause="denied", retry=False)

    run = scenario(stop=6, timeouts=Timeouts(attempts=2))
    run = run.but(model=scripted(at_once) if instant else Counted(denying), hurried=instant)
    log = run.log_with()
    with pytest.raises(DeniedError, match="turn 0 was not answered: the key was revoked"):
        in_virtual_time(run.played(log, []))
    failures = [each.event for each in log.events() if isinstance(each.event, AttemptFailed)]
    assert [failure.final for failure in failures] == [False]
    assert Scenario(plan=run.plan, model=scripted()).play([*Played(run.plan, log).entries()]).speakers


def test_a_server_that_asks_for_peace_is_given_it() -> None:
    pace = Pace(8)
    pace.failed("refused", 0.1, now=10.0, peace_s=7.0)
    assert not pace.has_room(0, 16.9)
    assert pace.has_room(0, 17.0)

"""What an answer may cost: deadlines, attempts, back-offs, and what happens when all is lost. On a clock of its own."""

from __future__ import annotations

import asyncio
from itertools import pairwise
from typing import Any

import pytest
from tests.support.models import Counted, after, failing, hangs, spoken
from tests.support.scenario import Played, Scenario, scenario
from tests.support.virtual_time import in_virtual_time

from genai_social_sim.domain.events import Answered, AttemptFailed, FellSilent, RunEnded, SessionEnded, Spoke
from genai_social_sim.domain.plan import Timeouts
from genai_social_sim.engine.live import HaltedError
from genai_social_sim.errors import CompletionError
from genai_social_sim.ports import Answer, Request


def run_of(model: Counted, timeouts: Timeouts, **plan: Any) -> Scenario:
    return scenario(timeouts=timeouts, **plan).but(model=model)


def halted(run: Scenario) -> tuple[Played, HaltedError]:
    log = run.log_with()
    with pytest.raises(HaltedError) as caught:
        in_virtual_time(run.played(log, []))
    return Played(run.plan, log), caught.value


def test_a_model_that_hangs_is_cut_off_at_the_deadline_and_its_turn_skipped() -> None:
    played = run_of(Counted(hangs), Timeouts(answer_s=120, attempts=1), stop=1).play()
    (failed,) = played.of(AttemptFailed)
    assert (failed.cause, failed.done_s, failed.final) == ("timeout", 120.0, True)
    assert "120 s" in failed.detail.value
    assert [event.cause for event in played.of(FellSilent)] == ["timeout"]
    assert played.of(SessionEnded)[0].status == "finished"


def test_an_answer_just_within_the_deadline_counts() -> None:
    played = run_of(Counted(after(119.9)), Timeouts(answer_s=120, attempts=1), stop=1).play()
    assert played.said == [("ada", "ada 0")]


def test_every_attempt_has_the_whole_deadline_and_is_on_the_record() -> None:
    played = run_of(Counted(hangs), Timeouts(answer_s=10, attempts=3, backoff_s=0.0), stop=1).play()
    attempts = [(event.attempt, event.sent_s, event.done_s, event.final) for event in played.of(AttemptFailed)]
    assert attempts == [(1, 0.0, 10.0, False), (2, 10.0, 20.0, False), (3, 20.0, 30.0, True)]


def test_an_attempt_asks_the_same_again() -> None:
    model = Counted(failing((0, 1), (0, 2)))
    played = run_of(model, Timeouts(attempts=3, backoff_s=1.0), stop=1).play()
    assert model.asked == [(0, 1), (0, 2), (0, 3)]
    assert len({event.asked for event in played.of(AttemptFailed, Answered)}) == 1
    assert played.said == [("ada", "ada 0")]


def test_the_pause_before_an_attempt_doubles_and_is_spread() -> None:
    played = run_of(Counted(failing((0, 1), (0, 2), (0, 3))), Timeouts(attempts=4, backoff_s=8.0), stop=1).play()
    events = played.of(AttemptFailed, Answered)
    pauses = [two.sent_s - one.done_s for one, two in pairwise(events)]
    for pause, longest in zip(pauses, (8.0, 16.0, 32.0), strict=True):
        assert longest / 2 <= pause <= longest


def test_a_turn_has_a_deadline_over_all_its_attempts_and_pauses() -> None:
    timeouts = Timeouts(answer_s=10, turn_s=25, attempts=9, backoff_s=0.0)
    played = run_of(Counted(hangs), timeouts, stop=1).play()
    attempts = [(event.attempt, event.sent_s, event.done_s, event.final) for event in played.of(AttemptFailed)]
    assert attempts == [(1, 0.0, 10.0, False), (2, 10.0, 20.0, False), (3, 20.0, 25.0, True)]


def test_an_attempt_that_could_only_begin_after_the_turns_deadline_is_not_waited_for() -> None:
    timeouts = Timeouts(answer_s=10, turn_s=25, attempts=9, backoff_s=100.0)
    played = run_of(Counted(hangs), timeouts, stop=1).play()
    assert [(event.done_s, event.final) for event in played.of(AttemptFailed)] == [(10.0, True)]


@pytest.mark.parametrize(("asked_s", "waited_s"), [(7.0, 7.0), (1e6, 60.0)])
def test_a_server_is_left_alone_as_long_as_it_asks_but_not_for_ever(asked_s: float, waited_s: float) -> None:
    async def complete(request: Request) -> Answer:
        if request.attempt == 1:
            raise CompletionError("too busy", cause="error", retry_after_s=asked_s)
        return spoken(request)

    played = run_of(Counted(complete), Timeouts(answer_s=30, attempts=2, backoff_s=0.0), stop=1).play()
    (answered,) = played.of(Answered)
    assert answered.sent_s == waited_s


def test_an_attempt_that_finds_its_turns_time_used_up_asks_nobody() -> None:
    """With one slot, the second attempt of ada stands behind the calls of bo and cy until it is too late."""

    async def complete(request: Request) -> Answer:
        await asyncio.sleep(9)
        if request.turn == 0:
            raise CompletionError("no connection", cause="unreachable")
        return spoken(request)

    timeouts = Timeouts(answer_s=10, turn_s=20, attempts=2, backoff_s=0.0)
    model = Counted(complete, slots=1)
    played = run_of(model, timeouts, protocol="simultaneous", stop=3).play()
    assert model.asked == [(0, 1), (1, 1), (2, 1)]
    assert [event.detail.value for event in played.of(AttemptFailed)][1:] == [
        "the time of the whole turn was up before it could be asked again"
    ]


def test_a_back_off_holds_no_slot() -> None:
    """With one slot, bo and cy are asked while ada, who was first, waits for its second attempt."""
    model = Counted(failing((0, 1)), slots=1)
    run = run_of(model, Timeouts(attempts=2, backoff_s=60.0), protocol="simultaneous", stop=3)
    played = run.play()
    assert model.asked == [(0, 1), (1, 1), (2, 1), (0, 2)]
    assert model.most_at_once == 1
    assert played.speakers == ["ada", "bo", "cy"]


def test_waiting_for_a_slot_is_not_counted_against_the_deadline() -> None:
    run = run_of(Counted(after(9), slots=1), Timeouts(answer_s=10, attempts=1), protocol="simultaneous", stop=3)
    played = run.play()
    assert [(event.sent_s, event.done_s) for event in played.of(Answered)] == [(0.0, 9.0), (9.0, 18.0), (18.0, 27.0)]


def test_on_failure_say_puts_the_studys_words_in_the_agents_mouth() -> None:
    timeouts = Timeouts(answer_s=1, attempts=1, on_failure="say", say="No comment.")
    played = run_of(Counted(hangs), timeouts, stop=2).play()
    assert played.said == [("ada", "No comment."), ("bo", "No comment.")]
    assert [event.stand_in for event in played.of(Spoke)] == ["timeout", "timeout"]


def test_on_failure_stop_halts_the_run_in_good_order_and_resuming_tries_again() -> None:
    run = run_of(Counted(failing((1, 1), (1, 2))), Timeouts(attempts=2, backoff_s=0.0, on_failure="stop"), stop=3)
    played, fault = halted(run)
    assert "turn 1 of bo failed 2 times" in str(fault)
    assert (played.events[-1].status, played.of(RunEnded)) == ("failed", [])  # type: ignore[union-attr]
    model = Counted(failing())
    resumed = run.but(model=model).play(played.entries())
    assert resumed.speakers == ["ada", "bo", "cy"]
    assert model.asked == [(1, 3), (2, 1)]  # attempts are numbered on


@pytest.mark.parametrize("on_failure", ["skip", "say", "stop"])
def test_a_failure_that_is_on_the_record_is_not_paid_for_again(on_failure: Any) -> None:
    """Whatever follows from it, an attempt counts once, also over a resume between its attempts."""
    timeouts = Timeouts(answer_s=1, attempts=2, backoff_s=0.0, on_failure=on_failure, say="Hm.")
    run = run_of(Counted(failing((0, 1), (0, 2))), timeouts, stop=1)
    whole = halted(run)[0] if on_failure == "stop" else run.play()
    first = next(at for at, event in enumerate(whole.events) if isinstance(event, AttemptFailed))
    model = Counted(failing((0, 1), (0, 2)))
    log = run.log_with(whole.entries()[: first + 1])
    try:
        in_virtual_time(run.but(model=model).played(log, list(log.events())))
    except HaltedError:
        assert on_failure == "stop"
    assert model.asked == [(0, 2)]
    assert log.digest == whole.log.digest


def test_answers_that_came_in_with_a_failure_that_stops_the_run_are_kept() -> None:
    async def complete(request: Request) -> Answer:
        if request.turn == 0:
            raise CompletionError("no connection", cause="unreachable")
        return spoken(request)

    timeouts = Timeouts(attempts=1, on_failure="stop")
    played, _ = halted(run_of(Counted(complete), timeouts, protocol="simultaneous", stop=3))
    assert [event.turn for event in played.of(Answered)] == [1, 2]


def test_a_failure_of_a_kind_that_a_model_knows_keeps_its_cause_and_words() -> None:
    async def complete(request: Request) -> Answer:
        raise CompletionError("the prompt has 9000 tokens, the model takes 8192", cause="too_long", remedy="Cut.")

    played = run_of(Counted(complete), Timeouts(attempts=1), stop=1).play()
    (failed,) = played.of(AttemptFailed)
    assert (failed.cause, "9000 tokens" in failed.detail.value) == ("too_long", True)

"""What begins and ends a session, whatever ends it: observers, bugs, Ctrl-C; and how a run goes on."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Any

import pytest
from tests.support.models import Counted, after, failing, hangs, spoken
from tests.support.scenario import STUDY, Played, Scenario, called, scenario
from tests.support.virtual_time import LoopClock, in_virtual_time

from genai_social_sim.domain.events import Answered, Event, Noticed, RunEnded, RunStarted, SessionEnded, SessionStarted
from genai_social_sim.domain.plan import Timeouts
from genai_social_sim.domain.text import Text
from genai_social_sim.engine.replay import replay
from genai_social_sim.errors import CompletionError, RecordError
from genai_social_sim.eventlog.memory import DigestLog, MemoryLog
from genai_social_sim.kernel.stage import Stage
from genai_social_sim.ports import Answer, Entry, Request
from genai_social_sim.testing.plans import small_channel


class Watching:
    """Remembers what it saw, and fails when told to."""

    def __init__(self, *, fails_at: int = 10**9) -> None:
        self.seen: list[Event] = []
        self._fails_at = fails_at

    def saw(self, events: Sequence[Event]) -> None:
        self.seen.extend(events)
        if len(self.seen) > self._fails_at:
            raise ValueError("no room on the screen")


def left_by(run: Scenario, fault: type[BaseException]) -> Played:
    log = run.log_with()
    with pytest.raises(fault):
        in_virtual_time(run.played(log, []))
    return Played(run.plan, log)


def test_a_run_begins_and_ends_on_the_record() -> None:
    events = scenario(stop=1).play().events
    assert [type(event).__name__ for event in events] == [
        "RunStarted",
        "SessionStarted",
        "Opened",
        "Answered",
        "Spoke",
        "RunEnded",
        "SessionEnded",
    ]
    assert events[0] == RunStarted(study=STUDY, seed=7)
    assert events[-2:] == [RunEnded(reason="1 turn", turns=1), SessionEnded(status="finished", detail=Text.of(""))]


def test_observers_see_every_event_once_and_in_order_after_it_is_in_the_log() -> None:
    run = scenario(stop=5, latency=1.0)
    log = run.log_with()

    class Comparing(Watching):
        def saw(self, events: Sequence[Event]) -> None:
            super().saw(events)
            assert [recorded.event for recorded in log.events()] == self.seen

    watching = Comparing()
    in_virtual_time(run.but(observers=[watching]).played(log, []))
    assert watching.seen == Played(run.plan, log).events


@pytest.mark.parametrize("fails_at", [0, 1, 4, 9])
def test_an_observer_that_fails_is_dropped_on_the_record_and_changes_nothing_else(fails_at: int) -> None:
    run, failing_one, other = scenario(stop=5), Watching(fails_at=fails_at), Watching()
    played = run.but(observers=[failing_one, other]).play()
    assert played.digest == run.play().digest
    assert other.seen == played.events
    assert len(failing_one.seen) < len(other.seen)
    (dropped,) = played.of(Noticed)
    assert (dropped.what, dropped.detail.value) == ("observer_dropped", "Watching: ValueError: no room on the screen")


def test_a_bug_in_a_backend_ends_the_session_as_failed_and_propagates() -> None:
    def bug(request: Request) -> str:
        return {0: "Hm."}[request.turn]

    for latency in (0.0, 1.0):
        played = left_by(scenario(answers=bug, stop=5, latency=latency), KeyError)
        assert played.said == [("ada", "Hm.")]
        assert played.events[-1] == SessionEnded(status="failed", detail=Text.of("KeyError: 1"))
        resumed = scenario(stop=5).play(played.entries())
        assert resumed.said[0] == ("ada", "Hm.")
        assert len(resumed.said) == 5


@pytest.mark.parametrize(
    "broken",
    [
        {"first_token_s": float("nan")},
        {"first_token_s": float("inf")},
        {"first_token_s": "soon"},
        {"finish": 'sto"p'},
        {"prompt_tokens": None},
        {"answer_tokens": 1.5},
        {"notes": {"logprob": float("nan")}},
        {"notes": {"at": object()}},
        {"text": None},
        {"text": b"bytes"},
    ],
    ids=lambda broken: next(iter(broken)),
)
def test_an_answer_that_no_record_can_hold_is_a_bug_of_its_backend(broken: dict[str, Any]) -> None:
    answer = Answer(**{"text": "Hm.", **broken})
    played = left_by(scenario(answers=lambda request: answer, stop=1), (TypeError, ValueError))  # type: ignore[arg-type]
    assert played.of(Answered) == []
    assert played.events[-1].status == "failed"  # type: ignore[union-attr]


def test_characters_that_no_file_can_hold_are_replaced_wherever_a_backend_puts_them() -> None:
    answer = Answer(text="a\ud800", by="b\udfff", notes={"c": "\ud83d"})
    (answered,) = scenario(answers=lambda request: answer, stop=1).play().of(Answered)
    assert (answered.raw.value, answered.by, answered.notes.value) == ("a\ufffd", "b\ufffd", '{"c":"\ufffd"}')


def test_a_record_that_cannot_be_written_ends_the_run_with_that_error() -> None:
    class Full(MemoryLog):
        def append(self, entries: Sequence[Entry]) -> None:
            if any(isinstance(entry.event, Answered) for entry in entries):
                raise RecordError("the disk is full")
            super().append(entries)

    for latency in (0.0, 1.0):
        run, log = scenario(stop=5, latency=latency), Full(LoopClock())
        with pytest.raises(RecordError, match="the disk is full"):
            in_virtual_time(run.played(log, []))


def committed(played: Played) -> set[tuple[int, int]]:
    return {(event.turn, event.attempt) for event in played.events if called(event)}


CASES = {
    "in turn": scenario(stop=7),
    "at once": scenario(protocol="simultaneous", stop=7),
    "drawn": scenario(protocol="random", stop=7),
    "two channels": scenario(
        small_channel("hall", members="ada bo"), small_channel("yard", members="bo cy", protocol="simultaneous"), stop=9
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_interrupted_after_any_event_a_run_goes_on_and_pays_for_nothing_twice(case: str) -> None:
    timeouts = Timeouts(attempts=2, backoff_s=1.0)
    plan = replace(CASES[case].plan, timeouts=timeouts)
    run = CASES[case].but(plan=plan, model=Counted(failing((1, 1), (3, 1), (3, 2)), slots=2))
    whole = run.play()
    for events in range(1, len(whole.events)):
        stopped = run.cancelled(after_events=events)
        assert stopped.events[-1].status in ("interrupted", "finished")  # type: ignore[union-attr]
        model = Counted(failing((1, 1), (3, 1), (3, 2)))
        resumed = run.but(model=model).play(stopped.entries())
        assert resumed.digest == whole.digest
        assert not committed(stopped) & set(model.asked)
        assert committed(resumed) == committed(whole)


def test_answers_that_came_in_with_an_interrupt_are_kept() -> None:
    async def work(run: Scenario, log: MemoryLog) -> None:
        task = asyncio.ensure_future(run.played(log, []))
        await asyncio.sleep(5.0)  # all three answer at this very moment
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task

    run = scenario(protocol="simultaneous", stop=3).but(model=Counted(after(5.0)))
    log = run.log_with()
    in_virtual_time(work(run, log))
    stopped = Played(run.plan, log)
    assert len(stopped.of(Answered)) == 3
    model = Counted(hangs)
    assert run.but(model=model).play(stopped.entries()).speakers == ["ada", "bo", "cy"]
    assert model.asked == []


def test_an_interrupt_ends_the_calls_that_are_under_way() -> None:
    ended: list[int] = []

    async def complete(request: Request) -> Answer:
        try:
            await asyncio.Event().wait()
        finally:
            ended.append(request.turn)
        return spoken(request)

    run = scenario(protocol="simultaneous", stop=3, timeouts=Timeouts(answer_s=1000)).but(model=Counted(complete))
    stopped = run.cancelled(after_events=3)
    assert stopped.events[-1] == SessionEnded(status="interrupted", detail=Text.of("interrupted from outside"))
    assert sorted(ended) in ([], [0, 1, 2])


def test_a_log_cut_off_between_a_turn_and_the_end_is_completed() -> None:
    whole = scenario(stop=3).play()
    cut = [entry for entry in whole.entries() if not isinstance(entry.event, RunEnded | SessionEnded)]
    resumed = scenario(stop=3).but(model=Counted(hangs)).play(cut)
    assert resumed.digest == whole.digest


def test_a_resumed_session_says_so() -> None:
    whole = scenario(stop=3).play()
    resumed = scenario(stop=3).play(whole.entries()[:4])
    assert [event.resumed for event in resumed.of(SessionStarted)] == [False, True]


def test_a_replay_of_the_recorded_answers_is_the_same_run_without_a_model() -> None:
    run = scenario(protocol="random", stop=20, answers={"ada": ["One.", None], "bo": ["bo: Two.\nada: x"], "cy": [""]})
    for played in (run.play(), run.cancelled(after_events=11)):
        taken = {event.turn: event for event in played.of(Answered)}
        turns = len([event for event in played.events if type(event).__name__ in ("Spoke", "FellSilent")])
        replayed = replay(Stage(run.plan), STUDY, DigestLog(), taken.get, turns=turns)
        assert (replayed.digest, replayed.turns, replayed.differs) == (played.log.digest, turns, "")


def test_a_replay_under_another_plan_names_the_first_turn_that_differs() -> None:
    played = scenario(stop=6).play()
    taken = {event.turn: event for event in played.of(Answered)}
    for other, words in (
        (scenario(stop=6, opening="system: Start."), "turn 0 (ada): the prompt differs"),
        (scenario(stop=6, window=1), "turn 1 (bo): the prompt differs"),
        (scenario(stop=6, seed=8), "turn 0 (ada): the seed differs"),
    ):
        assert words in replay(Stage(other.plan), STUDY, DigestLog(), taken.get, turns=6).differs
    del taken[4]
    assert (
        "turn 4: the record holds no answer"
        in replay(Stage(scenario(stop=6).plan), STUDY, DigestLog(), taken.get, turns=6).differs
    )


def test_an_expected_failure_is_no_bug() -> None:
    def refuses(request: Request) -> str:
        raise CompletionError("overloaded", cause="refused")

    played = scenario(answers=refuses, stop=2).play()
    assert played.events[-1].status == "finished"  # type: ignore[union-attr]

"""The examination of an observer: it takes every kind of event, in any batches, and changes nothing."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, get_args

from genai_social_sim.domain.events import (
    Answered,
    AttemptFailed,
    Event,
    FellSilent,
    Notice,
    Noticed,
    SessionEnded,
    Spoke,
)
from genai_social_sim.domain.text import Text
from genai_social_sim.ports import Observer
from genai_social_sim.testing.event_logs import small_log

NewObserver = Callable[[], Observer]
HOSTILE: Final = "\x1b[2J\u202e</script>=cmd()\0\r\nada: [bold]{x}%s\ufeff"


def every_kind() -> list[Event]:
    """A run in which each kind of event happens, said in hostile words."""
    events = [entry.event for entry in small_log()]
    (answered,) = [event for event in events if isinstance(event, Answered) and event.turn == 1]
    (spoke,) = [event for event in events if isinstance(event, Spoke) and event.turn == 1]
    hostile = Text.of(HOSTILE)
    more: list[Event] = [
        AttemptFailed(
            turn=3,
            attempt=1,
            asked=answered.asked,
            cause="timeout",
            detail=hostile,
            sent_s=0.0,
            done_s=1.0,
            final=True,
        ),
        FellSilent(
            turn=3,
            round=3,
            channel=spoke.channel,
            agent=spoke.agent,
            cause="timeout",
            call=bytes(32),
            tokens=0,
        ),
        Spoke(
            turn=4,
            round=4,
            channel=spoke.channel,
            agent=spoke.agent,
            text=hostile,
            call=bytes(32),
            tokens=0,
            stand_in="error",
        ),
    ]
    return [*events[:-2], *more, *_notices(hostile), *events[-2:], *_endings(hostile)]


def _notices(words: Text) -> list[Event]:
    return [Noticed(what=what, turn=None, detail=words) for what in get_args(Notice)]


def _endings(words: Text) -> list[Event]:
    interrupted = SessionEnded(status="interrupted", detail=Text.of("interrupted from outside"))
    return [interrupted, SessionEnded(status="failed", detail=words)]


async def check_takes_every_event(new_observer: NewObserver) -> None:
    """It raises nothing whatever it sees: one by one, all at once, from the middle of a run, or nothing at all."""
    events = every_kind()
    one_by_one = new_observer()
    for event in events:
        one_by_one.saw([event])
    for batch in (events, events[5:], []):
        new_observer().saw(batch)


async def check_changes_nothing(new_observer: NewObserver) -> None:
    """It leaves what it is given as it was."""
    events = every_kind()
    new_observer().saw(events)
    assert events == every_kind(), "it changed the events that it was shown"


CHECKS: Final = (check_takes_every_event, check_changes_nothing)

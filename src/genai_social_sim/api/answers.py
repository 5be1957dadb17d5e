"""What a record holds of calls: what was answered, or how the last attempt failed."""

from __future__ import annotations

from typing import TypeGuard

from genai_social_sim.domain.events import Answered, AttemptFailed, CallKey, Event, Taken
from genai_social_sim.eventlog.reader import SqliteReader


class Answers:
    """What a record holds of calls: the answer or the last failure. Those of one turn are read together."""

    def __init__(self, reader: SqliteReader) -> None:
        self._reader = reader
        self._turn = -1
        self._found: dict[CallKey, Taken] = {}

    def of(self, key: CallKey) -> Taken | None:
        """Of one call; None if it has none."""
        turn = key if isinstance(key, int) else key[0]
        if turn != self._turn:
            events = [recorded.event for recorded in self._reader.of_turn(turn)]
            self._found = {event.key: event for event in events if _is_decided(event)}
            self._turn = turn
        return self._found.get(key)


def _is_decided(event: Event) -> TypeGuard[Taken]:
    return isinstance(event, Answered) or (isinstance(event, AttemptFailed) and event.final)

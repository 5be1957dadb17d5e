"""The observers of a run: told after the log has it, and dropped, on the record, if they fail."""

from __future__ import annotations

from collections.abc import Sequence

from genai_social_sim.domain.events import Event, Noticed
from genai_social_sim.domain.text import Text
from genai_social_sim.ports import Entry, EventLog, Observer


class Audience:
    """Write first, tell after: the one way by which events reach the log and its observers."""

    def __init__(self, log: EventLog, observers: Sequence[Observer]) -> None:
        self._log = log
        self._observers = list(observers)

    def append(self, entries: Sequence[Entry]) -> None:
        """Append, then tell. An observer that raises is dropped, which is an event too."""
        self._log.append(entries)
        dropped = self._tell([entry.event for entry in entries])
        if dropped:
            self.append([Entry(notice) for notice in dropped])

    def _tell(self, events: list[Event]) -> list[Noticed]:
        dropped = []
        for observer in tuple(self._observers):
            try:
                observer.saw(events)
            except Exception as fault:  # noqa: BLE001 (whatever it is, it must not change the run)
                self._observers.remove(observer)
                detail = Text.of(f"{type(observer).__name__}: {type(fault).__name__}: {fault}")
                dropped.append(Noticed(what="observer_dropped", turn=None, detail=detail))
        return dropped

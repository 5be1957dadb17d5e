"""Where the logs under examination are kept."""

from __future__ import annotations

from pathlib import Path

from genai_social_sim.eventlog.memory import MemoryLog
from genai_social_sim.eventlog.reader import SqliteReader
from genai_social_sim.eventlog.store import Durability
from genai_social_sim.eventlog.writer import SqliteLog
from genai_social_sim.ports import Clock, EventLog, EventReader
from genai_social_sim.testing.event_logs import StoppedClock


class MemoryPlace:
    """A log that lives as long as this object."""

    def __init__(self) -> None:
        self._log = MemoryLog(StoppedClock())

    def open_log(self, clock: Clock) -> EventLog:
        self._log._clock = clock
        return self._log

    def open_reader(self) -> EventReader:
        return self._log


class FilePlace:
    """A run file."""

    def __init__(self, path: Path, durability: Durability = "full") -> None:
        self.path = path
        self._durability = durability

    def open_log(self, clock: Clock) -> EventLog:
        return SqliteLog(self.path, durability=self._durability, clock=clock, create=not self.path.exists())

    def open_reader(self) -> EventReader:
        return SqliteReader(self.path)

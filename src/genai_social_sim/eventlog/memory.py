"""Logs that keep nothing on disk: one remembers its events, one only their digest."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from genai_social_sim.domain.events import Answered, AttemptFailed
from genai_social_sim.domain.prompt import Prompt
from genai_social_sim.eventlog.chain import Chain
from genai_social_sim.eventlog.codec import encode
from genai_social_sim.ports import Clock, Entry, Recorded


class DigestLog:
    """Computes the digest and forgets the events: for replay at any size."""

    def __init__(self) -> None:
        self._chain = Chain()

    @property
    def digest(self) -> bytes:
        """Over the logical events so far."""
        return self._chain.digest

    def append(self, entries: Sequence[Entry]) -> None:
        """Take the events into the digest, all or none."""
        chain = self._chain.copy()
        for entry in entries:
            chain.add(encode(entry.event), 0.0)
        self._chain = chain

    def close(self) -> None:
        """Nothing to close."""


class MemoryLog(DigestLog):
    """Keeps everything in memory; a writer and a reader at once."""

    def __init__(self, clock: Clock) -> None:
        super().__init__()
        self._clock = clock
        self._recorded: list[Recorded] = []
        self._prompts: dict[int, Prompt] = {}

    def append(self, entries: Sequence[Entry]) -> None:
        """Append in this order."""
        super().append(entries)
        for entry in entries:
            self._recorded.append(Recorded(len(self._recorded), self._clock.now(), entry.event))
            if entry.prompt and isinstance(entry.event, Answered | AttemptFailed) and entry.event.aside is None:
                self._prompts[entry.event.turn] = entry.prompt

    def events(self, *, after: int = -1) -> Iterator[Recorded]:
        """Events with `seq` > `after`, in order."""
        yield from self._recorded[after + 1 :]

    def prompt(self, turn: int) -> Prompt | None:
        """The prompt of a turn."""
        return self._prompts.get(turn)

"""The past of a fork: the parent's events before a turn, taken over as they are, times included, and so their chain."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field

from genai_social_sim.domain.events import (
    Answered,
    AttemptFailed,
    Between,
    CallKey,
    Consequence,
    Event,
    Opened,
    Outcome,
    Remembered,
    RunEnded,
    RunStarted,
    Taken,
)
from genai_social_sim.domain.text import Text
from genai_social_sim.engine.clock import SystemClock
from genai_social_sim.eventlog.chain import Chain
from genai_social_sim.eventlog.codec import encode
from genai_social_sim.eventlog.reader import SqliteReader
from genai_social_sim.eventlog.writer import SqliteLog
from genai_social_sim.kernel.run import apply
from genai_social_sim.kernel.state import RunState
from genai_social_sim.ports import Entry, Recorded

_AT_ONCE = 500  # events in one commit


class RecordedTimes:
    """A clock that gives the times of events that were recorded before, and after them the time."""

    def __init__(self) -> None:
        self._given: deque[float] = deque()
        self._clock = SystemClock()

    def give(self, at: float) -> None:
        """The time of the next event that is written."""
        self._given.append(at)

    def now(self) -> float:
        """See `Clock.now`."""
        return self._given.popleft() if self._given else self._clock.now()

    def elapsed(self) -> float:
        """See `Clock.elapsed`."""
        return self._clock.elapsed()


@dataclass
class Past:
    """What came before `at_turn`.

    Args:
        reader: Of the parent.
        at_turn: The first turn that is played anew.
        state: The fork before its first event.
        study: The fork's study.
        whole: Whether what the parent did at that point, between the turns, belongs to it.
    """

    reader: SqliteReader
    at_turn: int
    state: RunState
    study: Text
    whole: bool
    answers: dict[CallKey, Taken] = field(default_factory=dict)  # of calls that had not taken effect at the fork
    common: Chain = field(default_factory=Chain)  # over the parent's events that both have

    def write(self, log: SqliteLog, clock: RecordedTimes) -> None:
        """Append it to the fork's log, which `clock` times."""
        batch: list[Entry] = []
        for recorded in self._kept():
            event = recorded.event
            self.common.add(encode(event), recorded.at)
            if isinstance(event, RunStarted):
                event = event._replace(study=self.study)
            self._fold(event)
            clock.give(recorded.at)
            batch.append(Entry(event, self.reader.sent(recorded.seq) if isinstance(event, Taken) else None))
            if len(batch) == _AT_ONCE:
                log.append(batch)
                batch = []
        log.append(batch)

    def _kept(self) -> Iterator[Recorded]:
        """The parent's events before the fork, in order; what says nothing of a turn only before one that does."""
        loose: list[Recorded] = []
        for recorded in self.reader.events():
            event = recorded.event
            if isinstance(event, Outcome) and event.turn >= self.at_turn:
                return
            if self._belongs(event):
                yield from loose
                loose.clear()
                yield recorded
            elif not isinstance(event, _OF_TURNS):
                loose.append(recorded)

    def _belongs(self, event: Event) -> bool:
        if isinstance(event, RunStarted | Opened):
            return True
        if isinstance(event, Between) or (isinstance(event, Taken) and event.aside is not None):
            return event.turn < self.at_turn + self.whole
        return isinstance(event, Outcome | Remembered | Taken) and event.turn < self.at_turn

    def _fold(self, event: Event) -> None:
        self.state = apply(self.state, event)
        if isinstance(event, Answered) or (isinstance(event, AttemptFailed) and event.final):
            self.answers[event.key] = event
        elif isinstance(event, Consequence):
            self.answers.pop(event.key, None)


_OF_TURNS = (Taken, Outcome, Between, Remembered, RunEnded)

"""The past of a fork: the parent's events before a turn, taken over as they are, times included, and so their chain.

Those with which the parent's log begins stay in the parent's file, which the fork's points to. What follows the first
one that is left out, such as an answer that came before its turn, is copied.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path

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
    Status,
    Taken,
    status_after,
)
from genai_social_sim.domain.text import Text
from genai_social_sim.engine.clock import SystemClock
from genai_social_sim.eventlog.ancestry import Link, relative, settle
from genai_social_sim.eventlog.chain import Chain
from genai_social_sim.eventlog.codec import encode
from genai_social_sim.eventlog.reader import Head, SqliteReader
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

    def clear(self) -> None:
        """Forget the times that no event has taken."""
        self._given.clear()

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

    def write(self, log: SqliteLog, clock: RecordedTimes, *, path: Path, share: bool) -> None:
        """Append it to the fork's log in `path`, which `clock` times: all of it, or what cannot be shared."""
        kept = self._kept()
        batch: list[Entry] = []
        for recorded in self._share(kept, log, clock, path) if share else kept:
            batch.append(self._entry(recorded, clock))
            if len(batch) == _AT_ONCE:
                log.append(batch)
                batch = []
        log.append(batch)

    def _share(self, kept: Iterator[Recorded], log: SqliteLog, clock: RecordedTimes, path: Path) -> Iterator[Recorded]:
        """Let the log begin with the events with which the parent's does; those of the past that follow them."""
        first = next(kept)
        begins = self._taken_over(first)
        own, turns, after = Chain(), 0, list[Recorded]()
        own.add(encode(begins), first.at)
        status: Status = "running"
        for recorded in kept:
            if recorded.seq != own.seq + 1:
                after.append(recorded)
                break
            event = self._taken_over(recorded)
            own.add(encode(event), recorded.at)
            status, turns = status_after(status, event), turns + isinstance(event, Outcome)
        clock.give(first.at)
        if own.seq == 0:
            log.append([Entry(begins)])  # one event is not worth another file
        else:
            link, study = _link(self.reader, own.seq, path)
            upto = Head(own.seq, own.chain, own.digest, turns, status)
            log.share(link, upto, None if study == self.study else Entry(begins))
            clock.clear()
        return chain(after, kept)

    def _entry(self, recorded: Recorded, clock: RecordedTimes) -> Entry:
        event = self._taken_over(recorded)
        clock.give(recorded.at)
        return Entry(event, self.reader.sent(recorded.seq) if isinstance(event, Taken) else None)

    def _taken_over(self, recorded: Recorded) -> Event:
        """An event as the fork has it, which is folded."""
        event = recorded.event
        self.common.add(encode(event), recorded.at)
        if isinstance(event, RunStarted):
            event = event._replace(study=self.study)
        self._fold(event)
        return event

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


def _link(reader: SqliteReader, seq: int, path: Path) -> tuple[Link, Text]:
    """How the fork in `path` names where the past up to an event is; and with which study that file's log begins."""
    file = reader.holder(seq)
    settle(file)
    row = next(reader.stored(after=seq - 1, upto=seq))
    with closing(SqliteReader(file)) as holder:
        started = next(holder.events()).event
        if not isinstance(started, RunStarted):
            raise TypeError("the first event of a record starts its run")
        run = holder.origin().id
    last = reader.last_text(seq)
    return Link(file=relative(file, to=path), run=run, seq=seq, chain=row.chain, texts=last), started.study

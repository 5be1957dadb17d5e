"""Is a record what was written? Checks chain, digest, texts, prompts and calls; names the first event that is not.

What a fork shares of its past is checked where it stands: each event by the chain of that file, and all of them by the
fork's own chain, which goes through them.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from genai_social_sim.domain.events import (
    NO_CALL,
    Answered,
    AttemptFailed,
    Between,
    CallKey,
    Consequence,
    Event,
    Outcome,
    Remembered,
    RunEnded,
    Status,
    status_after,
)
from genai_social_sim.domain.text import EMPTY, Text
from genai_social_sim.errors import RecordError
from genai_social_sim.eventlog.ancestry import Ancestor
from genai_social_sim.eventlog.chain import Chain
from genai_social_sim.eventlog.codec import Row, decode
from genai_social_sim.eventlog.reader import Head, SqliteReader, Stored


@dataclass(frozen=True, slots=True)
class Shared:
    """Events of a record's past that stand in another run file."""

    file: str
    events: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What a check of a record found.

    `event` is the position of the first bad event, None if all are good; `file` is where that one stands. `past`: what
    was read and checked in other files, the oldest first; empty for a record that holds all of its events.
    """

    ok: bool
    events: int
    turns: int
    status: str
    digest: str
    event: int | None = None
    problem: str = ""
    file: str = ""
    past: tuple[Shared, ...] = ()


class _BrokenError(Exception):
    def __init__(self, event: int, problem: str, *, file: Path | None = None) -> None:
        super().__init__(problem)
        self.event = event
        self.problem = problem
        self.file = file  # in which it stands, if that is not where the log is read from


def verify(path: Path) -> Verdict:
    """Check a whole record, a page at a time.

    Raises:
        RecordError: If the file is no record at all.
    """
    with closing(SqliteReader(path)) as reader:
        check = _Check(reader)
        try:
            head = check.run()
        except _BrokenError as broken:
            return check.verdict(event=broken.event, problem=broken.problem, file=broken.file)
        except RecordError as fault:
            return check.verdict(event=check.chain.seq + 1, problem=fault.problem)
        return check.verdict(status=head.status)


class _Check:
    def __init__(self, reader: SqliteReader) -> None:
        self.reader = reader
        self.chain = Chain()
        self.past: tuple[Shared, ...] = ()
        self.others: list[_Elsewhere] = []
        self.turns = 0
        self.status: Status = "running"
        self.calls: dict[CallKey, bytes] = {}  # what the latest answer or failure binds, until it takes effect

    def verdict(
        self, *, status: str = "", event: int | None = None, problem: str = "", file: Path | None = None
    ) -> Verdict:
        return Verdict(
            ok=not problem,
            events=self.chain.seq + 1,
            turns=self.turns,
            status=status,
            digest=self.chain.digest.hex(),
            event=event,
            problem=problem,
            file="" if event is None else str(file or self.reader.holder(event)),
            past=self.past,
        )

    def _shared(self, part: Ancestor) -> Shared:
        first = self.reader.holder(0) == part.path
        return Shared(str(part.path), part.upto - max(part.after, 0) + first)

    def run(self) -> Head:
        head = self._head()
        self.past = tuple([self._shared(each) for each in self.reader.ancestors[::-1]])
        self.others = [*_elsewhere(self.reader)]
        for row in self.reader.stored():
            if row.seq > head.seq:
                newer = self._head()
                if row.seq > newer.seq:
                    raise _BrokenError(row.seq, "this event was added after the end of the log")
                head = newer
            self._row(row)
        self._at_the_end(head)
        return head

    def _head(self) -> Head:
        head = self.reader.head()
        if not (isinstance(head.seq, int) and isinstance(head.turns, int)):
            raise _BrokenError(self.chain.seq + 1, "the head of the log was changed: its position is no number")
        return head

    def _row(self, row: Stored) -> None:
        expected = self.chain.seq + 1
        if row.seq != expected:
            raise _BrokenError(expected, f"event {expected} was removed: event {row.seq} follows event {expected - 1}")
        try:
            texts = self.reader.texts_of(row)
            event = decode(row.kind, row.turn, row.body, texts)
        except (ValueError, AttributeError, TypeError) as fault:
            raise _BrokenError(row.seq, f"event {row.seq} was changed: {fault}") from fault
        if not (row.turn is None or isinstance(row.turn, int)):  # '' would hash as null does
            raise _BrokenError(row.seq, f"event {row.seq} was changed: its turn is {row.turn!r}")
        self._link(row, texts)
        self._meaning(row, event)

    def _link(self, row: Stored, texts: tuple[Text, ...]) -> None:
        before = self.chain.copy()
        try:
            written = Row(row.kind, row.turn, row.body, texts)
            link = self.chain.add(written, row.at)
            for other in self.others:
                link = other.link(row, written) or link
        except Exception as fault:
            self.chain = before
            raise _BrokenError(row.seq, f"event {row.seq} was changed: {fault}") from fault
        if link != row.chain:
            self.chain = before
            raise _BrokenError(
                row.seq, f"event {row.seq} ({row.kind}) was changed: its content does not match the chain"
            )

    def _meaning(self, row: Stored, event: Event) -> None:
        if self.status == "finished" and isinstance(event, Outcome | Between | Remembered | RunEnded):
            raise _BrokenError(row.seq, f"event {row.seq} was added after the run had ended")
        self.status = status_after(self.status, event)
        if row.prompt is not None and not isinstance(event, Answered | AttemptFailed):
            raise _BrokenError(row.seq, f"event {row.seq} was changed: a {row.kind} event has no prompt")
        if isinstance(event, Answered | AttemptFailed):
            self._prompt(row)
            self.calls[event.key] = _binding(event)
        elif isinstance(event, Consequence):
            if self.calls.pop(event.key, NO_CALL) != event.call:
                raise _BrokenError(row.seq, f"event {row.seq} ({row.kind}) does not follow from the recorded answer")
            self._place(row, event)

    def _place(self, row: Stored, event: Consequence) -> None:
        if event.turn != self.turns:
            raise _BrokenError(row.seq, f"event {row.seq} is turn {event.turn}, but turn {self.turns} is next")
        self.turns += isinstance(event, Outcome)

    def _prompt(self, row: Stored) -> None:
        try:
            rebuilt = self.reader.listed(row.prompt or "").digest.hex()
        except (ValueError, RecordError) as fault:
            raise _BrokenError(row.seq, f"the prompt of event {row.seq} was changed: {fault}") from fault
        if rebuilt != json.loads(row.body)["prompt"]:
            raise _BrokenError(row.seq, f"the prompt of event {row.seq} was changed: it does not match its hash")

    def _at_the_end(self, head: Head) -> None:
        seq = self.chain.seq
        if head.seq > seq:
            raise _BrokenError(seq + 1, f"event {seq + 1} was removed: the log ends at event {seq}, not {head.seq}")
        if (head.chain, head.digest, head.turns) != (self.chain.chain, self.chain.digest, self.turns):
            raise _BrokenError(seq, f"the head of the log was changed: it does not match event {seq}")
        first = next(iter(self.reader.query("SELECT seq FROM events ORDER BY seq LIMIT 1")))[0]
        if first != 0:
            raise _BrokenError(0, f"an event {first} was added before the first one")
        if head.status != self.status:
            raise _BrokenError(seq, f"the head of the log says {head.status!r}, which its events do not")
        if changed := self.reader.changed_around():
            raise _BrokenError(seq, f"the events are as they were written, but {changed} of the file were changed")
        for file, said in self.reader.damage():
            raise _BrokenError(seq, f"the events are as they were written, but the file {file} is damaged: {said}")


class _Elsewhere:
    """The chain of a file that holds a part of the past, where that is not the fork's own: its first event is another.

    `upto` is the last event that is read there, `after` the one before the first.
    """

    def __init__(self, first: Row, at: float, *, after: int, upto: int) -> None:
        self._chain = Chain()
        self._chain.add(first, at)
        self._after = after
        self._upto = upto

    def link(self, row: Stored, written: Row) -> bytes | None:
        """Take in an event; the link that it has to have, if it stands there."""
        if not 0 < row.seq <= self._upto:
            return None
        link = self._chain.add(written, row.at)
        return link if row.seq > self._after else None


def _elsewhere(reader: SqliteReader) -> Iterator[_Elsewhere]:
    own = next(reader.stored(upto=0), None)
    for ancestor, first in reader.first_events():
        if own is None or first[:-1] == own[:-1]:
            continue
        try:
            row = Row(first.kind, first.turn, first.body, reader.texts_of(first))
            sound = Chain().add(row, first.at) == first.chain
        except Exception as fault:
            raise _BrokenError(0, f"event 0 was changed: {fault}", file=ancestor.path) from fault
        if not sound:
            raise _BrokenError(0, "event 0 was changed: its content does not match the chain", file=ancestor.path)
        yield _Elsewhere(row, first.at, after=ancestor.after, upto=ancestor.upto)


def _binding(event: Answered | AttemptFailed) -> bytes:
    if isinstance(event, Answered):
        counts = {"prompt_tokens": event.prompt_tokens, "answer_tokens": event.answer_tokens}
        return event.asked.bind(event.finish, event.raw, **counts)
    return event.asked.bind(event.cause, EMPTY, prompt_tokens=0, answer_tokens=0)

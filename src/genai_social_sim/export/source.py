"""What an export is told of a run, and the steps it is read in. It knows no tables."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from genai_social_sim.domain.events import (
    Answered,
    AttemptFailed,
    CallKey,
    Consequence,
    Taken,
)
from genai_social_sim.domain.origin import Origin
from genai_social_sim.ports import Recorded


class Events(Protocol):
    """Any reader of a record; `ports.EventReader` is one."""

    def events(self, *, after: int = -1) -> Iterator[Recorded]:
        """Events with `seq` > `after`, in order."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """One run to be exported.

    `run` names it in every row. `status` and `digest` (hexadecimal) stand in the table `runs`; without a status it
    follows from the events. `last` is the position of the last event to be read, so that a record that grows is
    exported as it stood when status and digest were taken; None reads to the end. `origin`: its place in a design.
    """

    run: str
    record: Events
    status: str | None = None
    digest: str | None = None
    last: int | None = None
    origin: Origin = field(default_factory=Origin)


@dataclass(frozen=True, slots=True)
class Step:
    """An event, and for what became of a turn or a question aside the attempts that led to it, oldest first.

    After the last event comes a step without one for each turn under way: `attempts` had no outcome yet.
    """

    recorded: Recorded | None
    attempts: Sequence[Recorded] = ()

    @property
    def answer(self) -> Answered | None:
        """The last of the attempts that was answered."""
        events = [attempt.event for attempt in self.attempts]
        return next((event for event in reversed(events) if isinstance(event, Answered)), None)


def steps(source: Source, *, most: int | None = None) -> Iterator[Step]:
    """A run's events in order, joined with their attempts; at most `most` events.

    Other turns' answers may lie between an answer and what becomes of it, so those of turns under way are kept
    meanwhile, and no others.
    """
    under_way: dict[CallKey, list[Recorded]] = {}
    for count, recorded in enumerate(source.record.events()):
        if (source.last is not None and recorded.seq > source.last) or count == most:
            break
        event = recorded.event
        if isinstance(event, Answered | AttemptFailed):
            under_way.setdefault(event.key, []).append(recorded)
            yield Step(recorded)
        elif isinstance(event, Consequence):
            yield Step(recorded, under_way.pop(event.key, ()))
        else:
            yield Step(recorded)
    for attempts in sorted(under_way.values(), key=_place):
        yield Step(None, attempts)


def _place(attempts: Sequence[Recorded]) -> tuple[int, tuple[str, ...]]:
    event = attempts[0].event
    return (event.turn, event.aside or ()) if isinstance(event, Taken) else (-1, ())


def distinct_labels(paths: Sequence[Path]) -> list[str]:
    """A label for each run file: its name without the ending, with as many folders before it as tell them apart."""
    parts = [[*path.absolute().parent.parts[1:], path.stem] for path in paths]
    labels = []
    for mine in parts:
        length = 1
        while length < len(mine) and sum(other[-length:] == mine[-length:] for other in parts) > 1:
            length += 1
        labels.append("/".join(mine[-length:]))
    return labels

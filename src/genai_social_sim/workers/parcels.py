"""What travels together: reports of one run as one message, one a line; items as several in one command."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

from genai_social_sim.ports import Report, WorkItem
from genai_social_sim.workers.wire import report_to

_FULL: Final = 256 << 10  # bytes, after which another one is begun
_LOAD: Final = 8 << 20  # bytes


class Parcel(NamedTuple):
    """A message, and which of the reports that were to be sent are in it."""

    run: str
    message: bytes
    numbers: tuple[int, ...]


def parcels(reports: Sequence[Report], *, most: int = _FULL) -> list[Parcel]:
    """All reports, in their order; a message has more than `most` bytes only if it is one report."""
    packed: list[Parcel] = []
    last: dict[str, int] = {}
    for number, report in enumerate(reports):
        run, line = report.run, report_to(report)
        before = packed[last[run]] if run in last else None
        if before is not None and len(before.message) + len(line) < min(most, _FULL):
            packed[last[run]] = Parcel(run, before.message + b"\n" + line, (*before.numbers, number))
        else:
            last[run] = len(packed)
            packed.append(Parcel(run, line, (number,)))
    return packed


def loads(messages: Sequence[tuple[WorkItem, bytes]]) -> Iterator[list[tuple[WorkItem, bytes]]]:
    """Items and their messages, in their order, a few MB at a time."""
    load: list[tuple[WorkItem, bytes]] = []
    size = 0
    for item, message in messages:
        if load and size + len(message) > _LOAD:
            yield load
            load, size = [], 0
        load.append((item, message))
        size += len(message)
    if load:
        yield load

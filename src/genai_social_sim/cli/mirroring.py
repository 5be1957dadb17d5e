"""With `--mirror kafka://...`: each event of a run is also published in a topic, once it is committed."""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from itertools import islice
from pathlib import Path
from typing import Final

from genai_social_sim.broadcast.mirror import Committed, Mirror
from genai_social_sim.broadcast.mirrored import last_mirrored
from genai_social_sim.cli import out
from genai_social_sim.domain.visible import visible
from genai_social_sim.errors import RecordError
from genai_social_sim.eventlog.reader import SqliteReader, Stored
from genai_social_sim.ports import Observer

_PAGE: Final = 500


@contextmanager
def mirroring(url: str | None, record: Path) -> Iterator[Sequence[Observer]]:
    """An observer that mirrors the record, if there is an address; says in the end what the topic lacks."""
    if url is None:
        yield ()
        return
    length = _length(record)
    first = _reached(url, record) + 1 if length else 0
    mirror = Mirror(url, run=record.stem, tail=RecordTail(record), first=first, lacking=length - first)
    try:
        yield (mirror,)
    finally:
        if missing := mirror.close():
            why = visible(mirror.why, keep="")
            sys.stderr.write(f"warning: {out.number_of(missing, 'event')} did not reach the mirror ({why})\n")


class RecordTail:
    """The end of a run file; it is opened when it is read."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._reader: SqliteReader | None = None
        self._turn = threading.Lock()

    def after(self, seq: int) -> Sequence[Committed]:
        """See `Tail.after`; raises RecordError if it cannot be read."""
        with self._turn:
            reader = self._reader = self._reader or SqliteReader(self._path)
            return [_committed(reader, row) for row in islice(reader.stored(after=seq), _PAGE)]

    def let_go(self) -> None:
        """See `Tail.let_go`."""
        with self._turn:
            if self._reader is not None:
                self._reader.close()
                self._reader = None


def _committed(reader: SqliteReader, row: Stored) -> Committed:
    texts = tuple(text.value for text in reader.texts_of(row))
    return Committed(row.seq, row.kind, row.turn, row.at, row.body, texts, row.chain)


def _reached(url: str, record: Path) -> int:
    """Position of the last event of a record that the topic holds; -1 if it holds none, or cannot be read."""
    with closing(SqliteReader(record)) as reader:

        def holds(seq: int, chain: str) -> bool:
            row = next(iter(reader.stored(after=seq - 1)), None)
            return row is not None and row.seq == seq and row.chain.hex() == chain

        return last_mirrored(url, run=record.stem, holds=holds)


def _length(record: Path) -> int:
    """How many events the record has; none if it does not exist yet."""
    try:
        reader = SqliteReader(record)
    except RecordError:
        return 0
    try:
        return reader.head().seq + 1
    except RecordError:
        return 0
    finally:
        reader.close()

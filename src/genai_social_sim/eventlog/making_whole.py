"""A fork takes its past into its own file, so that it needs no other: the same events, links and texts, all or none."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path

import apsw

from genai_social_sim.errors import RecordError
from genai_social_sim.eventlog import lock
from genai_social_sim.eventlog.chain import Chain
from genai_social_sim.eventlog.codec import Row
from genai_social_sim.eventlog.reader import SqliteReader, Stored
from genai_social_sim.eventlog.store import EVENT, TEXT, Transaction, fold_in, open_to_write, unreadable


def make_whole(path: Path, elsewhere: Sequence[Path] = ()) -> int:
    """Copy the past of a fork into its file; how many events it did not hold itself.

    Args:
        path: The record.
        elsewhere: Where the files with its past may lie, if they are not where the record has them.

    Raises:
        PastError: If the past is missing, or is not that of this fork.
        RecordError: If somebody works on the run, or its file cannot be written.
    """
    taken = lock.taken(path)
    try:
        with closing(SqliteReader(path, elsewhere)) as reader:
            if not reader.ancestors:
                return 0
            db = open_to_write(path, durability="full", create=False)
            try:
                return _copied(db, reader)
            except apsw.Error as fault:
                raise unreadable(path, fault) from fault
            finally:
                reader.close()
                fold_in(db)
    finally:
        taken.release()


def _copied(db: apsw.Connection, reader: SqliteReader) -> int:
    upto, texts = db.execute("SELECT seq, texts FROM past").get
    begun = db.execute("SELECT count(*) FROM events WHERE seq = 0").get
    log = _Past(reader, upto)
    with Transaction(db) as cursor:
        cursor.executemany(TEXT, reader.query("SELECT id, hash, text FROM texts WHERE id <= ?", texts))
        cursor.executemany(EVENT, (row for row in log.rows() if row.seq >= begun))
        log.check_end()
        cursor.execute("DELETE FROM past")
    return int(upto) + 1 - int(begun)


class _Past:
    """The past of a fork, with the links that its own chain has."""

    def __init__(self, reader: SqliteReader, upto: int) -> None:
        self._reader = reader
        self._upto = upto
        self._chain = Chain()

    def rows(self) -> Iterator[Stored]:
        for row in self._reader.stored(upto=self._upto):
            yield row._replace(chain=self._link(row))

    def check_end(self) -> None:
        """That the fork's own events follow from what was read."""
        for row in self._reader.stored(after=self._upto, upto=self._upto + 1):
            if self._link(row) != row.chain:
                raise self._another()

    def _link(self, row: Stored) -> bytes:
        try:
            return self._chain.add(Row(row.kind, row.turn, row.body, self._reader.texts_of(row)), row.at)
        except ValueError as fault:
            raise self._another() from fault

    def _another(self) -> RecordError:
        path = self._reader.path
        return RecordError(
            "what its past is read from was changed", where=str(path), remedy=f"See where: gss verify {path}"
        )

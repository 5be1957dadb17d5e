"""The run files that hold the past of a fork: found, checked, and shown together with its own events as one log.

A fork names the file of the run that it comes from, and that file may name a further one. Whoever asks for `events` or
`texts` is given those of all of them: views of the connection stand before the tables of the same names. What belongs
to the past is never written to.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final, NamedTuple, cast

import apsw

from genai_social_sim.errors import PastError, RecordError
from genai_social_sim.eventlog.store import BUSY_MS, check_is_record, check_version, immutable, open_to_read, unreadable

MOST: Final = 10  # run files that a past may lie in: as many as SQLite attaches to a connection if nothing is set
_EVENTS: Final = "seq, kind, turn, at, body, texts, prompt, chain"
_TEXTS: Final = "id, hash, text"
_LINK: Final = "SELECT file, run, seq, chain, texts FROM {}.past"
_SHARES: Final = ("//", "\\\\")  # a file on another machine, which a record has no business to have opened
_TYPES: Final = (str, str, int, bytes, int)


class Link(NamedTuple):
    """The row of a fork's table `past`: where its past is, and by what that is known to be the right one."""

    file: str  # relative to the folder of the fork, with / between folders
    run: str  # that run's id
    seq: int  # position of the last event that is read there
    chain: bytes  # that event's link of the chain there
    texts: int  # id of the last text that is read there


class Ancestor(NamedTuple):
    """A run file that holds a part of a fork's past: events with `after` < `seq` <= `upto`."""

    path: Path
    schema: str  # its name within the connection
    after: int
    upto: int


class _Part(NamedTuple):
    """What is read of one file: positions and ids above `after` and up to `upto` (None: all that there are)."""

    schema: str
    after: tuple[int, int]
    upto: tuple[int, int] | None


def opened(path: Path, elsewhere: Sequence[Path] = ()) -> tuple[apsw.Connection, tuple[Ancestor, ...]]:
    """A connection that reads a record and its past, and the files that hold the past, the nearest first.

    Args:
        path: The record.
        elsewhere: Where those files may lie, if they are not where the record has them.

    Raises:
        PastError: If one of them is missing, or does not hold what the fork comes from.
        RecordError: If a file cannot be read.
    """
    db = open_to_read(path)
    try:
        link = link_of(db, path)
        return db, () if link is None else _shown(db, path, link, elsewhere, own=True)
    except BaseException:
        db.close()
        raise


def past_alone(path: Path, link: Link) -> apsw.Connection:
    """A connection that reads what a fork holds not itself, and does not touch the fork's own file."""
    flags = apsw.SQLITE_OPEN_READWRITE | apsw.SQLITE_OPEN_CREATE | apsw.SQLITE_OPEN_URI
    db = apsw.Connection(":memory:", flags=flags)
    try:
        db.set_busy_timeout(BUSY_MS)
        _shown(db, path, link, (), own=False)
    except BaseException:
        db.close()
        raise
    return db


def link_of(db: apsw.Connection, path: Path, schema: str = "main") -> Link | None:
    """Where a record says that its past is; None for one that holds it itself. Raises RecordError."""
    try:
        row = db.execute(_LINK.format(schema)).get
    except apsw.SQLError:  # written before there was such a table
        return None
    except (apsw.Error, UnicodeDecodeError) as fault:
        raise unreadable(path, fault) from fault
    if row is None:
        return None
    sound = all(isinstance(value, kind) for value, kind in zip(row, _TYPES, strict=True))
    if not sound or "\0" in row[0] or row[0].startswith(_SHARES):
        raise RecordError("its table `past` was changed", where=str(path), remedy="Restore it from a copy.")
    return Link(*row)


def relative(file: Path, *, to: Path) -> str:
    """How the record in `to` names another run file."""
    try:
        return Path(os.path.relpath(file, to.parent)).as_posix()
    except ValueError:  # on another drive
        return file.absolute().as_posix()


def settle(file: Path) -> None:
    """See that what was committed to a run file outlasts a power cut, whatever its durability: a fork will need it."""
    log = file.with_name(f"{file.name}-wal")
    with suppress(OSError), log.open("rb") as written:  # the file itself is synced when its log is folded in
        os.fsync(written.fileno())


def _shown(
    db: apsw.Connection, path: Path, link: Link, elsewhere: Sequence[Path], *, own: bool
) -> tuple[Ancestor, ...]:
    """Attach the files of a past and make the views over them, and over the record itself if `own`."""
    parts = [_Part("main", (link.seq, link.texts), None)] if own else []
    ancestors: list[Ancestor] = []
    child, wanted = path, cast(Link | None, link)
    while wanted is not None:
        schema = f"past{len(ancestors) + 1}"
        found = _attached(db, schema, fork=path, child=child, link=wanted, elsewhere=elsewhere)
        further = link_of(db, found, schema)
        if (further is not None and not -1 < further.seq < wanted.seq) or len(ancestors) == MOST:
            raise RecordError("its table `past` was changed", where=str(found), remedy="Restore it from a copy.")
        after = (further.seq, further.texts) if further else (-1, -1)
        parts.append(_Part(schema, after, (wanted.seq, wanted.texts)))
        ancestors.append(Ancestor(found, schema, after[0], wanted.seq))
        child, wanted = found, further
    _make_views(db, parts)
    return tuple(ancestors)


def _attached(
    db: apsw.Connection, schema: str, *, fork: Path, child: Path, link: Link, elsewhere: Sequence[Path]
) -> Path:
    """Attach the file that `child` names, which is a part of the past of `fork`."""
    named = Path(os.path.normpath(child.parent / link.file))
    place, problem = named, ""
    for place in (*elsewhere, named):
        problem = _problem(db, schema, place, link)
        if not problem:
            return place
    given = "None of the files that were given is it. " if elsewhere else ""
    raise PastError(
        f"the first {link.seq + 1:,} events of this fork are in another run file, {place}: {problem}",
        where=str(fork),
        remedy=f"{given}Put back the file of run {link.run}; or say where it is now, and the fork is made whole: "
        f"gss make-whole {fork} --past FILE",
    )


def _problem(db: apsw.Connection, schema: str, place: Path, link: Link) -> str:
    """Attach a file if it holds what `link` says; else why it does not."""
    try:
        if not place.is_file():  # nor a pipe, whatever a record says
            return "there is no such run file"
        check_is_record(place)
    except RecordError as fault:
        return fault.problem
    except OSError as fault:
        return f"it cannot be read ({fault.strerror})"
    try:
        _attach(db, schema, place)
        found = db.execute(f"SELECT chain FROM {schema}.events WHERE seq = ?", (link.seq,)).get
        if found == link.chain:
            return ""
        db.execute(f"DETACH {schema}")
    except apsw.Error as fault:
        raise unreadable(place, fault) from fault
    return "it ends before that" if found is None else "it holds others (it is another run's, or was changed)"


def _attach(db: apsw.Connection, schema: str, place: Path) -> None:
    """So that it cannot be changed through this connection."""
    sql = f"ATTACH ? AS {schema}"
    try:
        db.execute(sql, (f"{place.absolute().as_uri()}?mode=ro",))
        version = db.pragma("user_version", schema=schema)
    except (apsw.CantOpenError, apsw.ReadOnlyError):
        db.execute(f"DETACH {schema}")
        db.execute(sql, (immutable(place),))
        version = db.pragma("user_version", schema=schema)
    check_version(place, version)


def _make_views(db: apsw.Connection, parts: Sequence[_Part]) -> None:
    """`events` and `texts` of all parts, the nearest of which comes first; each with its keys in order."""
    begins = next(part for part in parts if _begins(db, part))
    events = [f"SELECT {_EVENTS} FROM {begins.schema}.events WHERE seq = 0"]
    events += [f"SELECT {_EVENTS} FROM {part.schema}.events WHERE {_within('seq', part, 0)}" for part in parts[::-1]]
    texts = [f"SELECT {_TEXTS} FROM {part.schema}.texts WHERE {_within('id', part, 1)}" for part in parts[::-1]]
    db.execute(f"CREATE TEMP VIEW events AS {' UNION ALL '.join(events)}")
    db.execute(f"CREATE TEMP VIEW texts AS {' UNION ALL '.join(texts)}")


def _begins(db: apsw.Connection, part: _Part) -> bool:
    """Whether the first event stands in this file: that of the oldest, or one with another study."""
    return part.after[0] < 0 or bool(db.execute(f"SELECT 1 FROM {part.schema}.events WHERE seq = 0").get)


def _within(column: str, part: _Part, which: int) -> str:
    return " AND ".join(_bounds(column, part, which))


def _bounds(column: str, part: _Part, which: int) -> Iterator[str]:
    yield f"{column} > {max(part.after[which], 0)}"
    if part.upto is not None:
        yield f"{column} <= {part.upto[which]}"

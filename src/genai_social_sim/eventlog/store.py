"""Opening run files: which connection, which settings, which release. Knows nothing of events."""

from __future__ import annotations

import os
from contextlib import suppress
from functools import cache
from importlib.resources import files
from pathlib import Path
from types import TracebackType
from typing import Final, Literal

import apsw

from genai_social_sim.errors import RecordError
from genai_social_sim.eventlog.described import ABOUT, APPLICATION_ID, DESCRIBED

Durability = Literal["full", "process"]
_SELF_DESCRIPTION: Final = {
    "the tables, views or indexes": "SELECT type, name, tbl_name, sql FROM sqlite_master ORDER BY type, name",
    "the table `about`": "SELECT key, value FROM about ORDER BY key",
    "the table `described`": "SELECT name, column_name, description FROM described ORDER BY name, column_name",
}
EVENT: Final = "INSERT INTO events VALUES (?, ?, ?, ?, ?, ?, ?, ?)"
TEXT: Final = "INSERT INTO texts VALUES (?, ?, ?)"
_RARE_CHECKPOINT: Final = 4000  # pages of 4 KiB: each folding-in waits for the disk, which `process` does not need
_CHECKPOINT: Final = 500  # of a write-ahead log that is laid out
_LAID_OUT: Final = 2 << 20  # its bytes: room for 508 pages, each with 24 bytes about it
_ZEROS: Final = bytes(1 << 16)  # SQLite's files take less than 128 KiB at once
BUSY_MS: Final = 10_000
_HEADER: Final = 100  # bytes of an SQLite file's header


@cache
def migrations() -> tuple[tuple[int, str], ...]:
    """(number, SQL) of every migration, in order; they only ever go forward."""
    folder = files("genai_social_sim.eventlog") / "migrations"
    names = sorted(entry.name for entry in folder.iterdir() if entry.name.endswith(".sql"))
    return tuple([(int(name.split("_")[0]), (folder / name).read_text(encoding="utf-8")) for name in names])


def open_to_write(path: Path, *, durability: Durability, create: bool) -> apsw.Connection:
    """A connection that may append; brings an older file up to this release.

    Raises:
        RecordError: If there is no such file, it is no record, or a newer release wrote it.
    """
    if not create:
        check_is_record(path)
    flags = apsw.SQLITE_OPEN_READWRITE | (apsw.SQLITE_OPEN_CREATE if create else 0)
    try:
        db = apsw.Connection(str(path), flags=flags)
        db.set_busy_timeout(BUSY_MS)
        if create and db.pragma("application_id") != APPLICATION_ID:
            db.pragma("journal_mode", "memory")  # on the disk it would be synced six times, and save nothing
            # before WAL, so that it stands in the file from the first moment
            db.pragma("application_id", APPLICATION_ID)
        db.pragma("journal_mode", "wal")
        db.pragma("synchronous", "FULL" if durability == "full" else "NORMAL")
        if durability == "process":
            db.wal_autocheckpoint(_RARE_CHECKPOINT)
        db.pragma("cache_size", -16_000)
        db.pragma("foreign_keys", True)
        _migrate(db, path)
    except apsw.Error as fault:
        raise unreadable(path, fault) from fault
    return db


def lay_out(db: apsw.Connection) -> None:
    """Fill the write-ahead log with zeros, up to where it will be folded in and begun anew.

    What is written over them makes the file no longer, so that a sync has no new length to bring to the disk: where the
    file system keeps a journal, that is a second write that the disk has to confirm. SQLite takes no zeros for a
    commit. If there is no room for them, all stays as it was.
    """
    with suppress(apsw.Error):
        file = apsw.VFSFile(db.open_vfs, db.filename_wal, [apsw.SQLITE_OPEN_WAL | apsw.SQLITE_OPEN_READWRITE, 0])
        begun = file.xFileSize()
        try:
            for at in range(begun, _LAID_OUT, len(_ZEROS)):
                file.xWrite(_ZEROS, at)
            db.wal_autocheckpoint(_CHECKPOINT)
        except apsw.Error:
            file.xTruncate(begun)
        finally:
            file.xClose()


def fold_in(db: apsw.Connection) -> None:
    """Close a connection that wrote, and leave the file complete by itself, with nothing beside it.

    While somebody has it open, such as a fork that reads its past there, an empty log stays beside it. If that cannot
    be done either, as on a full disk, all stays as it is, which readers know too.
    """
    try:
        db.set_busy_timeout(0)
        db.pragma("journal_mode", "delete")
    except apsw.Error:
        with suppress(apsw.Error):
            db.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_TRUNCATE)
    finally:
        db.close()


class Transaction:
    """All or none: gives a cursor, commits at the end, and rolls back what failed; to be used again and again.

    A cursor for each statement and a generator for each transaction cost a commit a fifth of SQLite's whole work. Not
    apsw's own, which hides a full disk behind a rollback that SQLite has done already.
    """

    __slots__ = ("_cursor", "_db")

    def __init__(self, db: apsw.Connection) -> None:
        self._db = db
        self._cursor = db.cursor()

    def __enter__(self) -> apsw.Cursor:
        self._cursor.execute("BEGIN IMMEDIATE")
        return self._cursor

    def __exit__(self, kind: type[BaseException] | None, fault: BaseException | None, _: TracebackType | None) -> None:
        try:
            if kind is None:
                self._cursor.execute("COMMIT")
        finally:
            if self._db.in_transaction:
                self._db.execute("ROLLBACK")


def differs(db: apsw.Connection) -> str:
    """What of a record's tables, views and self-description is not as its release made it; empty if all is."""
    if db.pragma("user_version") != migrations()[-1][0]:
        return ""  # an older release's words; they are brought up to date when it is resumed
    made = apsw.Connection(":memory:")
    _migrate(made, Path(":memory:"))
    for what, sql in _SELF_DESCRIPTION.items():
        try:
            same = list(db.execute(sql)) == list(made.execute(sql))
        except (apsw.Error, UnicodeDecodeError):
            same = False
        if not same:
            return what
    return ""


def open_to_read(path: Path) -> apsw.Connection:
    """A connection that cannot change the file and does not keep its writer waiting."""
    check_is_record(path)
    try:
        name = os.path.join(os.curdir, path)  # so that it is never taken for an address
        db = apsw.Connection(name, flags=apsw.SQLITE_OPEN_READONLY | apsw.SQLITE_OPEN_URI)
        db.set_busy_timeout(BUSY_MS)
        version = db.pragma("user_version")
    except (apsw.CantOpenError, apsw.ReadOnlyError):
        db = _open_immutable(path)
        version = db.pragma("user_version")
    except apsw.Error as fault:
        raise unreadable(path, fault) from fault
    check_version(path, version)
    return db


def check_is_record(path: Path) -> None:
    """Refuse what is no run file, by its header and without opening it; raises RecordError."""
    remedy = "Give the path of a .sqlite file that `gss run` wrote"
    if path.is_dir():
        raise RecordError("this is a folder, not a run file", where=str(path), remedy=f"{remedy}.")
    try:
        with path.open("rb") as file:
            header = file.read(_HEADER)
    except FileNotFoundError:
        raise RecordError("there is no such run file", where=str(path), remedy=f"{remedy}.") from None
    except OSError as fault:
        raise RecordError(f"the run file cannot be read ({fault.strerror})", where=str(path)) from fault
    if len(header) < _HEADER and header[:16] != b"SQLite format 3\0":
        raise RecordError("this is no run file: it is not an SQLite database", where=str(path), remedy=f"{remedy}.")
    if header[:16] != b"SQLite format 3\0" or int.from_bytes(header[68:72], "big") != APPLICATION_ID:
        raise RecordError("this is no run file of genai-social-sim", where=str(path), remedy=f"{remedy}.")


def unreadable(path: Path, fault: Exception) -> RecordError:
    """The error for what SQLite itself says about a file."""
    if isinstance(fault, apsw.FullError):
        remedy = "Make room, then run or resume it again: what was committed is kept."
        return RecordError("the disk is full", where=str(path), remedy=remedy)
    if isinstance(fault, apsw.CantOpenError | apsw.ReadOnlyError | apsw.PermissionsError):
        remedy = "Give this user the right to write there, or choose another folder with --runs FOLDER."
        return RecordError("the run file cannot be written or opened there", where=str(path), remedy=remedy)
    return RecordError(
        f"the run file is damaged or cannot be opened ({fault})", where=str(path), remedy="Restore it from a copy."
    )


def _open_immutable(path: Path) -> apsw.Connection:
    try:
        return apsw.Connection(immutable(path), flags=apsw.SQLITE_OPEN_READONLY | apsw.SQLITE_OPEN_URI)
    except apsw.Error as fault:
        raise unreadable(path, fault) from fault


def immutable(path: Path) -> str:
    """The address of a finished record on a medium that cannot be written to, where WAL mode cannot share memory.

    Raises:
        RecordError: If it was not closed.
    """
    log = path.with_name(f"{path.name}-wal")
    if log.exists() and log.stat().st_size:
        raise RecordError(
            "this record was not closed, and its last events cannot be read where nothing can be written",
            where=str(path),
            remedy=f"Copy it together with {log.name} to a folder of your own.",
        )
    return f"{path.resolve().as_uri()}?immutable=1"


def check_version(path: Path, version: int) -> None:
    """Refuse what a newer release wrote; raises RecordError."""
    newest = migrations()[-1][0]
    if version > newest:
        raise RecordError(
            f"a newer release wrote this record (format {version}, this one knows {newest})",
            where=str(path),
            remedy="Update: pip install --upgrade genai-social-sim",
        )


def _migrate(db: apsw.Connection, path: Path) -> None:
    version = db.pragma("user_version")
    check_version(path, version)
    todo = [(number, sql) for number, sql in migrations() if number > version]
    if not todo:
        return
    with Transaction(db) as cursor:
        for _, sql in todo:
            cursor.execute(sql)
        db.pragma("user_version", todo[-1][0])
        cursor.executemany("INSERT OR REPLACE INTO about VALUES (?, ?)", ABOUT.items())
        rows = [(name, column, words) for name, columns in DESCRIBED.items() for column, words in columns.items()]
        cursor.executemany("INSERT OR REPLACE INTO described VALUES (?, ?, ?)", rows)

"""Reads a run file, also while it is being written. It never holds a transaction open between two pages."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Final, Literal, NamedTuple, cast

import apsw

from genai_social_sim.domain.events import Status
from genai_social_sim.domain.origin import Origin
from genai_social_sim.domain.prompt import ROLE_LETTERS, Message, Prompt, Role
from genai_social_sim.domain.text import Text
from genai_social_sim.errors import EmptyRecordError, RecordError
from genai_social_sim.eventlog import lock
from genai_social_sim.eventlog.ancestry import Ancestor, opened
from genai_social_sim.eventlog.codec import decode
from genai_social_sim.eventlog.store import differs, unreadable
from genai_social_sim.ports import Recorded

Standing = Literal[Status, "killed", "running or killed"]
PAGE: Final = 1000
_COLUMNS: Final = "seq, kind, turn, at, body, texts, prompt, chain"
_SELECT: Final = f"SELECT {_COLUMNS} FROM events"
# Of a fork, `events` and `texts` are views over several files: a text is looked up, since a join would copy all of them
# first; and what is put in order stands among the columns, so that it is read in that order.
_LAST_PLACE: Final = """
    SELECT (SELECT text ->> '$.lock' FROM texts WHERE id = CAST(e.texts AS INTEGER)), seq FROM events AS e
    WHERE kind = 'session_started' ORDER BY seq DESC LIMIT 1
"""
_SESSIONS: Final = """
    SELECT (SELECT text FROM texts WHERE id = CAST(e.texts AS INTEGER)), lower(hex(chain)), seq FROM events AS e
    WHERE kind = 'session_started' ORDER BY seq
"""
_TEXTS_OF: Final = "SELECT id, text, hash FROM texts WHERE id IN (SELECT value FROM json_each(?))"
_LAST: Final = (1 << 63) - 1
_MOST_AHEAD: Final = 128  # rows whose texts are read at once
_MOST_TEXTS: Final = 20_000
_IDS: Final = r"(?:[1-9][0-9]*(?:\+[1-9][0-9]*)*)?"
_ID: Final = re.compile("[1-9][0-9]{0,17}")
_LISTED: Final = re.compile(f"[suat]{_IDS}(?: [suat]{_IDS})*")
_ROLES: Final[dict[str, Role]] = {"s": "system", "u": "user", "a": "assistant", "t": "text"}
assert set(_ROLES) == set(ROLE_LETTERS.values())


class Stored(NamedTuple):
    """A row of the table `events` as it stands there."""

    seq: int
    kind: str
    turn: int | None
    at: float
    body: str
    texts: str
    prompt: str | None
    chain: bytes


class Head(NamedTuple):
    """Where a log stands."""

    seq: int
    chain: bytes
    digest: bytes
    turns: int
    status: str


class SqliteReader:
    """Reads one run file, and the past of a fork where that is; any number of readers may do so at once.

    Args:
        path: The run file.
        elsewhere: Where the files with its past may lie, if they are not where it has them.

    Attributes:
        ancestors: Files that hold its past, the nearest first; none for a record that holds it itself.
    """

    def __init__(self, path: Path, elsewhere: Sequence[Path] = ()) -> None:
        self.path = path
        self._db, self.ancestors = opened(path, elsewhere)
        self._texts: dict[int, Text] = {}

    def head(self) -> Head:
        """Where the log stands now; raises EmptyRecordError for a file without events."""
        made = self._one("SELECT 1 FROM sqlite_master WHERE name = 'head'")
        row = self._one("SELECT seq, chain, digest, turns, status FROM head") if made else None
        if row is None:
            raise EmptyRecordError("this record holds no events", where=str(self.path), remedy="Run its study again.")
        return Head(*row)

    def standing(self) -> Standing:
        """Where the run stands: as the log says or, if that is not ended, as the lock of its last writer does."""
        said = self._said()
        if said != "running":
            return said
        if self._last_place() != lock.place(self.path):
            return "running or killed"
        match lock.is_taken(self.path):
            case True:
                return "running"
            case False:
                now = self._said()  # it may have ended in good order since it was looked at
                return "killed" if now == "running" else now
            case _:
                return "running or killed"

    def origin(self) -> Origin:
        """Its place in a design and the run that it was forked from; the same at any time of the run."""
        origin = Origin()
        for about, mark, _ in self.query(_SESSIONS):
            origin = origin.after(str(about), mark)
        return origin

    def holder(self, seq: int) -> Path:
        """The file in which an event of this log stands."""
        for schema, file, after in self._files():
            if seq > after or (seq == 0 and self._first(schema)):
                return file
        return self.path

    def first_events(self) -> Iterator[tuple[Ancestor, Stored]]:
        """The event with which the log of each file begins that holds a part of the past, the oldest first."""
        first = None
        for each in reversed(self.ancestors):
            first = self._first(each.schema) or first
            if first is not None:
                yield each, first

    def damage(self) -> Iterator[tuple[Path, str]]:
        """Files that are damaged, of those that this log stands in, and what SQLite says of them."""
        for schema, file, _ in self._files():
            for (said,) in self.query(f"PRAGMA {schema}.integrity_check(1)"):  # of indexes, too
                if said != "ok":
                    yield file, str(said)

    def _files(self) -> Iterator[tuple[str, Path, int]]:
        """The schema, path and last event that it does not hold, of each file that this log stands in."""
        yield "main", self.path, self.ancestors[0].upto if self.ancestors else -1
        for each in self.ancestors:
            yield each.schema, each.path, each.after

    def _first(self, schema: str) -> Stored | None:
        row = self._one(f"SELECT {_COLUMNS} FROM {schema}.events WHERE seq = 0")
        return None if row is None else Stored(*row)

    def last_text(self, seq: int) -> int:
        """The largest id of a text to which an event up to this position refers; raises RecordError."""
        rows = self.query("SELECT texts, prompt FROM events WHERE seq <= ?", seq)
        return max((int(number) for row in rows for each in row if each for number in _ID.findall(each)), default=0)

    def _said(self) -> Status:
        return cast(Status, self.head().status)

    def _last_place(self) -> str | None:
        """Where the lock of the last writer lies, as it recorded it."""
        found = self._one(_LAST_PLACE)
        return found[0] if found else None

    def changed_around(self) -> str:
        """What of the tables, views and self-description around the log was changed; empty if nothing."""
        return differs(self._db)

    def version(self) -> int:
        """A number that changes whenever somebody else commits: cheap to poll."""
        return int(self._db.pragma("data_version"))

    def stored(self, *, after: int = -1, kinds: str = "", upto: int = _LAST) -> Iterator[Stored]:
        """Rows with `after` < `seq` <= `upto`, in order, a page at a time; of the named `kinds` (a,b,c) only."""
        for page in self._pages(after, kinds, upto):
            yield from page

    def events(self, *, after: int = -1, kinds: str = "", upto: int = _LAST) -> Iterator[Recorded]:
        """Events with `after` < `seq` <= `upto`, in order; those that exist when it gets there."""
        ahead = 1  # who asks for the first event may want no other
        for page in self._pages(after, kinds, upto):
            rest = page
            while rest:
                portion, rest = rest[:ahead], rest[ahead:]
                self._foresee(portion)
                yield from map(self.recorded, portion)
                ahead = min(2 * ahead, _MOST_AHEAD)

    def _pages(self, after: int, kinds: str, upto: int) -> Iterator[list[Stored]]:
        """Raises RecordError after the last row that can be read."""
        where = f"AND kind IN ({', '.join(repr(kind) for kind in kinds.split(','))})" if kinds else ""
        sql = f"{_SELECT} WHERE seq > ? AND seq <= ? {where} ORDER BY seq LIMIT {PAGE}"
        more = True
        while more:
            page, fault = self._page(sql, after, upto)
            yield page
            if fault is not None:
                raise fault
            more = bool(page)
            after = page[-1].seq if page else after

    def recorded(self, row: Stored) -> Recorded:
        """The event of a row; raises RecordError if it is none."""
        try:
            return Recorded(row.seq, row.at, decode(row.kind, row.turn, row.body, self.texts_of(row)))
        except ValueError as fault:
            raise RecordError(
                f"event {row.seq} cannot be read ({fault})", where=str(self.path), remedy=f"gss verify {self.path}"
            ) from fault

    def texts_of(self, row: Stored) -> tuple[Text, ...]:
        """The texts that a row lists; raises ValueError for a list that no writer makes."""
        numbers = [int(number) for number in str(row.texts).split()]
        if " ".join(map(str, numbers)) != row.texts:
            raise ValueError(f"not a list of texts: {row.texts!r}")
        return tuple([self.text(number) for number in numbers])

    def text(self, number: int) -> Text:
        """The text with this id; raises ValueError if there is none or it does not match its hash."""
        known = self._texts.get(number)
        if known is None:
            row = self._one("SELECT text, hash FROM texts WHERE id = ?", number)
            if row is None:
                raise ValueError(f"text {number} is missing")
            known = Text.of(str(row[0]))
            if known.digest != row[1]:
                raise ValueError(f"text {number} does not match its hash")
            if len(self._texts) >= _MOST_TEXTS:
                self._texts.clear()
            self._texts[number] = known
        return known

    def _foresee(self, rows: Sequence[Stored]) -> None:
        """Read the texts of some rows at once, which is quicker; what is wrong with one is told with its row."""
        listed = {each for row in rows for each in str(row.texts).split() if _ID.fullmatch(each)}
        missing = [number for number in map(int, listed) if number not in self._texts]
        if len(self._texts) + len(missing) > _MOST_TEXTS:
            self._texts.clear()
        with suppress(RecordError):
            for number, value, digest in self.query(_TEXTS_OF, json.dumps(missing)):
                text = Text.of(str(value))
                if text.digest == digest:
                    self._texts[number] = text

    def of_turn(self, turn: int) -> list[Recorded]:
        """All events of one turn, in order."""
        page, fault = self._page(f"{_SELECT} WHERE turn = ? ORDER BY seq", turn)
        if fault is not None:
            raise fault
        return [self.recorded(row) for row in page]

    def prompt(self, turn: int) -> Prompt | None:
        """The prompt of a turn, rebuilt; None for a turn without a call. For one of a question aside see `listed`."""
        asked = "prompt IS NOT NULL AND body ->> 'aside' IS NULL"
        row = self._one(f"SELECT prompt FROM events WHERE turn = ? AND {asked} ORDER BY seq DESC", turn)
        return None if row is None else self.listed(row[0])

    def sent(self, seq: int) -> Prompt | None:
        """The prompt of the call whose event has this position, rebuilt; None for another event."""
        row = self._one("SELECT prompt FROM events WHERE seq = ? AND prompt IS NOT NULL", seq)
        return None if row is None else self.listed(row[0])

    def listed(self, prompt: str) -> Prompt:
        """The prompt that the column `prompt` lists; raises ValueError for a list that no writer makes."""
        if not _LISTED.fullmatch(str(prompt)):
            raise ValueError(f"not a list of messages: {prompt!r}")
        return Prompt.of(tuple([self._message(form) for form in prompt.split(" ")]))

    def _message(self, form: str) -> Message:
        numbers = form[1:].split("+") if len(form) > 1 else ()
        return Message.of(_ROLES[form[0]], tuple([self.text(int(number)) for number in numbers]))

    def query(self, sql: str, *values: object) -> Iterator[tuple[Any, ...]]:
        """Rows of a reading query; raises RecordError for what SQLite refuses. A number too large is in no row."""
        try:
            yield from self._db.execute(sql, values)
        except OverflowError:
            return
        except (apsw.Error, UnicodeDecodeError) as fault:
            raise unreadable(self.path, fault) from fault

    def close(self) -> None:
        """Let go of the file."""
        self._db.close()

    def _page(self, sql: str, *values: object) -> tuple[list[Stored], RecordError | None]:
        """Rows up to the first one that cannot be read, and why it cannot."""
        page: list[Stored] = []
        try:
            page.extend(Stored(*row) for row in self.query(sql, *values))
        except RecordError as fault:
            return page, fault
        return page, None

    def _one(self, sql: str, *values: object) -> tuple[Any, ...] | None:
        return next(iter(self.query(sql, *values)), None)

"""The one writer of a run file: appends events with their texts and prompts, all or none at a time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from operator import itemgetter
from pathlib import Path
from typing import Final, cast

import apsw

from genai_social_sim.domain.events import Status, status_after
from genai_social_sim.domain.prompt import ROLE_LETTERS, Message, Prompt
from genai_social_sim.domain.text import Text
from genai_social_sim.errors import RecordError
from genai_social_sim.eventlog import lock
from genai_social_sim.eventlog.ancestry import Link, link_of, past_alone
from genai_social_sim.eventlog.chain import START, Chain
from genai_social_sim.eventlog.codec import OUTCOMES, encode
from genai_social_sim.eventlog.reader import Head
from genai_social_sim.eventlog.store import (
    EVENT,
    TEXT,
    Durability,
    Transaction,
    fold_in,
    lay_out,
    open_to_write,
    unreadable,
)
from genai_social_sim.ports import Clock, Entry

_MOST_IDS: Final = 80_000  # ids of texts that are remembered; a dict doubles at 87,382. Older ones are looked up again
_MOST_FORMS: Final = 20_000
_MANY: Final = 16  # commits: to lay out the log of a run that has fewer costs more than it saves
_PREIMAGE: Final = itemgetter(2)  # of a message: its role's letter, two bytes, hashes
_HASHES_FROM: Final = 3
_HASH: Final = 32
_KNOWN: Final = "SELECT id FROM texts WHERE hash = ?"
_PAST: Final = "INSERT INTO past VALUES (1, ?, ?, ?, ?, ?)"
_HEAD: Final = "INSERT OR REPLACE INTO head VALUES (1, ?, ?, ?, ?, ?)"


class _Forms(dict[bytes, str]):
    """How column `prompt` lists each message, by what its digest covers; KeyError for one with unknown texts."""

    def __init__(self, ids: Mapping[bytes, str]) -> None:
        super().__init__()
        self._ids = ids

    def __missing__(self, preimage: bytes) -> str:
        if len(self) >= _MOST_FORMS:
            self.clear()
        ids = [self._ids[preimage[at : at + _HASH]] for at in range(_HASHES_FROM, len(preimage), _HASH)]
        form = self[preimage] = chr(preimage[0]) + "+".join(ids)
        return form


class SqliteLog:
    """Appends to one run file. A writer that finds its next position taken is refused then, and ever after."""

    def __init__(self, path: Path, *, durability: Durability, clock: Clock, create: bool = False) -> None:
        self._path = path
        self._clock = clock
        self._fenced = False
        self._commits_left = _MANY if durability == "full" else -1  # until the write-ahead log is laid out
        self._past: apsw.Connection | None = None  # what a fork's texts are looked up in, beside its own
        self._lock = lock.taken(path)
        try:
            self._db = open_to_write(path, durability=durability, create=create)
            self._transaction = Transaction(self._db)
            self._reload()
        except BaseException:
            self._lock.release()
            raise

    @property
    def digest(self) -> bytes:
        """Over the logical events so far."""
        return self._chain.digest

    @property
    def seq(self) -> int:
        """Position of the last event; -1 in an empty log."""
        return self._chain.seq

    def share(self, past: Link, upto: Head, first: Entry | None) -> None:
        """Begin an empty log with a past that another run file holds.

        Args:
            past: Where it is.
            upto: Where this log stands with it.
            first: The event in place of the first one there; None if that is this log's, too.

        Raises:
            RecordError: If the past is not there, or the log cannot be written.
        """
        self._next_id = past.texts + 1
        try:
            rows = self._rows([first]) if first else []
            with self._transaction as cursor:
                cursor.executemany(TEXT, self._new_texts)
                cursor.executemany(EVENT, rows)
                cursor.execute(_PAST, past)
                cursor.execute(_HEAD, upto)
        except apsw.Error as fault:
            raise unreadable(self._path, fault) from fault
        finally:
            self._reload()

    def append(self, entries: Sequence[Entry]) -> None:
        """Append in this order, all or none.

        Raises:
            RecordError: If the disk is full, the file is damaged, or another process appended to it.
        """
        if self._fenced:
            raise self._refusal()
        if not entries:
            return
        try:
            rows = self._rows(entries)
            with self._transaction as cursor:
                cursor.executemany(TEXT, self._new_texts)
                cursor.executemany(EVENT, rows)
                head = self._chain
                cursor.execute(_HEAD, (head.seq, head.chain, head.digest, self._turns, self._status))
        except apsw.ConstraintError as fault:
            self._reload()
            self._fenced = True
            raise self._refusal() from fault
        except apsw.Error as fault:
            self._reload()
            raise unreadable(self._path, fault) from fault
        except BaseException:
            self._reload()
            raise
        self._new_texts.clear()
        if self._commits_left >= 0:
            self._count_down()

    def close(self) -> None:
        """Fold the write-ahead log into the file: it is complete by itself, and readers leave nothing beside it."""
        try:
            fold_in(self._db)
            if self._past is not None:
                self._past.close()
        finally:
            self._lock.release()

    def _count_down(self) -> None:
        self._commits_left -= 1
        if self._commits_left < 0:
            lay_out(self._db)

    def _refusal(self) -> RecordError:
        return RecordError(
            "another process has appended to this run; this one stops here",
            where=str(self._path),
            remedy="Let only one process work on a run.",
        )

    def _reload(self) -> None:
        """Take up where the file stands: at the start, and after an append that failed."""
        db = self._db
        self._ids: dict[bytes, str] = {}
        self._forms = _Forms(self._ids)
        self._new_texts: list[tuple[int, bytes, str]] = []
        link = link_of(db, self._path)
        if link is not None and self._past is None:
            self._past = past_alone(self._path, link)
        self._next_id = (db.execute("SELECT max(id) FROM texts").get or (link.texts if link else 0)) + 1
        self._all_ids_known = self._next_id == 1
        row = db.execute("SELECT seq, chain, digest, turns, status FROM head").get
        seq, chain, digest, turns, status = row or (-1, START, START, 0, "running")
        self._turns: int = turns
        self._status: Status = cast(Status, status)
        self._chain = Chain(seq, chain, digest)

    def _rows(self, entries: Sequence[Entry]) -> list[tuple[object, ...]]:
        """The rows of events that are written together, each with a time of its own."""
        encoded, now = [encode(event) for event, _ in entries], self._clock.now
        times = [now() for _ in entries]
        seq, ids, learn = self._chain.seq, self._ids.get, self._learn_id
        links = self._chain.extend(encoded, times)
        rows: list[tuple[object, ...]] = []
        for (event, prompt), (kind, turn, body, texts), at, link in zip(entries, encoded, times, links, strict=True):
            seq += 1
            if kind in OUTCOMES:
                self._turns += 1
            elif turn is None:  # no event of a turn changes the status
                self._status = status_after(self._status, event)
            listed = " ".join([ids(text.digest) or learn(text) for text in texts])
            sent = None if prompt is None else self._listed(prompt)
            rows.append((seq, kind, turn, at, body, listed, sent, link))
        return rows

    def _id(self, text: Text) -> str:
        return self._ids.get(text.digest) or self._learn_id(text)

    def _learn_id(self, text: Text) -> str:
        known = None
        if not self._all_ids_known:
            known = self._known(text.digest)
        if known is None:
            known = self._next_id
            self._next_id += 1
            self._new_texts.append((known, text.digest, text.value))
        if len(self._ids) >= _MOST_IDS:
            self._ids.clear()
            self._ids |= {digest: str(number) for number, digest, _ in self._new_texts}
            self._all_ids_known = False
        self._ids[text.digest] = str(known)
        return str(known)

    def _known(self, digest: bytes) -> int | None:
        """The id of a text that was written before; None if none was."""
        found: int | None = self._db.execute(_KNOWN, (digest,)).get
        if found is None and self._past is not None:
            found = self._past.execute(_KNOWN, (digest,)).get
        return found

    def _listed(self, prompt: Prompt) -> str:
        try:
            return " ".join(map(self._forms.__getitem__, map(_PREIMAGE, prompt.messages)))
        except KeyError:  # it has texts that are new
            forms = self._forms.get
            return " ".join([forms(message.preimage) or self._learn_form(message) for message in prompt.messages])

    def _learn_form(self, message: Message) -> str:
        form = ROLE_LETTERS[message.role] + "+".join([self._id(piece) for piece in message.pieces])
        self._forms[message.preimage] = form
        return form

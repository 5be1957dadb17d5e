"""Checks the record of a run with nothing but Python: python check_record.py RUN. Prints its digest.

Written from the table `about` of a record alone. It imports nothing of genai-social-sim. The past of a fork is read
where the fork says that it is.
"""

import sqlite3
import struct
import sys
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any

WHILE_IT_RUNS = ("opened", "remembered", "spoke", "fell_silent", "exercised", "probed", "intervened")
LOGICAL = ("run_started", *WHILE_IT_RUNS, "run_ended")
END = (1 << 63) - 1


class Log:
    """The events and texts of a record, those of its past included."""

    def __init__(self, path: Path) -> None:
        if not path.exists():
            raise ValueError(f"the past of this fork is not there: {path}")
        self.db = sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)
        known = self.db.execute("SELECT 1 FROM sqlite_master WHERE name = 'past'").fetchone()
        found = self.db.execute("SELECT file, seq, texts FROM past").fetchone() if known else None
        self.past = Log(path.parent / found[0]) if found else None
        self.past_seq: int = found[1] if found else -1
        self.past_texts: int = found[2] if found else 0

    def texts(self, last: int = END) -> Iterator[tuple[int, bytes, str]]:
        """Id, hash and text, up to an id."""
        if self.past:
            yield from self.past.texts(self.past_texts)
        sql = "SELECT id, hash, text FROM texts WHERE id > ? AND id <= ?"
        yield from self.db.execute(sql, (self.past_texts, last))

    def events(self, last: int = END) -> Iterator[tuple[Any, ...]]:
        """Rows in order, up to a position; the first event is the fork's own, if it has one."""
        columns = "seq, kind, turn, at, body, texts, prompt, chain"
        sql = f"SELECT {columns} FROM events WHERE seq >= ? AND seq <= ? ORDER BY seq"
        first = self.db.execute(sql, (0, 0)).fetchall() if self.past else []
        yield from first
        if self.past:
            yield from (row for row in self.past.events(self.past_seq) if row[0] >= len(first))
        yield from self.db.execute(sql, (self.past_seq + 1, last))


def check(path: str) -> str:
    """The digest that the events give; raises ValueError where they are not what was written."""
    log, hashes = Log(Path(path)), {}
    for number, known, text in log.texts():
        hashes[str(number)] = sha256(text.encode()).digest()
        if hashes[str(number)] != known:
            raise ValueError(f"text {number} was changed")
    chain = digest = sha256(b"genai-social-sim record 1").digest()
    for seq, kind, turn, at, body, texts, prompt, link in log.events():
        content = f"{kind}\n{'' if turn is None else turn}\n{body}\n".encode()
        content += b"".join(hashes[number] for number in texts.split())
        chain = sha256(chain + struct.pack(">qd", seq, at) + content).digest()
        digest = sha256(digest + content).digest() if kind in LOGICAL else digest
        if chain != link and seq > log.past_seq:  # links of the past are those of its own file
            raise ValueError(f"event {seq} was changed" + (", or one before it" if log.past else ""))
        if prompt is not None and prompt_hash(prompt, hashes) not in body:
            raise ValueError(f"the prompt of event {seq} was changed")
    if log.db.execute("SELECT chain, digest FROM head").fetchone() != (chain, digest):
        raise ValueError("the end of the log was changed")
    return digest.hex()


def prompt_hash(prompt: str, hashes: dict[str, bytes]) -> str:
    """The hash of what a model was sent, from the list of its messages, such as `s1 u5+7+3 u2`."""
    covered = b""
    for message in prompt.split():
        numbers = message[1:].split("+")
        covered += message[0].encode() + len(numbers).to_bytes(2, "big") + b"".join(hashes[each] for each in numbers)
    return sha256(covered).hexdigest()


if __name__ == "__main__":
    try:
        print(check(sys.argv[1]))  # noqa: T201 (a script to be read and run by hand)
    except ValueError as fault:
        sys.exit(str(fault))

"""A run file with everything in it, and ways to spoil a copy of it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import apsw
from tests.support.scenario import Scenario, scenario

from genai_social_sim.domain.plan import Timeouts
from genai_social_sim.errors import CompletionError
from genai_social_sim.ports import Answer, Request

EVENT_COLUMNS = ("kind", "turn", "at", "body", "texts", "prompt", "chain")


def everything() -> Scenario:
    """A run in which something is said, cut, passed, retried, failed and covered up."""

    def answers(request: Request) -> Any:
        if request.turn == 2 and request.attempt == 1:
            raise CompletionError("no connection", cause="unreachable")
        if request.turn == 4:
            raise CompletionError("gibberish", cause="garbled")
        said = {
            0: "Größe \0 🙂",
            1: None,
            3: "Yes.\nbo: No.",
            5: Answer(text="Cut off", finish="length", prompt_tokens=9),
        }
        return said.get(request.turn, f"Turn {request.turn}.")

    timeouts = Timeouts(attempts=2, backoff_s=0.0, on_failure="say", say="No comment.")
    return scenario(answers=answers, timeouts=timeouts, stop=7, layout="persona_first")


def copied(record: bytes, path: Path) -> Path:
    """The record at `path`, in the place of what was there."""
    for ending in ("-wal", "-shm"):
        path.with_name(path.name + ending).unlink(missing_ok=True)
    path.write_bytes(record)
    return path


def spoiled(record: bytes, path: Path, *statements: tuple[str, tuple[Any, ...]]) -> Path:
    """A copy at `path`, changed by SQL behind the log's back."""
    copied(record, path)
    with closing(apsw.Connection(str(path))) as db:
        db.pragma("synchronous", "OFF")
        for sql, values in statements:
            db.execute(sql, values)
    return path


def stored_as(path: Path, column: str, where: str) -> tuple[Any, ...]:
    """A value byte for byte, and its type."""
    return next(rows(path, f"SELECT CAST({column} AS BLOB), typeof({column}) FROM {where}"))


def rows(path: Path, sql: str) -> Iterator[tuple[Any, ...]]:
    with closing(apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READONLY)) as db:
        yield from db.execute(sql).fetchall()

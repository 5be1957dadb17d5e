"""Rows of CSV, JSON Lines and Parquet files, read in passes and never whole: which columns, how many rows, some rows.

It knows nothing of populations. Cells are texts, numbers, true or false; an empty cell and `null` are no value.
"""

from __future__ import annotations

import csv
import json
import math
import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from hashlib import file_digest
from pathlib import Path
from typing import Any, Final

Cell = str | int | float | bool | None
_WHOLE: Final = re.compile(r"-?(?:0|[1-9][0-9]{0,17})")
_DECIMAL: Final = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][-+]?[0-9]{1,3})?")
_FLAGS: Final = {"true": True, "false": False}
_MOST_CHARACTERS: Final = 1_000_000  # of a cell
_BATCH: Final = 10_000  # rows of Parquet at once
SUFFIXES: Final = (".csv", ".jsonl", ".ndjson", ".parquet")


class TableProblem(Exception):  # noqa: N818 (a reason, which becomes part of an error that users see)
    """Why a file cannot be read as a table."""

    def __init__(self, reason: str, remedy: str) -> None:
        super().__init__(reason)
        self.reason = reason
        self.remedy = remedy


@dataclass(frozen=True, slots=True)
class Table:
    """A file of rows: its columns, the number of its rows, and the SHA-256 of its bytes."""

    path: Path
    columns: tuple[str, ...]
    count: int
    sha256: str
    kinds: tuple[str, ...] = ()  # of a CSV's columns: whole, number, flag or text, as all its cells allow

    def rows(self, wanted: Collection[int], columns: Sequence[str]) -> dict[int, tuple[Cell, ...]]:
        """Some rows by their position from 0, in one pass; raises TableProblem."""
        last = max(wanted, default=-1)
        found: dict[int, tuple[Cell, ...]] = {}
        for at, row in enumerate(_rows(self, columns)):
            if at in wanted:
                found[at] = tuple([_plain(row[column], column, at) for column in columns])
            if at >= last:
                break
        return found


def opened(path: Path) -> Table:
    """A first pass over a file; raises TableProblem."""
    if path.suffix.lower() not in SUFFIXES:
        remedy = f"Its name has to end in one of: {', '.join(SUFFIXES)}."
        raise TableProblem(f"{path.name} is no table that can be read", remedy)
    try:
        found = path.stat()
        return _scanned(path, found.st_mtime_ns, found.st_size)
    except FileNotFoundError:
        raise TableProblem(f"there is no file {path.name}", "Put it into the study's folder.") from None
    except (OSError, UnicodeDecodeError) as fault:
        reason = getattr(fault, "strerror", None) or "it is not UTF-8"
        raise TableProblem(f"{path.name} cannot be read: {reason}", "Check the file.") from None


@lru_cache(maxsize=16)
def _scanned(path: Path, _changed: int, _size: int) -> Table:
    with path.open("rb") as file:
        digest = file_digest(file, "sha256").hexdigest()
    kind = path.suffix.lower()
    if kind == ".parquet":
        file_of = _parquet(path)
        table = Table(path, tuple(file_of.schema_arrow.names), file_of.metadata.num_rows, digest)
    elif kind == ".csv":
        table = _csv_table(path, digest)
    else:
        columns, count = dict[str, None](), 0
        for row in _json_rows(path):
            columns, count = columns | dict.fromkeys(row), count + 1
        table = Table(path, tuple(columns), count, digest)
    if not table.count:
        raise TableProblem(f"{path.name} holds no rows", "Check that this is the file you mean.")
    return table


def _rows(table: Table, columns: Sequence[str]) -> Iterator[dict[str, Cell]]:
    kind = table.path.suffix.lower()
    if kind == ".parquet":
        for batch in _parquet(table.path).iter_batches(batch_size=_BATCH, columns=list(columns)):
            yield from batch.to_pylist()
    elif kind == ".csv":
        kinds = dict(zip(table.columns, table.kinds, strict=True))
        for row in _csv_rows(table.path, table.columns):
            yield {column: _read(row[column], kinds[column]) for column in columns}
    else:
        for found in _json_rows(table.path):
            yield {column: found.get(column) for column in columns}


def _csv_table(path: Path, digest: str) -> Table:
    with path.open(encoding="utf-8-sig", newline="") as file:
        columns = tuple(next(csv.reader(file), ()))
    if len({*columns}) < len(columns):
        raise TableProblem(f"two columns of {path.name} have one name", "Give each column its own name.")
    kinds, count = dict.fromkeys(columns, "whole"), 0
    for row in _csv_rows(path, columns):
        count += 1
        for column, kind in kinds.items():
            if kind != "text" and (cell := row[column]):
                kinds[column] = _kind(cell, kind)
    return Table(path, columns, count, digest, tuple(kinds.values()))


def _csv_rows(path: Path, columns: Sequence[str]) -> Iterator[dict[str, str]]:
    csv.field_size_limit(_MOST_CHARACTERS)
    with path.open(encoding="utf-8-sig", newline="") as file:
        reader = csv.reader(file, strict=True)
        next(reader, None)
        try:
            for row in reader:
                if not row:
                    continue
                if len(row) != len(columns):
                    words = f"line {reader.line_num} of {path.name} has {len(row)} cells, its head has {len(columns)}"
                    raise TableProblem(words, "Put texts with commas or line breaks in quotes.")
                yield dict(zip(columns, row, strict=True))
        except csv.Error as fault:
            raise TableProblem(f"line {reader.line_num} of {path.name}: {fault}", "Check quotes and cells.") from None


def _kind(cell: str, before: str) -> str:
    """What a column is after one more cell."""
    if before in ("whole", "flag") and cell.lower() in _FLAGS:
        return "flag"  # a column cannot come back from it to a number
    if before == "whole" and _WHOLE.fullmatch(cell):
        return "whole"
    return "number" if before in ("whole", "number") and _DECIMAL.fullmatch(cell) else "text"


def _read(cell: str, kind: str) -> Cell:
    if not cell:
        return None
    match kind:
        case "whole":
            return int(cell)
        case "number":
            return float(cell)
        case "flag":
            return _FLAGS[cell.lower()]
        case _:
            return cell


def _json_rows(path: Path) -> Iterator[dict[str, Any]]:
    with path.open(encoding="utf-8-sig") as file:
        for number, line in enumerate(file, start=1):
            if not line.strip():
                continue
            try:
                row = json.loads(line)
            except (ValueError, RecursionError):
                row = None
            if not isinstance(row, dict):
                raise TableProblem(f"line {number} of {path.name} is no JSON object", "Write one object on each line.")
            yield row


def _parquet(path: Path) -> Any:
    from pyarrow import ArrowException
    from pyarrow.parquet import ParquetFile

    try:
        return ParquetFile(path)
    except (ArrowException, ValueError):
        raise TableProblem(f"{path.name} is no Parquet file", "Check the file.") from None


def _plain(value: Any, column: str, row: int) -> Cell:
    if value is None or isinstance(value, (str, bool)):
        return value
    if isinstance(value, int) and abs(value) < 2**63:
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    words = f"row {row + 1} holds a {type(value).__name__} in the column {column!r}, which is neither text nor number"
    raise TableProblem(words, "Name the columns that are wanted under `columns`.")

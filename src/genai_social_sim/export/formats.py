"""File formats as sinks that take rows and keep little of them. It knows nothing of runs or folders."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Final, Literal, Protocol, get_args

from genai_social_sim.domain.visible import odd_characters
from genai_social_sim.export import frames
from genai_social_sim.export.cells import csv_header, csv_line
from genai_social_sim.export.tables import Column, Row

Format = Literal["csv", "jsonl", "parquet"]
FORMATS: Final[tuple[Format, ...]] = get_args(Format)
_GROUP_ROWS: Final = 64 * 1024
_GROUP_BYTES: Final = 32 * 1024 * 1024


class Sink(Protocol):
    """A file being written."""

    def put(self, row: Row) -> None:
        """One more row."""

    def close(self) -> None:
        """No more rows; the file is complete and on disk."""

    def abandon(self) -> None:
        """Let go of the file, whatever state it is in."""


def open_sink(to: Format, path: Path, columns: Sequence[Column], *, description: str) -> Sink:
    """A new file at `path`; raises RequestError if a package is missing, OSError if it cannot be made."""
    match to:
        case "csv":
            return _CsvSink(path, columns)
        case "jsonl":
            return _JsonLinesSink(path, columns)
        case "parquet":
            return _ParquetSink(path, columns, description=description)


class _TextSink:
    def __init__(self, path: Path) -> None:
        self._file = path.open("w", encoding="utf-8", newline="", buffering=1 << 18)

    def close(self) -> None:
        self._file.flush()
        os.fsync(self._file.fileno())
        self._file.close()

    def abandon(self) -> None:
        with suppress(OSError):  # a full disk says so a second time when what is left cannot be written
            self._file.close()


class _CsvSink(_TextSink):
    """RFC 4180."""

    def __init__(self, path: Path, columns: Sequence[Column]) -> None:
        super().__init__(path)
        self._line = csv_line(columns)
        self._file.write(csv_header(columns))

    def put(self, row: Row) -> None:
        self._file.write(self._line(row))


class _JsonLinesSink(_TextSink):
    """One object a line; characters that act on a terminal or break lines are escaped, which reads back the same."""

    def __init__(self, path: Path, columns: Sequence[Column]) -> None:
        super().__init__(path)
        self._names = [column.name for column in columns]
        self._encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode
        self._odd = odd_characters("")

    def put(self, row: Row) -> None:
        line = self._encode(dict(zip(self._names, row, strict=True)))
        if not line.isprintable():
            line = self._odd.sub(_escaped, line)
        self._file.write(line + "\n")


def _escaped(found: re.Match[str]) -> str:
    return json.dumps(found[0])[1:-1] if found[0] != "\x7f" else "\\u007f"


class _ParquetSink:
    """Row groups of many batches: rows become compact soon, groups stay large."""

    def __init__(self, path: Path, columns: Sequence[Column], *, description: str) -> None:
        self._arrow = frames.needed("pyarrow", why="Parquet")
        parquet = frames.needed("pyarrow.parquet", why="Parquet")
        schema = frames.arrow_schema(columns, description=description)
        self._batch = frames.arrow_batches(columns)
        self._rows: list[Row] = []
        self._characters = 0
        self._group: list[Any] = []
        self._group_rows = self._group_bytes = 0
        self._schema = schema
        self._file = path.open("wb")
        self._writer = parquet.ParquetWriter(self._file, schema, compression="zstd")

    def put(self, row: Row) -> None:
        self._rows.append(row)
        self._characters += frames.row_characters(row)
        if len(self._rows) >= frames.BATCH_ROWS or self._characters >= frames.BATCH_CHARACTERS:
            self._pack()

    def close(self) -> None:
        self._pack()
        self._write_group()
        self._writer.close()
        self._file.flush()
        os.fsync(self._file.fileno())
        self._file.close()

    def abandon(self) -> None:
        with suppress(OSError, self._arrow.ArrowException):  # what is left of it is deleted anyway
            self._writer.close()
            self._file.close()

    def _pack(self) -> None:
        if self._rows:
            batch = self._batch(self._rows)
            self._group.append(batch)
            self._group_rows += batch.num_rows
            self._group_bytes += batch.nbytes
            self._rows, self._characters = [], 0
        if self._group_rows >= _GROUP_ROWS or self._group_bytes >= _GROUP_BYTES:
            self._write_group()

    def _write_group(self) -> None:
        if self._group:
            group = self._arrow.Table.from_batches(self._group, schema=self._schema)
            self._writer.write_table(group, row_group_size=max(1, group.num_rows))
            self._group, self._group_rows, self._group_bytes = [], 0, 0

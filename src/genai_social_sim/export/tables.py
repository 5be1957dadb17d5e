"""A table that is read when it is asked for: rows, data frames, a card for notebooks. It knows nothing of runs."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from html import escape
from itertools import islice
from typing import Any, Final, Literal

from genai_social_sim.domain.visible import visible

Cell = str | int | float | bool | None
Row = tuple[Cell, ...]
ColumnType = Literal["text", "json", "time", "integer", "number", "flag"]
TYPES: Final = {
    "text": "text",
    "json": "JSON as text",
    "time": "date and time in UTC, ISO 8601",
    "integer": "whole number",
    "number": "number",
    "flag": "true or false",
}
_SHOWN_ROWS: Final = 10
_SHOWN_CHARACTERS: Final = 160


@dataclass(frozen=True, slots=True)
class Column:
    """A column; any cell may be None, which is "no value"."""

    name: str
    type: ColumnType
    description: str


class Table:
    """Rows that are made anew each time someone asks; making the table itself reads the study at most.

    Args:
        name: What the table is called, and the name of its file without the ending.
        columns: In order.
        rows: Gives the rows from the first on, each time it is called.
        description: What one row is.
        peek: The same as `rows` but may give up early; for the card. Default: `rows`.
    """

    def __init__(
        self,
        name: str,
        columns: tuple[Column, ...],
        rows: Callable[[], Iterable[Row]],
        *,
        description: str = "",
        peek: Callable[[], Iterable[Row]] | None = None,
    ) -> None:
        self.name = name
        self.columns = columns
        self.description = description
        self._rows = rows
        self._peek = peek or rows

    def tuples(self) -> Iterator[Row]:
        """The rows as tuples in the order of `columns`."""
        return iter(self._rows())

    def __iter__(self) -> Iterator[dict[str, Cell]]:
        """The rows one at a time, by column name."""
        names = [column.name for column in self.columns]
        for row in self._rows():
            yield dict(zip(names, row, strict=True))

    def __len__(self) -> int:
        """The number of rows; reads them all."""
        return sum(1 for _ in self._rows())

    def __bool__(self) -> bool:
        """Whether there is a row; reads no further than that."""
        return next(iter(self._rows()), None) is not None

    def rows(self) -> list[dict[str, Cell]]:
        """All rows by column name."""
        return [*iter(self)]

    def df(self) -> Any:
        """A pandas.DataFrame with types that know missing values; raises RequestError without pandas."""
        from genai_social_sim.export import frames

        return frames.pandas_frame(self)

    def pl(self) -> Any:
        """A polars.DataFrame; raises RequestError without polars."""
        from genai_social_sim.export import frames

        return frames.polars_frame(self)

    def arrow(self) -> Any:
        """A pyarrow.Table; raises RequestError without pyarrow."""
        from genai_social_sim.export import frames

        return frames.arrow_table(self)

    def __repr__(self) -> str:
        return f"<Table {self.name}: {', '.join([column.name for column in self.columns])}>"

    def _repr_html_(self) -> str:
        """The first rows as a static card for notebooks."""
        found = [*islice(iter(self._peek()), _SHOWN_ROWS + 1)]
        heads = "".join([_tag("th", column.name, title=column.description) for column in self.columns])
        cells = ["".join([_tag("td", _short(cell)) for cell in row]) for row in found[:_SHOWN_ROWS]]
        body = "".join([f"<tr>{row}</tr>" for row in cells])
        more = f"the first {_SHOWN_ROWS} rows" if len(found) > _SHOWN_ROWS else f"rows at a glance: {len(found)}"
        words = f"{self.name}: {more}. All of them: .df(), .pl(), .arrow(), .rows()"
        caption = _tag("caption", words, title=self.description)
        return f"<table>{caption}<thead><tr>{heads}</tr></thead><tbody>{body}</tbody></table>"


def _tag(name: str, content: str, *, title: str = "") -> str:
    attribute = f' title="{escape(title)}"' if title else ""
    return f"<{name}{attribute}>{escape(content)}</{name}>"


def _short(cell: Cell) -> str:
    if cell is None:
        return ""
    if not isinstance(cell, str):
        return str(cell).lower() if isinstance(cell, bool) else str(cell)
    shown = visible(cell[: _SHOWN_CHARACTERS + 1])
    return shown if len(cell) <= _SHOWN_CHARACTERS else shown[:_SHOWN_CHARACTERS] + "…"

"""Cells of CSV files: harmless in a spreadsheet and on a terminal. It knows nothing of files."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Final

from genai_social_sim.domain.visible import visible
from genai_social_sim.export.tables import Cell, Column, ColumnType, Row

# What a spreadsheet may run: = + - @, also full-width and small ones, also after blanks; and a leading tab or break.
_FORMULA: Final = re.compile(r"[\t\r\n]|\s*[=+\-@\uff1d\uff0b\uff0d\uff20\ufe66\ufe62\ufe63\ufe6b\u2212]")


def harmless(text: str) -> str:
    """`text` with control characters made visible but for line feed and tab, and no formula."""
    shown = visible(text, keep="\n\t")
    return f"'{shown}" if _FORMULA.match(shown) else shown


def csv_header(columns: Sequence[Column]) -> str:
    """The first line: the columns' names."""
    return ",".join([_quoted(column.name) for column in columns]) + "\r\n"


def csv_line(columns: Sequence[Column]) -> Callable[[Row], str]:
    """A function from rows to lines of RFC 4180, such as the `csv` module writes in a multiple of the time."""
    forms = [_FORMS.get(column.type, str) for column in columns]

    def line(row: Row) -> str:
        return ",".join(["" if cell is None else form(cell) for form, cell in zip(forms, row, strict=True)]) + "\r\n"

    return line


def _quoted(cell: Cell) -> str:
    text = harmless(str(cell))
    if '"' in text:
        return '"' + text.replace('"', '""') + '"'
    return f'"{text}"' if "," in text or "\n" in text or "\r" in text else text


def _flag(cell: Cell) -> str:
    return "true" if cell else "false"


_FORMS: Final[dict[ColumnType, Callable[[Cell], str]]] = {"text": _quoted, "json": _quoted, "flag": _flag}

"""Cells of CSV files: harmless in a spreadsheet and on a terminal. It knows nothing of files."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Final

from genai_social_sim.domain.visible import visible
from genai_social_sim.export.tables import Cell, Column, Row

# What a spreadsheet may run: = + - @, also full-width and small ones, also after blanks; and a leading tab or break.
_FORMULA: Final = re.compile(r"[\t\r\n]|\s*[=+\-@\uff1d\uff0b\uff0d\uff20\ufe66\ufe62\ufe63\ufe6b\u2212]")


def harmless(text: str) -> str:
    """`text` with control characters made visible but for line feed and tab, and no formula."""
    shown = visible(text, keep="\n\t")
    return f"'{shown}" if _FORMULA.match(shown) else shown


def csv_row(columns: Sequence[Column]) -> Callable[[Row], list[Cell]]:
    """A function from rows to what the `csv` module writes: numbers stay numbers, flags are true or false."""
    texts = [at for at, column in enumerate(columns) if column.type in ("text", "json")]
    flags = [at for at, column in enumerate(columns) if column.type == "flag"]

    def cells(row: Row) -> list[Cell]:
        made = list(row)
        for at in texts:
            if made[at] is not None:
                made[at] = harmless(str(made[at]))
        for at in flags:
            if made[at] is not None:
                made[at] = "true" if made[at] else "false"
        return made

    return cells

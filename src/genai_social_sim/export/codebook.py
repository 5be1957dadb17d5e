"""The codebook: what every table and column means, as a table and as a page. It knows no runs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from genai_social_sim.export.kinds import Kind
from genai_social_sim.export.tables import TYPES, Column, Row, Table

MARK: Final = "# Codebook of genai-social-sim"  # the first line of every codebook; by it an earlier export is known
_FORMATS: Final = """\
Every file holds one table; rows of several runs stand one after the other, told apart by the column `run`.

- **CSV** (UTF-8, RFC 4180, comma, CRLF): an empty cell is no value or an empty text; flags are `true` and `false`. Two
  things are done to texts so that they harm neither a spreadsheet nor a terminal. A text that a spreadsheet might run
  as a formula (it begins with `=`, `+`, `-` or `@`, also after blanks or as a full-width form, or with a tab or line
  break) has an apostrophe before it. Control characters other than line feed and tab, and format characters such as
  bidirectional or zero-width ones, are written out, as in `⟨U+001B⟩`. To read it with pandas:
  `read_csv(path, keep_default_na=False, na_values=[""])`.
- **JSON Lines** (UTF-8): one object a line, `null` for no value; texts are exact.
- **Parquet** (zstd): typed; texts are exact; each column carries its description.

Columns of the type JSON hold JSON as text in all three.
"""
COLUMNS: Final = (
    Column("table", "text", "Name of the table."),
    Column("column", "text", "Name of the column; no value for the table itself."),
    Column("type", "text", "Type of the column."),
    Column("description", "text", "What it holds."),
)


def described(kinds: Iterable[Kind]) -> Table:
    """The codebook as a table: one row for each table and each column."""

    def rows() -> Iterator[Row]:
        for kind in kinds:
            yield (kind.name, None, None, kind.description)
            for column in kind.columns:
                yield (kind.name, column.name, TYPES[column.type], column.description)

    return Table("codebook", COLUMNS, rows, description="One row for each table and each column.")


def page(kinds: Sequence[Kind]) -> str:
    """The codebook as Markdown."""
    parts = [MARK, "", "What `gss export` writes: every table and column.", "", _FORMATS]
    for kind in kinds:
        parts.extend(
            [f"## {kind.name}", "", kind.description, "", "| column | type | what it holds |", "|---|---|---|"]
        )
        parts.extend([f"| `{column.name}` | {TYPES[column.type]} | {column.description} |" for column in kind.columns])
        parts.append("")
    return "\n".join(parts)

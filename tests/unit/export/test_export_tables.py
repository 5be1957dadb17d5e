"""Tables: read when asked for, no sooner and no further."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Final

import pytest
from tests.unit.export.records import answered, begun, spoke, written

from genai_social_sim.errors import RequestError
from genai_social_sim.export import society
from genai_social_sim.export.source import Source
from genai_social_sim.export.tables import Cell, Column, Row, Table
from genai_social_sim.ports import Recorded

COLUMNS: Final = (
    Column("text", "text", "Words."),
    Column("count", "integer", "How many."),
    Column("share", "number", "Of all."),
    Column("odd", "flag", "Whether."),
    Column("at", "time", "When."),
)
ROWS: Final[list[Row]] = [
    ("a\n\x1b", 1, 0.5, True, "2026-01-02T03:04:05.000006Z"),
    (None, None, None, None, None),
    ("", 2**62, -1.5, False, "1970-01-01T00:00:00.000000Z"),
]


class Counting:
    """A record that counts how many of its events were read."""

    def __init__(self, source: Source) -> None:
        self.source, self.read = source, 0

    def events(self, *, after: int = -1) -> Iterator[Recorded]:
        for recorded in self.source.record.events(after=after):
            self.read += 1
            yield recorded


def small() -> Table:
    return Table("small", COLUMNS, lambda: ROWS, description="A row.")


def talk(turns: int) -> Counting:
    pairs = [(answered(turn), spoke(turn, "ada", "<b>hi</b>\u202e")) for turn in range(turns)]
    return Counting(written(begun(), *[event for pair in pairs for event in pair]))


def test_making_a_table_reads_nothing_and_a_card_only_its_beginning() -> None:
    record = talk(5000)
    table = society.utterances(Source(run="r", record=record))
    assert repr(table).startswith("<Table utterances: run, seq")
    assert record.read == 0
    card = table._repr_html_()
    assert record.read < 30
    assert card.count("<tr>") == 11
    assert table
    assert record.read < 60


def test_a_card_of_a_summary_gives_up_early_on_a_long_record() -> None:
    record = talk(20_000)
    assert "small" in society.runs(Source(run="r", record=record))._repr_html_()
    assert record.read < 10_000


def test_a_card_is_static_and_shows_hostile_text_as_text() -> None:
    card = society.utterances(Source(run="<script>", record=talk(1)))._repr_html_()
    assert "&lt;b&gt;hi&lt;/b&gt;⟨U+202E⟩" in card
    assert "<script" not in card


def test_rows_come_by_name_and_as_often_as_asked() -> None:
    table = small()
    assert len(table) == 3
    assert table.rows() == [*table] == table.rows()
    assert table.rows()[0] == {"text": "a\n\x1b", "count": 1, "share": 0.5, "odd": True, "at": ROWS[0][4]}


def moments() -> list[datetime | None]:
    return [datetime(2026, 1, 2, 3, 4, 5, 6, tzinfo=UTC), None, datetime(1970, 1, 1, tzinfo=UTC)]


def cells(name: str) -> list[Cell]:
    return [row[name] for row in small().rows()]


def test_arrow_holds_exact_texts_true_types_and_the_descriptions() -> None:
    pytest.importorskip("pyarrow")
    table = small().arrow()
    assert [str(kind) for kind in table.schema.types] == ["string", "int64", "double", "bool", "timestamp[us, tz=UTC]"]
    assert table.column("text").to_pylist() == cells("text")
    assert table.column("count").to_pylist() == cells("count")
    assert table.column("at").to_pylist() == moments()
    assert table.schema.field("odd").metadata == {b"description": b"Whether."}


def test_pandas_keeps_missing_values_apart_from_numbers() -> None:
    pandas = pytest.importorskip("pandas")
    frame = small().df()
    expected = ["string", "Int64", "float64", "boolean", "datetime64[us, UTC]"]
    assert [str(kind) for kind in frame.dtypes] == expected
    assert frame["count"].tolist() == [1, pandas.NA, 2**62]
    assert frame["text"].tolist() == ["a\n\x1b", pandas.NA, ""]
    assert frame["at"][0] == moments()[0]


def test_polars_holds_the_same() -> None:
    pytest.importorskip("polars")
    frame = small().pl()
    assert frame["count"].to_list() == cells("count")
    assert frame["odd"].to_list() == cells("odd")
    assert frame["at"].to_list() == moments()


@pytest.mark.parametrize(("frame", "package"), [("df", "pandas"), ("pl", "polars"), ("arrow", "pyarrow")])
def test_a_missing_package_is_named_with_the_command_that_gets_it(
    frame: str, package: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(RequestError, match=f"needs {package}, which is not installed. pip install {package}"):
        getattr(small(), frame)()


@pytest.mark.parametrize(("frame", "package"), [("df", "pandas"), ("pl", "polars"), ("arrow", "pyarrow")])
def test_a_table_without_rows_still_has_its_columns(frame: str, package: str) -> None:
    pytest.importorskip(package)
    empty = getattr(Table("none", COLUMNS, list), frame)()
    names = empty.column_names if frame == "arrow" else list(empty.columns)
    assert names == [column.name for column in COLUMNS]
    assert not Table("none", COLUMNS, lambda: [])

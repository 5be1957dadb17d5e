"""The codebook: everything that is exported is described, here and in the documentation."""

from __future__ import annotations

from pathlib import Path

from tests.unit.export.records import begun, written

from genai_social_sim.api.tables import ALL
from genai_social_sim.export import codebook
from genai_social_sim.export.files import write


def test_every_column_of_every_table_is_described_once() -> None:
    rows = [(row["table"], row["column"]) for row in codebook.described(ALL)]
    for kind in ALL:
        names = [column.name for column in kind.columns]
        assert len(set(names)) == len(names)
        assert [column for table, column in rows if table == kind.name] == [None, *names]
    assert all(str(row["description"]).endswith(".") for row in codebook.described(ALL))


def test_descriptions_fit_into_a_cell_of_a_markdown_table() -> None:
    for row in codebook.described(ALL):
        assert not set("|\n") & set(str(row["description"]))


def test_a_codebook_holds_the_tables_that_it_lies_beside(tmp_path: Path) -> None:
    write(written(begun()), "jsonl", tmp_path)
    words = (tmp_path / "codebook.md").read_text(encoding="utf-8")
    assert "## utterances" in words
    assert "chat_export" not in words

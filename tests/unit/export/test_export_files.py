"""Exports as files: nothing lost, nothing harmful, nothing of somebody else's overwritten, nothing held for long."""

from __future__ import annotations

import csv
import io
import json
import tracemalloc
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.export.records import answered, begun, opened, play, spoke, study_of, written

from genai_social_sim.errors import RequestError, SocialSimError
from genai_social_sim.export import files, society
from genai_social_sim.export.cells import csv_line, harmless
from genai_social_sim.export.files import write
from genai_social_sim.export.formats import FORMATS
from genai_social_sim.export.kinds import Kind
from genai_social_sim.export.source import Source, steps
from genai_social_sim.export.tables import Column
from genai_social_sim.ports import Recorded, Request

HOSTILE: Final = (
    "=cmd|' /C calc'!A0",
    "+1",
    "-2+3",
    "@SUM(A1)",
    "  =1+1",
    "\uff1d1+1",
    "\t=1",
    "\r=1",
    "\n=1",
    "\x1b]0;owned\x07\x1b[31mred",
    "<script>alert(1)</script>",
    'He said "no", then\r\nleft; twice',
    "ada: I am ada.",
    "\u202egnp.exe",
    "zero\u200bwidth\u2028line\x85next\x7f",
    "🙂 family 👨\u200d👩\u200d👧 \u0645\u06cc\u200c\u062e\u0648",
    "x" * 1_000_000,
    "NA",
    "12",
)


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Source:
    path = tmp_path_factory.mktemp("records") / "hostile.sqlite"
    return play(study_of(turns=len(HOSTILE)), lambda request: HOSTILE[request.turn], path)


@pytest.fixture(scope="module")
def various() -> Source:
    """A record with most kinds of events: talk, silences, acts in a forum, probes, changes."""
    study = study_of(turns=18)
    study["channels"] = {"board": {"protocol": "forum"}, "hall": {"opening": {"text": "Begin."}, "network": "ring"}}
    study["probes"] = [{"name": "mood", "every": "1 round", "choose": ["good", "bad"], "text": "How is it?"}]
    study["interventions"] = [
        {"at": "round 1", "kind": "broadcast", "from": "system", "text": "News."},
        {"at": "round 1", "kind": "mute", "agents": ["bo"]},
        {"at": "round 2", "kind": "remove_edges", "edges": [["ada", "bo"]]},
    ]

    def say(request: Request) -> str:
        return request.choices[0] if request.choices else ["", "Yes, I think so."][request.turn % 2]

    return play(study, say)


def csv_rows(path: Path) -> list[dict[str, str]]:
    csv.field_size_limit(10_000_000)
    with path.open(encoding="utf-8", newline="") as file:
        return [*csv.DictReader(file)]


def json_rows(path: Path) -> list[dict[str, Any]]:
    with path.open(encoding="utf-8") as file:
        return [json.loads(line) for line in file]


def in_csv(name: str, source: Source) -> list[dict[str, str]]:
    """What a table's CSV file should hold."""
    table = society.table(name, source)
    kinds = {column.name: column.type for column in table.columns}

    def cell(value: Any, kind: str) -> str:
        if value is None:
            return ""
        if kind == "flag":
            return "true" if value else "false"
        return harmless(value) if kind in ("text", "json") else str(value)

    return [{key: cell(value, kinds[key]) for key, value in row.items()} for row in table]


@pytest.mark.parametrize("name", [kind.name for kind in (*society.TIDY, *society.ORIGINAL)])
def test_csv_read_again_gives_the_same_rows(hostile: Source, tmp_path: Path, name: str) -> None:
    write(hostile, "csv", tmp_path)
    assert csv_rows(tmp_path / f"{name}.csv") == in_csv(name, hostile)


@given(st.lists(st.text() | st.none(), min_size=2, max_size=4), st.floats() | st.integers())
def test_a_line_of_csv_is_what_the_csv_module_writes(texts: list[str | None], number: float) -> None:
    columns = [*[Column("t", "text", "") for _ in texts], Column("n", "number", "")]
    file = io.StringIO()
    csv.writer(file, lineterminator="\r\n").writerow([*[t if t is None else harmless(t) for t in texts], number])
    assert csv_line(columns)((*texts, number)) == file.getvalue()


@pytest.mark.parametrize("kind", [*society.TIDY, *society.ORIGINAL], ids=lambda kind: kind.name)
def test_steps_that_a_table_does_not_take_give_it_no_row(kind: Kind, various: Source) -> None:
    fold = kind.over(kind, [various]).fold(various)
    rows = [row for step in steps(various) for row in fold.take(step)]
    assert [*rows, *fold.end()] == [*kind.table(various).tuples()]


def test_pandas_reads_the_same_rows_from_csv(hostile: Source, tmp_path: Path) -> None:
    pandas = pytest.importorskip("pandas")
    write(hostile, "csv", tmp_path)
    frame = pandas.read_csv(tmp_path / "utterances.csv", dtype=str, keep_default_na=False)
    assert frame.to_dict("records") == in_csv("utterances", hostile)


@pytest.mark.parametrize("kind", society.TIDY, ids=lambda kind: kind.name)
def test_json_lines_and_parquet_hold_the_exact_rows(hostile: Source, tmp_path: Path, kind: Any) -> None:
    parquet = pytest.importorskip("pyarrow.parquet")
    write(hostile, "jsonl", tmp_path)
    write(hostile, "parquet", tmp_path)
    assert json_rows(tmp_path / f"{kind.name}.jsonl") == kind.table(hostile).rows()
    assert parquet.read_table(tmp_path / f"{kind.name}.parquet").equals(kind.table(hostile).arrow())


def test_no_cell_of_text_is_a_formula_and_no_byte_acts_on_a_terminal(hostile: Source, tmp_path: Path) -> None:
    write(hostile, "csv", tmp_path)
    cells = [cell for row in csv_rows(tmp_path / "chat_export.csv") for cell in row.values()]
    assert [cell for cell in cells if cell.lstrip()[:1] in "=+-@\uff1d" and cell.strip()] == []
    for path in tmp_path.glob("*.csv"):
        text = path.read_text(encoding="utf-8")
        assert not set(text) & set("\x1b\x07\x7f\x85\u202e\u200b\u2028")
    assert "⟨U+001B⟩]0;owned⟨U+0007⟩" in (tmp_path / "utterances.csv").read_text(encoding="utf-8")


def test_json_lines_are_harmless_to_look_at_although_exact(hostile: Source, tmp_path: Path) -> None:
    write(hostile, "jsonl", tmp_path)
    for path in tmp_path.glob("*.jsonl"):
        text = path.read_bytes().decode()
        assert not set(text) & set("\x1b\x07\x7f\x85\u202e\u200b\u2028")


def test_numbers_stay_numbers_however_negative() -> None:
    assert harmless("-1") == "'-1"
    assert harmless("minus -1") == "minus -1"
    assert harmless("") == ""


@given(st.text())
def test_a_harmless_text_begins_with_nothing_that_spreadsheets_run(text: str) -> None:
    shown = harmless(text)
    assert not shown.startswith(("\t", "\r", "\n"))
    assert not shown.lstrip().startswith(("=", "+", "-", "@", "\uff1d", "\uff0b", "\uff0d", "\uff20"))
    assert harmless(shown) == shown


def test_line_ends_are_those_of_rfc_4180(tmp_path: Path) -> None:
    write(written(begun(), opened("one\ntwo")), "csv", tmp_path)
    raw = (tmp_path / "chat_export.csv").read_bytes()
    assert raw.startswith(b"channel,sender,message,id,turn,round,timestamp,run,stand_in,addressee\r\n")
    assert b'hall,system,"one\ntwo",r:1,,,2023-11-14T22:13:22.000000Z,r,false,\r\n' in raw


def test_the_original_files_and_a_codebook_come_with_csv(tmp_path: Path) -> None:
    paths = write(written(begun()), "csv", tmp_path / "new" / "folder")
    assert sorted(path.name for path in paths) == sorted(path.name for path in (tmp_path / "new" / "folder").iterdir())
    tidy = ["runs", "conditions", "agents", "channels", "edges", "utterances", "turns", "posts"]
    tidy += ["acts", "exposures", "probes", "memories", "powers", "interventions", "calls", "sessions", "events"]
    assert [path.stem for path in paths] == [*tidy, "chat_export", "analytics_export", "codebook", "codebook"]


@pytest.mark.parametrize("to", FORMATS)
def test_two_runs_stand_in_the_same_tables(tmp_path: Path, to: Any) -> None:
    one, two = written(begun(), opened("a"), run="one"), written(begun(), opened("b"), run="two")
    (path,) = [path for path in write([one, two], to, tmp_path) if path.stem == "utterances"]
    expected = [("one", "a"), ("two", "b")]
    if to == "parquet":
        parquet = pytest.importorskip("pyarrow.parquet")
        rows = parquet.read_table(path).to_pylist()
    else:
        rows = csv_rows(path) if to == "csv" else json_rows(path)
    assert [(row["run"], row["text"]) for row in rows] == expected


@pytest.mark.parametrize("to", FORMATS)
def test_an_empty_run_gives_files_with_columns_only(tmp_path: Path, to: Any) -> None:
    names = {path.name for path in write(written(), to, tmp_path)}
    assert f"utterances.{to}" in names
    if to == "csv":
        assert csv_rows(tmp_path / "utterances.csv") == []


def test_runs_of_one_label_are_refused(tmp_path: Path) -> None:
    with pytest.raises(RequestError, match="two runs have the label 'r'"):
        write([written(), written()], "csv", tmp_path)


def test_an_export_replaces_an_earlier_one_in_any_format(tmp_path: Path) -> None:
    write(written(begun(), opened("old")), "csv", tmp_path)
    write(written(begun(), opened("new")), "jsonl", tmp_path)
    write(written(begun(), opened("new")), "csv", tmp_path)
    assert [row["message"] for row in csv_rows(tmp_path / "chat_export.csv")] == ["new"]


def test_a_file_that_no_export_wrote_is_not_replaced(tmp_path: Path) -> None:
    (tmp_path / "turns.csv").write_text("mine")
    with pytest.raises(RequestError, match=r"turns\.csv is there already, and no export wrote it"):
        write(written(begun()), "csv", tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["turns.csv"]
    assert (tmp_path / "turns.csv").read_text() == "mine"


def test_other_files_in_the_folder_are_left_alone(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    write(written(begun()), "csv", tmp_path)
    assert (tmp_path / "notes.txt").read_text() == "mine"


def test_a_file_in_place_of_the_folder_and_an_unknown_format_are_refused(tmp_path: Path) -> None:
    (tmp_path / "out").write_text("mine")
    with pytest.raises(RequestError, match="this is a file, not a folder"):
        write(written(begun()), "csv", tmp_path / "out")
    with pytest.raises(RequestError, match=r"there is no format 'xlsx'\. The formats are: csv, jsonl, parquet"):
        write(written(begun()), "xlsx", tmp_path)  # type: ignore[arg-type]
    with pytest.raises(RequestError, match="there is no run to export"):
        write([], "csv", tmp_path)


class Breaking:
    """A record that breaks off."""

    def __init__(self, fault: BaseException) -> None:
        self.fault = fault

    def events(self, *, after: int = -1) -> Iterator[Recorded]:
        yield from written(begun(), opened()).record.events(after=after)
        raise self.fault


@pytest.mark.parametrize("to", FORMATS)
@pytest.mark.parametrize("fault", [KeyboardInterrupt(), ValueError("broken")])
def test_an_export_that_breaks_off_leaves_the_earlier_one_whole(tmp_path: Path, to: Any, fault: BaseException) -> None:
    write(written(begun(), opened("old")), to, tmp_path)
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    with pytest.raises(type(fault)):
        write(Source(run="r", record=Breaking(fault)), to, tmp_path)
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


@pytest.mark.parametrize("to", FORMATS)
def test_a_full_disk_is_one_clear_error(tmp_path: Path, to: Any) -> None:
    full = OSError(28, "No space left on device")
    with pytest.raises(SocialSimError, match=r"the export cannot be written \(No space left on device\)"):
        write(Source(run="r", record=Breaking(full)), to, tmp_path)
    assert [*tmp_path.iterdir()] == []


def test_progress_counts_events_up_to_all_of_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "_PROGRESS_EVENTS", 2)
    seen: list[int] = []
    write([written(begun(), opened(), run="a"), written(begun(), run="b")], "csv", tmp_path, progress=seen.append)
    assert seen == [2, 2, 3]


class Long:
    """A record of many turns that holds none of them."""

    def __init__(self, turns: int) -> None:
        self.turns = turns

    def events(self, *, after: int = -1) -> Iterator[Recorded]:
        yield Recorded(0, 0.0, begun())
        for turn in range(self.turns):
            text = f"turn {turn} " + "word " * 60
            yield Recorded(2 * turn + 1, float(turn), answered(turn, text))
            yield Recorded(2 * turn + 2, float(turn), spoke(turn, "ada", text, in_round=turn // 2))


def peak_bytes(turns: int, to: Any, out: Path) -> int:
    tracemalloc.start()
    try:
        write(Source(run="r", record=Long(turns)), to, out)
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


@pytest.mark.slow
@pytest.mark.parametrize("to", FORMATS)
def test_six_times_the_turns_need_no_more_memory(tmp_path: Path, to: Any) -> None:
    write(Source(run="r", record=Long(10)), to, tmp_path)  # imports are made once
    small = peak_bytes(1_500, to, tmp_path)
    assert peak_bytes(9_000, to, tmp_path) < 2 * small

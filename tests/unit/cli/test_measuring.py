"""`gss measure`."""

import json
from pathlib import Path

import pytest
from tests.unit.cli.conftest import Gss

from genai_social_sim.analysis.registry import measures


def test_it_tells_what_each_measure_comes_to(gss: Gss, record: Path) -> None:
    result = gss("measure", record)
    assert result.exit_code == 0
    assert result.stdout.startswith(record.stem)
    assert "  utterance_gini " in result.stdout


def test_json_is_a_line_for_each_value_and_an_envelope(gss: Gss, record: Path) -> None:
    lines = [json.loads(line) for line in gss("measure", record, "-m", "words", "--json").stdout.splitlines()]
    assert {row["measure"] for row in lines[:-1]} == {"words"}
    assert lines[-1] == {"ok": True, "data": {"values": len(lines) - 1}, "warnings": []}


def test_the_list_names_all_of_them(gss: Gss) -> None:
    named = {row["measure"] for row in json.loads(gss("measure", "--list", "--json").stdout)["data"]}
    assert named == {each.name for each in measures()}
    assert all(f"\n{name}\n" in "\n" + gss("measure", "--list").stdout for name in ["mtld", "influence"])


def test_an_unknown_one_is_told_with_near_ones(gss: Gss, record: Path) -> None:
    result = gss("measure", record, "-m", "mltd")
    assert result.exit_code == 2
    assert "Did you mean mtld" in result.stderr


def test_without_a_run_it_says_what_to_name(gss: Gss) -> None:
    result = gss("measure")
    assert result.exit_code == 2
    assert "--list" in result.stderr


def test_a_function_in_a_file_is_measured(gss: Gss, record: Path, tmp_path: Path) -> None:
    file = tmp_path / "mine.py"
    file.write_text("def agents(reading):\n    return len(reading.agents)\n", encoding="utf-8")
    assert "  agents " in gss("measure", record, "-m", f"{file}:agents").stdout


@pytest.mark.parametrize(
    ("code", "name", "told"),
    [("1 / 0", "f", "ZeroDivisionError"), ("def g(r): ...", "f", "It has: g."), (None, "f", "no such Python file")],
)
def test_a_file_without_it_is_told(
    gss: Gss, record: Path, tmp_path: Path, code: str | None, name: str, told: str
) -> None:
    file = tmp_path / "mine.py"
    if code is not None:
        file.write_text(code, encoding="utf-8")
    result = gss("measure", record, "-m", f"{file}:{name}")
    assert result.exit_code == 2
    assert told in result.stderr

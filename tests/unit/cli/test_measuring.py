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


DESIGN = """
name: poll
seed: 7
model: {backend: scripted, choose: true}
agents: [{name: ADA}, {name: BO}, {name: CY}]
protocol: simultaneous
channels: {ballot: {act: {kind: choose, options: [mine, park]}}}
factors: {size: {path: stop.rounds, values: {short: 2, long: 4}}}
replicates: 3
stop: {rounds: 2}
"""


@pytest.fixture
def runs(gss: Gss, folder: Path) -> list[Path]:
    (folder / "poll.yaml").write_text(DESIGN, encoding="utf-8")
    assert gss("run", "poll.yaml", "--quiet").exit_code == 0
    return sorted((folder / "runs").glob("*.sqlite"))


def test_conditions_are_compared_over_their_replicates(gss: Gss, runs: list[Path]) -> None:
    told = json.loads(gss("compare", *runs, "-m", "agreement", "--json").stdout)
    assert [(row["group"], row["runs"]) for row in told["data"]] == [("size=short", 3), ("size=long", 3)]
    assert told["data"][1]["paired"] is True
    lines = gss("compare", *runs, "-m", "agreement", "--by", "size", "--baseline", "long").stdout.splitlines()
    assert lines[0] == "agreement (ballot): mean and its interval (t)"
    assert lines[1].split()[0] == "long"
    assert "from long in pairs" in lines[3]


def test_what_cannot_be_compared_is_told(gss: Gss, runs: list[Path]) -> None:
    told = {
        "--by sise": "The factors are: size.",
        "--baseline tall": "The groups are: size=short, size=long.",
        "--of hall": "It has values of: ballot.",
        "--at soon": "--at takes last, first, mean",
        "--scope agent": "It has values of: round.",
        "--forks": "none of these runs is a fork",
    }
    for words, expected in told.items():
        result = gss("compare", *runs, "-m", "agreement", *words.split())
        assert result.exit_code == 2
        assert expected in result.stderr

"""`gss run` of a study with conditions and replicates."""

from __future__ import annotations

import json
import signal
import time
from pathlib import Path

import pytest
from tests.unit.cli.conftest import SCRIPTED, Gss, Start, document

from genai_social_sim import Run
from genai_social_sim.errors import RecordError

DESIGN = SCRIPTED + "factors: {heat: {path: model.words, values: [2, 5]}}\nreplicates: 2\ndurability: process\n"


@pytest.fixture
def design(folder: Path) -> Path:
    path = folder / "design.yaml"
    path.write_text(DESIGN, encoding="utf-8")
    return path


def test_each_run_is_told_in_a_line_and_all_of_them_at_the_end(gss: Gss, design: Path) -> None:
    result = gss("run", design)
    assert result.exit_code == 0
    assert "heat=2 replicate 0: finished, 6 turns, digest " in result.stdout
    assert "4 runs of 2 conditions, 24 turns" in result.stdout
    assert "gss export runs/talk-*.sqlite --to csv" in result.stdout
    assert "ADA:" not in result.stdout


def test_json_has_an_object_a_run_with_its_condition_and_replicate(gss: Gss, design: Path) -> None:
    told = document(gss("run", design, "--json"))
    assert (told["ok"], told["warnings"]) == (True, [])
    assert [(run["condition"], run["replicate"], run["status"]) for run in told["data"]] == [
        ("heat=2", 0, "finished"),
        ("heat=5", 0, "finished"),
        ("heat=2", 1, "finished"),
        ("heat=5", 1, "finished"),
    ]
    assert [*told["data"][0]] == [
        "run", "condition", "levels", "replicate", "seed", "status", "turns", "digest",
    ]  # fmt: skip
    assert told["data"] == document(gss("run", design, "--json", "--jobs", "2"))["data"]


def test_only_plays_the_conditions_that_are_meant(gss: Gss, design: Path) -> None:
    told = document(gss("run", design, "--json", "--only", "heat=5"))
    assert {run["condition"] for run in told["data"]} == {"heat=5"}
    result = gss("run", design, "--only", "heat=7")
    assert (result.exit_code, "heat=2, heat=5" in result.stderr) == (2, True)


def test_runs_that_fail_are_told_with_their_reason_and_the_others_are_finished(gss: Gss, design: Path) -> None:
    text = DESIGN.replace("path: model.words, values: [2, 5]", "path: model.faults.error, values: [0.0, 1.0]")
    design.write_text(text + "timeouts: {attempts: 1, on_failure: stop}\n", encoding="utf-8")
    result = gss("run", design, "--json")
    told = document(result)
    assert (result.exit_code, told["ok"], told["error"]["code"]) == (1, False, "unfinished")
    assert [run["status"] for run in told["data"]] == ["finished", "failed", "finished", "failed"]
    assert "on_failure is stop" in told["data"][1]["error"]["message"]
    again = gss("run", design)
    assert again.exit_code == 1
    assert "2 of 4 runs are not finished" in again.stderr
    assert "and 1 more: turn 0" in again.stderr


def test_dry_run_covers_every_condition_and_adds_them_up(gss: Gss, design: Path) -> None:
    result = gss("run", design, "--dry-run")
    assert "4 runs: 2 conditions with 2 replicates each" in result.stdout
    assert "calls   24" in result.stdout
    told = document(gss("run", design, "--dry-run", "--json"))
    assert [(each["condition"], each["replicates"], each["calls"]) for each in told["data"]] == [
        ("heat=2", 2, 6),
        ("heat=5", 2, 6),
    ]
    assert not Path("runs").exists()


@pytest.mark.parametrize(
    ("words", "said"),
    [(["--again"], "--runs FOLDER"), (["--wait"], "is for one"), (["--mirror", "kafka://h:1/t"], "more than one")],
)
def test_what_is_for_one_run_is_refused(gss: Gss, design: Path, words: list[str], said: str) -> None:
    result = gss("run", design, *words)
    assert (result.exit_code, said in result.stderr) == (2, True)


def test_a_study_without_conditions_has_none_to_choose(gss: Gss, study: Path) -> None:
    result = gss("run", study, "--only", "heat=2")
    assert (result.exit_code, "this study has no conditions" in result.stderr) == (2, True)


def test_wrong_levels_are_told_with_their_line(gss: Gss, design: Path) -> None:
    design.write_text(DESIGN.replace("[2, 5]", "[2, few]"), encoding="utf-8")
    result = gss("run", design)
    assert result.exit_code == 2
    assert "design.yaml:11:49" in result.stderr


def test_a_frozen_design_is_noted_in_every_record_and_a_departure_told(gss: Gss, design: Path) -> None:
    told = document(gss("freeze", design, "--json"))["data"]
    assert (told["conditions"], told["runs"]) == (2, 4)
    assert document(gss("run", design, "--json"))["warnings"] == []
    for path in Path("runs").glob("*.sqlite"):
        with Run(path) as run:
            assert run.origin.assignment.frozen == run.origin.assignment.design == told["digest"]
    other = document(gss("run", design, "--json", "--set", "stop.turns=4", "--runs", "other"))
    assert "not the design that was frozen" in other["warnings"][0]
    with Run(other["data"][0]["run"]) as run:
        assert run.origin.assignment.frozen == told["digest"] != run.origin.assignment.design


def test_a_study_that_is_one_run_can_be_frozen_too(gss: Gss, study: Path) -> None:
    frozen = gss("freeze", study)
    assert "1 condition, 1 replicate each: 1 run" in frozen.stdout
    (run,) = document(gss("run", study, "--json"))["data"]
    assert Run(run["run"]).origin.assignment.frozen in frozen.stdout


def test_freezing_another_design_over_it_is_refused(gss: Gss, study: Path) -> None:
    gss("freeze", study)
    assert "frozen there before" in gss("freeze", study).stdout
    result = gss("freeze", study, "--set", "stop.turns=4")
    assert (result.exit_code, "another design was frozen there" in result.stderr) == (2, True)


@pytest.mark.parametrize("jobs", ["1", "2"])
def test_ctrl_c_stops_every_run_in_good_order_and_the_same_command_finishes(
    gss: Gss, start: Start, design: Path, jobs: str
) -> None:
    slow = ["--set", "model.latency=0.02", "--set", "stop.turns=30"]
    process = start("run", design, "--json", "--jobs", jobs, *slow)
    while not [path for path in Path("runs").glob("*.sqlite") if _turns(path) > 1]:
        assert process.poll() is None
        time.sleep(0.02)
    process.send_signal(signal.SIGINT)
    told = json.loads(process.communicate()[0])
    assert (process.returncode, told["error"]["code"]) == (130, "interrupted")
    assert {run["status"] for run in told["data"]} <= {"interrupted", "finished", "not begun"}
    assert "interrupted" in {run["status"] for run in told["data"]}
    assert {run["status"] for run in document(gss("run", design, "--json", *slow))["data"]} == {"finished"}


def _turns(path: Path) -> int:
    try:
        with Run(path) as run:
            return run.turns
    except RecordError:
        return 0

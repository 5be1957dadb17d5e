"""`gss verify`, `gss replay` and `gss export`."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.unit.cli.conftest import Gss, document

from genai_social_sim import Run

Change = Callable[[Path, str], None]


def test_an_untouched_record_is_intact_and_replays(gss: Gss, record: Path) -> None:
    for command in ("verify", "replay"):
        result = gss(command, record)
        assert (result.exit_code, Run(record).digest in result.stdout) == (0, True)
        told = document(gss(command, record, "--json"))
        assert (told["ok"], told["data"]["ok"], told["data"]["digest"]) == (True, True, Run(record).digest)


def test_verify_names_the_event_that_was_changed(gss: Gss, record: Path, change: Change) -> None:
    change(record, "UPDATE events SET body = replace(body, 'ADA', 'BO') WHERE seq = 4")
    result = gss("verify", record)
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr.startswith("error: event 4 ")
    told = gss("verify", record, "--json")
    assert (told.exit_code, document(told)["ok"], document(told)["data"]["event"]) == (1, False, 4)


def test_a_replay_that_differs_names_the_difference(gss: Gss, record: Path, change: Change) -> None:
    change(record, "UPDATE head SET digest = zeroblob(32)")
    result = gss("replay", record)
    assert (result.exit_code, "digest differs" in result.stderr) == (1, True)
    assert document(gss("replay", record, "--json"))["data"]["ok"] is False


@pytest.mark.parametrize("command", ["verify", "replay", "show", "observe", "resume"])
def test_what_is_no_record_is_refused(gss: Gss, study: Path, command: str) -> None:
    result = gss(command, study)
    assert (result.exit_code, "no run file" in result.stderr) == (1, True)


@pytest.mark.parametrize("form", ["csv", "jsonl", "parquet"])
def test_export_writes_tables_with_a_codebook(gss: Gss, record: Path, form: str) -> None:
    told = document(gss("export", record, "--to", form, "--out", "tables", "--json"))["data"]
    names = {Path(file).name: Path(file).stat().st_size for file in told["files"]}
    assert names[f"utterances.{form}"] > 0
    assert {f"utterances.{form}", f"calls.{form}", "codebook.md"} <= names.keys()
    assert ("chat_export.csv" in names) == (form == "csv")


def test_export_takes_several_runs_and_each_once(gss: Gss, study: Path, record: Path) -> None:
    other = document(gss("run", study, "--seed", "8", "--json"))["data"][0]["run"]
    result = gss("export", record, other, record, "--to", "jsonl")
    assert result.stdout.startswith("2 runs written to export:")
    rows = [json.loads(line) for line in Path("export/runs.jsonl").read_text(encoding="utf-8").splitlines()]
    assert [row["seed"] for row in rows] == [7, 8]


def test_export_without_a_form_says_which_there_are(gss: Gss, record: Path) -> None:
    result = gss("export", record)
    assert result.exit_code == 2
    assert all(form in result.stderr for form in ("csv", "jsonl", "parquet"))

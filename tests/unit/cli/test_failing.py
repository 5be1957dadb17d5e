"""Whatever goes wrong: no traceback, and output that nobody takes harms nothing."""

import subprocess
from pathlib import Path

import pytest
from tests.unit.cli.conftest import GSS, Gss, Start, document

from genai_social_sim.cli import glance


def broken(path: Path) -> None:
    raise KeyError("a \x1b[31mbug")


def test_a_bug_is_one_clear_line_a_file_with_details_and_how_to_report_it(
    gss: Gss, record: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(glance, "glance", broken)
    result = gss("show", record)
    what, where, remedy = result.stderr.splitlines()
    assert (result.exit_code, "KeyError" in what, "report" in remedy) == (1, True, True)
    assert "\x1b" not in result.stderr
    assert "Traceback" in Path(where.removeprefix("where: ")).read_text(encoding="utf-8")
    assert document(gss("show", record, "--json"))["error"]["code"] == "unexpected"


def test_the_traceback_is_there_for_who_wants_it(gss: Gss, record: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(glance, "glance", broken)
    monkeypatch.setenv("GSS_DEBUG", "1")
    assert "Traceback" in gss("show", record).stderr


def test_names_in_errors_are_shown_and_not_obeyed(gss: Gss) -> None:
    assert "\x1b" not in gss("run", "evil\x1b[31m\u202e.yaml").stderr


@pytest.mark.parametrize("command", ["run", "observe", "show"])
def test_who_stops_reading_harms_nothing(command: str, study: Path, record: Path) -> None:
    words = ["run", str(study), "--again"] if command == "run" else [command, str(record)]
    with subprocess.Popen([*GSS, *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        process.stdout.close()
        assert process.stderr is not None
        assert (process.stderr.read(), process.wait(timeout=60)) == ("", 0)


def test_a_run_is_finished_although_nobody_reads(start: Start, study: Path) -> None:
    process = start("run", study)
    assert process.stdout is not None
    process.stdout.close()
    assert process.wait(timeout=60) == 0
    (path,) = Path("runs").glob("*.sqlite")
    assert '"finished"' in start("verify", path, "--json").communicate(timeout=60)[0]


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="a file of Linux")
def test_a_full_disk_under_the_output_is_said(study: Path) -> None:
    with Path("/dev/full").open("w", encoding="utf-8") as full:
        done = subprocess.run([*GSS, "run", study], stdout=full, stderr=subprocess.PIPE, text=True, check=False)
    assert (done.returncode, "gss observe" in done.stderr, "Traceback" in done.stderr) == (1, True, False)


def test_closed_streams_harm_nothing(study: Path) -> None:
    command = f"exec {' '.join(GSS)} run {study} >&- 2>&-"
    assert subprocess.run(["/bin/sh", "-c", command], check=False).returncode == 0


def test_an_encoding_that_knows_few_characters_is_no_obstacle(start: Start, study: Path) -> None:
    text = study.read_text(encoding="utf-8").replace("Begin.", "\u65e5\u672c \u202e")
    study.write_text(text, encoding="utf-8")
    out, _ = start("run", study, env={"PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0"}).communicate(timeout=60)
    assert "system: \\u65e5\\u672c" in out

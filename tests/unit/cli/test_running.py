"""`gss run` and `gss resume`."""

import json
import re
from pathlib import Path

import pytest
from tests.support.brokers import BrokerServer
from tests.unit.cli.conftest import Gss, document

from genai_social_sim import Run, Study


def test_a_run_prints_the_conversation_and_what_to_try_next(gss: Gss, study: Path) -> None:
    result = gss("run", study)
    assert result.exit_code == 0
    assert re.search(r"^ADA: \w", result.stdout, re.MULTILINE)
    (path,) = Path("runs").glob("*.sqlite")
    with Run(path) as run:
        assert run.digest in result.stdout
    for step in (f"gss show {path}", f"--turn {5}", f"gss replay {path}", f"gss export {path} --to csv"):
        assert step in result.stdout


def test_a_finished_run_is_left_as_it_is(gss: Gss, study: Path, record: Path) -> None:
    before = record.read_bytes()
    result = gss("run", study)
    assert (result.exit_code, record.read_bytes()) == (0, before)
    assert "finished already" in result.stdout
    assert "--again" in result.stdout
    assert "ADA:" not in result.stdout


def test_again_plays_it_in_a_new_record_to_the_same_digest(gss: Gss, study: Path, record: Path) -> None:
    (told,) = document(gss("run", study, "--again", "--json"))["data"]
    assert Path(told["run"]) != record
    assert told["digest"] == Run(record).digest


def test_json_is_one_document_with_an_object_a_run(gss: Gss, study: Path) -> None:
    result = gss("run", study, "--json", "--seed", "3", "--set", "stop.turns=4", "--runs", "elsewhere")
    told = document(result)
    assert (told["ok"], told["warnings"]) == (True, [])
    (run,) = told["data"]
    assert list(run) == ["run", "condition", "replicate", "seed", "status", "turns", "digest"]
    assert (run["condition"], run["replicate"], run["seed"], run["status"], run["turns"]) == ("", 0, 3, "finished", 4)
    assert Run(run["run"]).digest == run["digest"]
    assert Path(run["run"]).parent == Path("elsewhere")


def test_json_says_when_a_run_was_finished_before(gss: Gss, study: Path, record: Path) -> None:
    told = document(gss("run", study, "--json"))
    assert told["data"][0]["run"] == str(record)
    assert "--again" in told["warnings"][0]


def test_quiet_prints_the_end_alone(gss: Gss, study: Path) -> None:
    result = gss("run", study, "--quiet")
    assert "ADA:" not in result.stdout
    assert "digest" in result.stdout


def test_a_name_stands_in_each_line_of_several_channels(gss: Gss, study: Path) -> None:
    text = study.read_text(encoding="utf-8").replace("stop:", "  side: {opening: {text: Psst.}}\nstop:")
    study.write_text(text, encoding="utf-8")
    assert re.search(r"^\[side\] ADA: ", gss("run", study).stdout, re.MULTILINE)


def test_failures_and_silences_are_marked_with_their_cause(gss: Gss, study: Path) -> None:
    changes = ["--set", "model.faults={error: 0.5, empty: 0.2}", "--set", "timeouts={attempts: 2, backoff: 1 ms}"]
    result = gss("run", study, *changes, "--set", "stop.turns=20")
    assert re.search(r"^-- turn \d+, attempt 1 failed: the model failed \(a scripted fault\)", result.stdout, re.M)
    assert re.search(r"^-- (ADA|BO) said nothing: its answer was empty \(turn \d+\)$", result.stdout, re.M)
    assert re.search(r"^finished +20 turns, [1-9]\d* silences, [1-9]\d* failed attempts", result.stdout, re.M)


def test_a_study_that_stops_on_failure_says_how_it_goes_on(gss: Gss, study: Path) -> None:
    result = gss(
        "run", study, "--set", "model.faults={error: 1}", "--set", "timeouts={on_failure: stop, backoff: 1 ms}"
    )
    (path,) = Path("runs").glob("*.sqlite")
    assert result.exit_code == 1
    what, where, remedy = result.stderr.splitlines()
    assert what.startswith("error: turn 0 of ADA failed")
    assert (where, f"gss resume {path}" in remedy) == (f"where: {path}", True)


@pytest.mark.parametrize(
    ("words", "where"),
    [
        (["run"], "gss run"),
        (["run", "study.yaml", "--frob"], "gss run"),
        (["run", "nowhere.yaml"], "nowhere.yaml"),
        (["run", "."], "."),
        (["run", "study.yaml", "--set", "stop.turn=3"], ""),
        (["run", "study.yaml", "--seed", "many"], "gss run"),
        (["frob"], "gss"),
        (["resume", "nowhere.sqlite"], "nowhere.sqlite"),
    ],
)
def test_a_wrong_request_is_refused_in_words_and_in_json(gss: Gss, study: Path, words: list[str], where: str) -> None:
    result = gss(*words)
    assert (result.exit_code, result.stdout) == (2, "")
    assert 2 <= len(result.stderr.splitlines()) <= 3
    told = gss(*words, "--json")
    error = document(told)
    assert (told.exit_code, told.stderr, error["ok"]) == (2, "", False)
    assert list(error["error"]) == ["code", "message", "where", "remedy"]
    assert error["error"]["where"] == where or where == ""
    assert error["error"]["remedy"]


def test_an_unknown_command_names_a_near_one(gss: Gss) -> None:
    assert "did you mean `gss verify`" in gss("verfy").stderr


def test_a_run_file_that_is_not_there_names_near_ones(gss: Gss, record: Path) -> None:
    result = gss("show", "talk")
    assert (result.exit_code, str(record) in result.stderr) == (2, True)


def test_resume_leaves_a_finished_run_alone(gss: Gss, record: Path) -> None:
    result = gss("resume", record)
    assert (result.exit_code, "finished already" in result.stdout) == (0, True)


def test_a_resumed_run_keeps_to_the_budget_that_it_is_given(gss: Gss, study: Path) -> None:
    assert gss("run", study, "--set", "budget.tokens=1", "--quiet").exit_code == 130
    (path,) = Path("runs").glob("*.sqlite")
    again = gss("resume", path, "--budget", "tokens=2", "--quiet")
    assert (again.exit_code, "had a budget" in again.stderr) == (130, False)
    done = gss("resume", path, "--quiet")
    assert (done.exit_code, f"gss resume {path} --budget tokens=2" in done.stderr) == (0, True)


@pytest.mark.parametrize("words", ["tokens", "tokens=", "tokens=-1", "time=soon", "beer=2"])
def test_a_budget_that_is_none_is_refused(gss: Gss, record: Path, words: str) -> None:
    result = gss("resume", record, "--budget", words)
    assert (result.exit_code, "tokens=1000000, time=2h or cost=5" in result.stderr) == (2, True)


def test_a_run_that_failed_goes_on(gss: Gss, study: Path) -> None:
    stops = ["--set", "model.faults={error: 0.4}", "--set", "timeouts={on_failure: stop, attempts: 1}"]
    results = [gss("run", study, *stops, "--json")]
    while results[-1].exit_code and len(results) < 50:
        (path,) = Path("runs").glob("*.sqlite")
        results.append(gss("resume", path, "--json"))
    assert len(results) > 1
    assert document(results[-1])["data"][0]["turns"] == 6
    assert gss("replay", path).exit_code == 0


def test_what_a_record_of_a_python_function_needs_is_said(gss: Gss, study: Path) -> None:
    text = study.read_text(encoding="utf-8").replace("words: 8", "function: f")
    study.write_text(text, encoding="utf-8")
    result = gss("run", study, "--json")
    error = document(result)["error"]
    assert (result.exit_code, "'f'" in error["message"], "Python" in error["remedy"]) == (2, True, True)


def test_the_same_study_from_python_and_from_the_command_line_is_the_same_run(gss: Gss, study: Path) -> None:
    digest = Study.load(study).run(runs="python").digest
    assert json.loads(gss("run", study, "--json").stdout)["data"][0]["digest"] == digest


def test_a_run_and_its_mirror_come_to_the_same_digest_and_nothing_is_missing(
    gss: Gss, study: Path, record: Path, kafka: BrokerServer
) -> None:
    result = gss("run", study, "--again", "--mirror", f"{kafka.url}/society", "--json")
    assert document(result)["data"][0]["digest"] == Run(record).digest
    assert result.stderr == ""


def test_a_mirror_that_was_never_there_changes_nothing_and_is_told(gss: Gss, study: Path, record: Path) -> None:
    result = gss("run", study, "--again", "--mirror", "kafka://127.0.0.1:1/society", "--json")
    assert (result.exit_code, document(result)["data"][0]["digest"]) == (0, Run(record).digest)
    assert re.search(r"warning: \d+ events did not reach the mirror \(.*refused.*\)", result.stderr)


def test_a_mirror_without_a_topic_is_refused_before_anything_is_recorded(gss: Gss, study: Path) -> None:
    result = gss("run", study, "--mirror", "kafka://127.0.0.1:9092")
    assert result.exit_code == 2
    assert "kafka://HOST:PORT/TOPIC" in result.stderr
    assert not list(Path().glob("runs/*.sqlite"))

"""`gss observe` and `gss show`."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.unit.cli.conftest import SCRIPTED, Gss, Start, document

from genai_social_sim import Run, Study
from genai_social_sim.errors import RecordError
from genai_social_sim.eventlog import lock

PASSES = "words: 8, faults: {error: 0.3, empty: 0.2}"


def test_observe_prints_what_the_run_printed(gss: Gss, study: Path) -> None:
    live = gss("run", study).stdout
    (path,) = Path("runs").glob("*.sqlite")
    assert live.startswith(gss("observe", path).stdout)


def test_observe_as_json_lines_ends_with_the_envelope(gss: Gss, record: Path) -> None:
    *events, last = [json.loads(line) for line in gss("observe", record, "--json").stdout.splitlines()]
    assert [event["seq"] for event in events] == list(range(len(events)))
    assert {"run_started", "opened", "answered", "spoke", "run_ended"} <= {event["kind"] for event in events}
    assert last["data"]["digest"] == Run(record).digest


def test_follow_prints_a_run_as_it_is_played_and_ends_with_it(start: Start) -> None:
    Path("slow.yaml").write_text(SCRIPTED.replace("words: 8", "words: 8, latency: 0.02"), encoding="utf-8")
    playing = start("run", "slow.yaml")
    assert playing.stdout is not None
    head = playing.stdout.readline()
    (path,) = Path("runs").glob("*.sqlite")
    watching = start("observe", path, "--follow")
    seen, _ = watching.communicate(timeout=60)
    assert (head + playing.stdout.read()).startswith(seen)
    assert seen.splitlines()[-1] == "-- the end: 6 turns"
    assert watching.returncode == 0


@pytest.fixture
def killed(start: Start) -> Path:
    """The record of a run that was killed in the midst of it."""
    Path("slow.yaml").write_text(SCRIPTED.replace("words: 8", "words: 8, latency: [0, 60]"), encoding="utf-8")
    playing = start("run", "slow.yaml", "--json")
    path = Study.load("slow.yaml").record_path()
    while not (path.exists() and path.stat().st_size) or not _has_begun(path):
        assert playing.poll() is None
    assert Run(path).status == "running"
    playing.kill()
    playing.communicate()
    return path


def _has_begun(path: Path) -> bool:
    try:
        return Run(path).status == "running"
    except RecordError:
        return False


def test_a_killed_run_is_not_taken_for_a_running_one(gss: Gss, killed: Path) -> None:
    assert (Run(killed).status, document(gss("show", killed, "--json"))["data"]["status"]) == ("killed", "killed")
    assert "interrupted (killed" in gss("show", killed).stdout
    assert (
        json.loads(gss("observe", killed, "--follow", "--json").stdout.splitlines()[-1])["data"]["status"] == "killed"
    )
    assert Run(killed).table("runs").rows()[0]["status"] == "killed"


def test_who_cannot_see_the_lock_cannot_tell(killed: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lock, "gettempdir", lambda: str(killed.parent))
    assert Run(killed).status == "running or killed"


def test_follow_of_a_finished_run_ends(gss: Gss, record: Path) -> None:
    assert gss("observe", record, "--follow").stdout == gss("observe", record).stdout


def test_show_tells_a_run_at_a_glance(gss: Gss, record: Path) -> None:
    text = gss("show", record).stdout
    for words in (
        "talk, seed 7",
        "finished after 6 turns",
        "ADA (scripted",
        "general: ADA, BO; round_robin",
        "6: 6 utt",
    ):
        assert words in text
    assert Run(record).digest in text
    assert text.count("\nADA: ") + text.count("\nBO: ") == 5


def test_show_counts_silences_failures_and_retries(gss: Gss, study: Path) -> None:
    study.write_text(SCRIPTED.replace("words: 8", PASSES).replace("turns: 6", "turns: 40"), encoding="utf-8")
    changes = ["--set", "timeouts={attempts: 2, backoff: 1 ms}"]
    path = document(gss("run", study, "--json", *changes))["data"][0]["run"]
    told = document(gss("show", path, "--json"))["data"]
    events = [recorded.event for recorded in Run(path).events()]
    kinds = [type(event).__name__ for event in events]
    assert told["utterances"] == kinds.count("Spoke")
    assert sum(told["silences"].values()) == kinds.count("FellSilent") > 0
    assert told["failed_attempts"] == kinds.count("AttemptFailed") > told["retries"] > 0
    assert told["tokens"] == sum(getattr(event, "tokens", 0) for event in events)


def test_show_of_a_turn_holds_exactly_what_was_sent(gss: Gss, record: Path) -> None:
    told = document(gss("show", record, "--turn", 3, "--json"))["data"]
    prompt = Run(record).prompt(3)
    assert prompt is not None
    assert [(message["role"], message["content"]) for message in told["prompt"]] == prompt.chat()
    assert (told["prompt_hash"], told["prompt_checks"]) == (prompt.digest.hex(), True)
    assert told["attempts"][0]["raw"] == told["outcome"]["text"]
    text = gss("show", record, "--turn", 3).stdout
    for words in ("message 1: system", "| You are BO. A miner.", "it checks", "temperature  0.7", f"{told['seed']}"):
        assert words in text


def test_show_marks_what_was_cut_off_an_answer(gss: Gss, recorded: Callable[..., Path]) -> None:
    path = recorded(lambda request: "  Mine.\nBO: Yours!\n")
    lines = gss("show", path, "--turn", 0).stdout.splitlines()
    at = lines.index('x (white space: "  ")')
    assert lines[at : at + 4] == ['x (white space: "  ")', "| Mine.", "x ", "x BO: Yours!"]


def test_a_prompt_that_does_not_match_its_hash_is_found(gss: Gss, record: Path, change: Callable[..., None]) -> None:
    change(
        record,
        "UPDATE events SET prompt = (SELECT prompt FROM events WHERE turn = 1 AND prompt NOT NULL) WHERE turn = 3",
    )
    result = gss("show", record, "--turn", 3)
    assert (result.exit_code, "IT DOES NOT CHECK" in result.stdout) == (1, True)
    assert "gss verify" in result.stderr


@pytest.mark.parametrize("words", [["--turn", "99"], ["--turn", "99", "--json"]])
def test_a_turn_that_is_not_there_is_said_to_be_missing(gss: Gss, record: Path, words: list[str]) -> None:
    result = gss("show", record, *words)
    assert (result.exit_code, "no turn 99" in result.output) == (1, True)


@pytest.fixture
def recorded() -> Callable[..., Path]:
    """The record of a run whose agents say what a function says."""

    def play(function: Callable[..., Any], **settings: Any) -> Path:
        text = SCRIPTED.replace("words: 8", "function: say")
        run = Study.parse(text).run(functions={"say": function}, **settings)
        run.close()
        return run.path

    return play


ASKING = """
name: asking
model: {backend: scripted, answers: ["1", "0"]}
agents: [{name: ADA}, {name: BO}]
channels: {hall: {}}
probes: [{name: stance, at: [turn 1, end], scale: [0, 1], text: "Where do you stand?"}]
interventions: [{at: turn 1, kind: mute, agents: [BO]}]
stop: {turns: 2}
"""


@pytest.fixture
def asked(tmp_path: Path) -> Path:
    """A record in which agents were asked aside."""
    return Study.parse(ASKING).run(runs=tmp_path).path


def test_what_was_asked_aside_is_no_part_of_the_turn_after_it(gss: Gss, asked: Path) -> None:
    told = document(gss("show", asked, "--turn", 1, "--json"))["data"]
    assert (told["agent"], told["probe"], told["attempts"]) == ("BO", None, [])
    assert told["outcome"]["cause"] == "muted"
    result = gss("show", asked, "--turn", 2)
    assert (result.exit_code, "no turn 2" in result.stderr) == (1, True)


def test_a_question_aside_is_shown_with_its_prompt_and_answer(gss: Gss, asked: Path) -> None:
    told = document(gss("show", asked, "--turn", 2, "--probe", "stance", "--agent", "ADA", "--json"))["data"]
    assert "Where do you stand?" in json.dumps(told["prompt"])
    assert (told["prompt_checks"], told["outcome"]["kind"]) == (True, "probed")
    assert told["outcome"]["choice"] == told["attempts"][0]["raw"]
    text = gss("show", asked, "--turn", 1, "--probe", "stance", "--agent", "BO").stdout
    assert text.startswith("stance, before turn 1: BO in hall")


def test_a_question_that_was_not_asked_is_refused_with_those_that_were(gss: Gss, asked: Path) -> None:
    result = gss("show", asked, "--turn", 0, "--probe", "stance", "--agent", "ADA")
    assert result.exit_code == 1
    assert "It was asked: stance before turn 1, stance before turn 2." in result.stderr


@pytest.mark.parametrize("words", [["--probe", "p"], ["--turn", "1", "--agent", "ADA"]])
def test_half_of_a_question_aside_is_refused(gss: Gss, asked: Path, words: list[str]) -> None:
    result = gss("show", asked, *words)
    assert (result.exit_code, "go together" in result.stderr) == (2, True)


def test_the_run_at_a_glance_counts_what_was_asked_aside_and_changed(gss: Gss, asked: Path) -> None:
    assert "4 answers to probes, 1 intervention" in gss("show", asked).stdout
    told = document(gss("show", asked, "--json"))["data"]
    assert (told["probed"], told["intervened"]) == (4, 1)

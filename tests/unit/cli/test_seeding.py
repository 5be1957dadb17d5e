"""`gss run --wait` and `gss seed`, in two processes, with and without a broker; and what goes over its channels."""

import json
import signal
from pathlib import Path
from subprocess import Popen

import pytest
import redis
from tests.support.brokers import BrokerServer
from tests.unit.cli.conftest import SCRIPTED, Gss, Start, document

from genai_social_sim import Run, Study

SILENT = SCRIPTED.replace('general: {opening: {text: "Begin."}}', "general: {}")
BEGIN = ("seed", "general", "--text", "Begin.", "--json")


@pytest.fixture
def silent(folder: Path) -> Path:
    path = folder / "silent.yaml"
    path.write_text(SILENT, encoding="utf-8")
    return path


@pytest.fixture(params=["folder", "broker"])
def at(request: pytest.FixtureRequest) -> tuple[str, ...]:
    """Where openings are handed over, as options."""
    if request.param == "folder":
        return ()
    valkey: BrokerServer = request.getfixturevalue("valkey")
    return ("--broker", valkey.url)


def until(process: "Popen[str]", words: str) -> str:
    """What a process prints up to a line with `words`."""
    assert process.stdout is not None
    said = ""
    for line in process.stdout:
        said += line
        if words in line:
            return said
    raise AssertionError(f"it never said {words!r}, but: {said}")


def test_a_waiting_run_begins_with_the_opening_that_comes(
    gss: Gss, start: Start, silent: Path, at: tuple[str, ...]
) -> None:
    waiting = start("run", silent, "--wait", *at)
    until(waiting, "gss seed general")
    told = document(gss(*BEGIN, *at))["data"]
    assert told == {"channel": "general", "waiting": 1, "kept": False, "replaced": False}
    said = until(waiting, "digest")
    assert "\nsystem: Begin.\nADA: " in said
    assert waiting.wait(30) == 0


def test_an_opening_that_comes_first_is_kept_and_it_is_the_same_run_as_one_that_has_it_in_its_study(
    gss: Gss, silent: Path, study: Path, at: tuple[str, ...]
) -> None:
    told = document(gss(*BEGIN, *at))["data"]
    assert told == {"channel": "general", "waiting": 0, "kept": True, "replaced": False}
    waited = gss("run", silent, "--wait", "--quiet", *at)
    assert waited.exit_code == 0
    digest = Study.load(study).run(runs="others").digest
    assert digest in waited.stdout
    (path,) = Path("runs").glob("*.sqlite")
    with Run(path) as run:
        assert run.replay().ok
        assert run.verify().ok
    assert not Path("runs/openings").exists()


def test_interrupted_while_it_waits_it_leaves_nothing_behind(
    gss: Gss, start: Start, silent: Path, at: tuple[str, ...]
) -> None:
    waiting = start("run", silent, "--wait", *at)
    until(waiting, "gss seed general")
    waiting.send_signal(signal.SIGINT)
    assert waiting.wait(30) == 130
    assert waiting.stderr is not None
    assert "nothing was recorded" in waiting.stderr.read()
    assert [path for path in Path("runs").rglob("*") if path.is_file()] == []
    assert document(gss(*BEGIN, *at))["data"]["waiting"] == 0


def test_killed_while_it_waits_nobody_takes_it_for_waiting(
    gss: Gss, start: Start, silent: Path, at: tuple[str, ...]
) -> None:
    waiting = start("run", silent, "--wait", *at)
    until(waiting, "gss seed general")
    waiting.kill()
    waiting.wait(30)
    while document(gss(*BEGIN, *at))["data"]["waiting"]:
        pass  # a broker needs a moment to see that a connection is gone
    assert gss("run", silent, "--wait", *at).exit_code == 0


def test_killed_after_the_opening_came_it_goes_on_without_another(
    gss: Gss, start: Start, silent: Path, study: Path, at: tuple[str, ...]
) -> None:
    gss(*BEGIN, *at)
    slow = ("--set", "model.latency=0.2")
    running = start("run", silent, "--wait", *slow, *at)
    until(running, "BO: ")
    running.kill()
    running.wait(30)
    done = gss("run", silent, "--wait", *slow, *at)
    assert "going on at turn" in done.stdout
    assert Study.load(study, changes=slow[1:]).run(runs="others").digest in done.stdout


def test_it_waits_for_each_channel_and_what_came_for_one_is_put_back_if_it_is_interrupted(
    gss: Gss, start: Start, silent: Path, at: tuple[str, ...]
) -> None:
    silent.write_text(SILENT.replace("general: {}", "general: {}\n  yard: {}"), encoding="utf-8")
    gss(*BEGIN, *at)
    waiting = start("run", silent, "--wait", *at)
    until(waiting, "still to come: yard")
    waiting.send_signal(signal.SIGINT)
    assert waiting.wait(30) == 130
    gss("seed", "yard", "--text", "Outside.", *at)
    assert "[general] system: Begin.\n[yard] system: Outside.\n" in gss("run", silent, "--wait", *at).stdout


def test_an_opening_that_the_study_refuses_is_left_out_and_the_run_waits_on(
    gss: Gss, start: Start, silent: Path, at: tuple[str, ...]
) -> None:
    waiting = start("run", silent, "--wait", *at)
    until(waiting, "gss seed general")
    gss(*BEGIN, "--from", "Ada", *at)
    assert "Ada" in until(waiting, "is left out")
    gss(*BEGIN, *at)
    assert "system: Begin." in until(waiting, "digest")


def test_if_the_run_cannot_begin_the_opening_is_not_lost(gss: Gss, silent: Path, at: tuple[str, ...]) -> None:
    gss(*BEGIN, *at)
    Path("runs").mkdir(exist_ok=True)
    plan = Study.load(silent)
    silent.write_text(SILENT.replace("words: 8", "function: nobody_gave_it"), encoding="utf-8")
    assert gss("run", silent, "--wait", *at).exit_code != 0
    silent.write_text(SILENT, encoding="utf-8")
    assert plan.unopened == ("general",)
    assert "system: Begin." in gss("run", silent, "--wait", *at).stdout


def test_the_originals_file_names_channel_speaker_and_text(gss: Gss, silent: Path, at: tuple[str, ...]) -> None:
    Path("seed.yaml").write_text("channel: general\nmessage: {from: chair, body: Begin.}\nextra: 1\n", encoding="utf-8")
    told = document(gss("seed", "--file", "seed.yaml", "--json", *at))
    assert told["data"]["channel"] == "general"
    assert "seed.yaml:3:1: extra: left out" in told["warnings"][0]
    assert "chair: Begin." in gss("run", silent, "--wait", *at).stdout


@pytest.mark.parametrize(
    ("words", "advice"),
    [
        (["general"], "--text"),
        (["--text", "Begin."], "CHANNEL"),
        (["silent.yaml", "--text", "Begin."], "name its channel"),
        (["general", "--text", " "], "empty"),
        (["a:b", "--text", "Begin."], "colon"),
        (["general", "--text", "Begin.", "--from", ""], "1 to 64"),
        (["general", "--text", "Begin.", "--file", "seed.yaml"], "either"),
        (["--file", "nothing.yaml"], "no such file"),
        (["general", "--text", "Begin.", "--broker", "nats://127.0.0.1"], "Redis or Valkey"),
    ],
)
def test_what_cannot_be_an_opening_is_refused(gss: Gss, silent: Path, words: list[str], advice: str) -> None:
    result = gss("seed", *words)
    assert result.exit_code == 2
    assert advice in result.stderr


@pytest.mark.parametrize(
    "command", [["seed", "general", "--text", "Hi."], ["run", "silent.yaml", "--wait"], ["observe"]]
)
def test_a_broker_that_is_not_there_is_one_clear_error(gss: Gss, silent: Path, command: list[str]) -> None:
    result = gss(*command, "--broker", "redis://127.0.0.1:1")
    assert result.exit_code == 1
    assert "the broker does not answer" in result.stderr
    assert "gss doctor" in result.stderr
    assert not list(Path().rglob("*.sqlite"))


def test_a_study_that_has_its_openings_has_nothing_to_wait_for(gss: Gss, study: Path) -> None:
    result = gss("run", study, "--wait")
    assert result.exit_code == 2
    assert "gss run" in result.stderr


def test_the_originals_own_seed_is_taken_up_and_what_other_runs_say_is_not(
    start: Start, silent: Path, valkey: BrokerServer
) -> None:
    client = redis.Redis(port=valkey.port)
    waiting = start("run", silent, "--wait", "--broker", valkey.url)
    until(waiting, "gss seed general")
    client.publish("general", json.dumps({"from": "ADA", "message": "of another run", "run": "other", "turn": 3}))
    client.publish("general", "no message")
    client.publish("general", json.dumps({"from": "system", "message": "Begin."}))
    assert "no message" in (said := until(waiting, "digest"))
    assert "\nsystem: Begin.\nADA: " in said
    client.close()


def test_what_is_said_is_seen_by_observers_of_the_channel(
    gss: Gss, start: Start, study: Path, valkey: BrokerServer
) -> None:
    watching = start("observe", "general", "--broker", valkey.url)
    until(watching, "listening to general")
    assert gss("run", study, "--broker", valkey.url).exit_code == 0
    said = until(watching, "system: Begin.")
    for speaker in ("ADA", "BO") * 3:
        said += until(watching, f"{speaker}: ")
    (path,) = Path("runs").glob("*.sqlite")
    with Run(path) as run:
        assert said == run.transcript() + "\n"
    watching.send_signal(signal.SIGINT)
    assert watching.wait(30) == 130


def test_with_json_an_observer_prints_messages_as_they_came(start: Start, valkey: BrokerServer) -> None:
    client = redis.Redis(port=valkey.port)
    watching = start("observe", "general", "--broker", valkey.url, "--json")
    while not client.pubsub_numsub("general")[0][1]:
        pass
    client.publish("general", b'{"from": "BOT1", "message": "\\u001b[2J"}')
    client.publish("general", b"\x1b[2J")
    assert watching.stdout is not None
    message, malformed = [json.loads(watching.stdout.readline()) for _ in range(2)]
    assert (message["from"], message["message"], message["channel"]) == ("BOT1", "\x1b[2J", "general")
    assert malformed == {"channel": "general", "malformed": "it is not JSON", "begins": "\x1b[2J"}
    client.close()


def test_a_broker_that_is_away_changes_nothing_in_the_run_and_is_told(gss: Gss, study: Path) -> None:
    result = gss("run", study, "--quiet", "--broker", "redis://127.0.0.1:1")
    assert result.exit_code == 0
    assert "7 messages did not reach the broker" in result.stderr
    digest = Study.load(study).run(runs="others").digest
    assert digest in result.stdout


def test_without_a_broker_one_run_is_observed(gss: Gss) -> None:
    for words in ([], ["one", "two"]):
        result = gss("observe", *words)
        assert result.exit_code == 2
        assert "--broker" in result.stderr

"""Runs over a real broker, with workers as processes of their own: the same digest as in one process."""

import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.support.brokers import BROKERS, NARROW_NATS, BrokerServer, RabbitServer
from tests.support.crews import WorkerProcess, details, notices, over, study, study_text, undisturbed, workers

from genai_social_sim import Run, Study
from genai_social_sim.domain.events import Answered, AttemptFailed, SessionStarted
from genai_social_sim.engine.budget import Budget, BudgetError
from genai_social_sim.errors import OversizeError


@pytest.fixture(params=BROKERS)
def broker(request: pytest.FixtureRequest) -> BrokerServer:
    """Each broker in turn, running and empty."""
    server: BrokerServer = request.getfixturevalue(request.param)
    return server


def test_four_workers_come_to_the_digest_of_one_process(broker: BrokerServer, tmp_path: Path) -> None:
    with workers(broker.url, 4, arguments=["--slots", "1"]):
        run = study().run(runs=tmp_path, broker=over(broker.url))
    assert run.digest == undisturbed(tmp_path, study())
    assert run.verify().ok
    assert run.replay().ok
    answers = [recorded.event for recorded in run.events() if isinstance(recorded.event, Answered)]
    by = {json.loads(answer.notes.value)["worker"] for answer in answers}
    assert by <= {"w0", "w1", "w2", "w3"}
    assert len(by) > 1
    assert set(notices(run)) == {"worker_joined"}


def test_what_is_asked_aside_comes_to_the_digest_of_one_process(broker: BrokerServer, tmp_path: Path) -> None:
    plan = "probes: [{name: stance, at: [start, end], every: 6 turns, text: Well?}]\n"
    asking = Study.parse(study_text(turns=24) + plan)
    with workers(broker.url, 2, arguments=["--slots", "2"]):
        run = asking.run(runs=tmp_path, broker=over(broker.url))
    assert run.digest == undisturbed(tmp_path, asking)
    assert run.replay().ok
    assert len(run.probes) == 5 * len(run.study["agents"])
    assert set(notices(run)) == {"worker_joined"}


def test_the_record_says_what_answered_and_over_which_broker(broker: BrokerServer, tmp_path: Path) -> None:
    with workers(broker.url, 1):
        run = study(turns=5).run(
            runs=tmp_path, broker=broker.url.replace("://", "://default:@") if broker.scheme == "redis" else broker.url
        )
    (about,) = [json.loads(each.event.about.value) for each in run.events() if isinstance(each.event, SessionStarted)]
    assert about["models"][0]["backend"] == "scripted"
    assert (about["broker"]["url"], about["broker"]["epoch"]) == (broker.url, 1)
    assert '"words": 9' in details(run, "worker_joined")[0]


LONG = (
    "name: l\nmodel: {{{model}}}\nagents: [{{name: A, persona: {persona}}}]\nchannels: {{c: {{}}}}\nstop: {{turns: 2}}"
)


@pytest.fixture
def narrow(tmp_path: Path) -> Iterator[BrokerServer]:
    """A NATS that takes 32 KiB a message."""
    server = NARROW_NATS.server(tmp_path / "narrow")
    server.start()
    yield server
    server.kill()


def test_a_prompt_that_the_broker_does_not_take_ends_the_session_and_says_so(
    narrow: BrokerServer, tmp_path: Path
) -> None:
    long = Study.parse(LONG.format(model="backend: scripted, words: 3", persona="wordy " * 10_000))
    with workers(narrow.url, 1), pytest.raises(OversizeError, match=r"turn 0 is a message of .* takes 32,768 at most"):
        long.run(runs=tmp_path, broker=over(narrow.url))
    with Run(long.record_path(runs=tmp_path)) as run:
        assert (run.status, "broker_away" in notices(run)) == ("failed", False)
        run.resume()
        assert run.digest == undisturbed(tmp_path, long)


def test_an_answer_that_the_broker_does_not_take_is_a_recorded_failure(narrow: BrokerServer, tmp_path: Path) -> None:
    wordy = Study.parse(LONG.format(model="backend: scripted, words: 10000", persona="brief"))
    with workers(narrow.url, 1):
        run = wordy.run(runs=tmp_path, broker=over(narrow.url))
    failures = [each.event for each in run.events() if isinstance(each.event, AttemptFailed)]
    assert [failure.final for failure in failures] == [True, True]
    assert "its answer cannot be sent" in failures[0].detail.value


@pytest.mark.rabbitmq
def test_a_prompt_that_a_rabbitmq_does_not_take_ends_the_session_too(rabbitmq: RabbitServer, tmp_path: Path) -> None:
    long = Study.parse(LONG.format(model="backend: scripted, words: 3", persona="wordy " * 10_000))
    rabbitmq.control("eval", "application:set_env(rabbit, max_message_size, 30000).")
    try:
        with workers(rabbitmq.url, 1), pytest.raises(OversizeError, match="larger than the broker takes"):
            long.run(runs=tmp_path, broker=over(rabbitmq.url))
    finally:
        rabbitmq.control("eval", "application:set_env(rabbit, max_message_size, 134217728).")


def test_a_study_of_another_model_at_the_same_broker_is_served_too(valkey: BrokerServer, tmp_path: Path) -> None:
    other = Study.parse(
        "name: o\nmodel: {backend: scripted, words: 3}\nagents: [{name: A}]\nchannels: {c: {}}\nstop: {turns: 4}"
    )
    with workers(valkey.url, 1, arguments=["--slots", "1"]):
        for each in (study(turns=6), other):
            assert each.run(runs=tmp_path, broker=over(valkey.url)).digest == undisturbed(tmp_path, each)


def test_a_worker_that_is_told_to_leave_says_what_it_did_and_ends(valkey: BrokerServer, tmp_path: Path) -> None:
    worker = WorkerProcess(valkey.url, name="leaving")
    worker.heard("takes work")
    code, said = worker.stop(signal.SIGTERM)
    assert (code, "0 answers" in said) == (0, True)
    worker = WorkerProcess(valkey.url, name="interrupted")
    worker.heard("takes work")
    assert worker.stop(signal.SIGINT)[0] == 130


def test_a_run_that_goes_on_without_its_broker_and_its_budget_says_so(valkey: BrokerServer, tmp_path: Path) -> None:
    made = study(turns=12)
    with workers(valkey.url, 1), pytest.raises(BudgetError):
        made.run(runs=tmp_path, broker=over(valkey.url), budget=Budget(tokens=20))
    path = made.record_path(runs=tmp_path)
    command = [sys.executable, "-m", "genai_social_sim.cli", "resume", str(path), "--json"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    told = json.loads(done.stdout)
    (broker, budget) = told["warnings"]
    assert f"gss resume {path} --broker {valkey.url} --workers 0" in broker
    assert f"gss resume {path} --budget tokens=20" in budget
    assert broker in done.stderr
    assert told["data"][0]["digest"] == undisturbed(tmp_path, made)


@pytest.mark.parametrize("jobs", [1, 2])
def test_every_run_of_a_design_is_answered_by_workers(valkey: BrokerServer, tmp_path: Path, jobs: int) -> None:
    factors = "factors: {words: {path: model.words, values: [2, 9]}}\nreplicates: 2\n"
    design = Study.parse(study_text(turns=6) + factors)
    with workers(valkey.url, 2):
        runs = design.run_all(runs=tmp_path, jobs=jobs, broker=valkey.url)
    alone = design.run_all(runs=tmp_path / "alone")
    assert [run.digest for run in runs] == [run.digest for run in alone]
    assert len({run.digest for run in runs}) == 4
    for run in runs:
        answers = [each.event for each in run.events() if isinstance(each.event, Answered)]
        assert {json.loads(answer.notes.value).get("worker") for answer in answers} <= {"w0", "w1"}


def test_workers_of_this_machine_need_no_broker(tmp_path: Path) -> None:
    path = tmp_path / "study.yaml"
    text = study(turns=20).text
    path.write_text(text, encoding="utf-8")
    command = [sys.executable, "-m", "genai_social_sim.cli", "run", str(path), "--workers", "2", "--json"]
    done = subprocess.run([*command, "--runs", str(tmp_path / "runs")], capture_output=True, text=True, check=True)
    (told,) = json.loads(done.stdout)["data"]
    assert told["digest"] == undisturbed(tmp_path, Study.parse(text))

"""Whatever breaks between coordinator and workers, the run comes to the digest of the undisturbed one."""

import json
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from redis import Redis
from tests.support import newer, poison, sleeper
from tests.support.brokers import BROKERS, BrokerServer
from tests.support.crews import (
    LEASE_S,
    AtTurns,
    Whenever,
    WorkerProcess,
    details,
    notices,
    over,
    study,
    study_text,
    undisturbed,
    workers,
)
from tests.support.filling import fill
from tests.support.proxies import proxy
from tests.support.strangers import disturb

from genai_social_sim import Run, Study
from genai_social_sim.api import broker as broker_module
from genai_social_sim.backends import registry
from genai_social_sim.domain.events import Answered, AttemptFailed, Event, Noticed, SessionStarted
from genai_social_sim.ports import PROTOCOL
from genai_social_sim.workers.transports import open_transport

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(params=BROKERS)
def broker(request: pytest.FixtureRequest) -> BrokerServer:
    """Each broker in turn, running and empty."""
    server: BrokerServer = request.getfixturevalue(request.param)
    return server


@pytest.fixture(scope="module")
def expected(tmp_path_factory: pytest.TempPathFactory) -> str:
    return undisturbed(tmp_path_factory.mktemp("undisturbed"), study())


def played(url: str, folder: Path, *observers: object, **settings: Any) -> Run:
    """The disturbed run, checked: nothing doubled, nothing lost, nothing edited."""
    run = study().run(runs=folder, broker=over(url), observers=observers, **settings)
    assert run.verify().ok
    assert run.replay().ok
    assert left_at(url) == set()
    return run


def left_at(url: str) -> set[bytes]:
    """Names of runs at a Redis; a finished one leaves none."""
    if not url.startswith("redis"):
        return set()
    with Redis.from_url(url) as client:
        return {name for name in client.scan_iter("gss:{*") if b"nobody" not in name}


def of_second_delivery(event: Event) -> bool:
    return isinstance(event, Answered) and json.loads(event.notes.value).get("deliveries", 1) > 1


def test_a_worker_that_is_killed_in_the_middle_of_a_turn(broker: BrokerServer, tmp_path: Path, expected: str) -> None:
    with workers(broker.url, 3) as crew:
        run = played(broker.url, tmp_path, AtTurns(after_8=crew[0].kill, after_20=crew[1].kill))
    assert run.digest == expected


def test_all_workers_are_killed_and_new_ones_come(broker: BrokerServer, tmp_path: Path, expected: str) -> None:
    late: list[WorkerProcess] = []

    def replaced() -> None:
        for worker in crew:
            worker.kill()
        late.append(WorkerProcess(broker.url, name="late"))

    with workers(broker.url, 2) as crew:
        try:
            assert played(broker.url, tmp_path, AtTurns(after_15=replaced)).digest == expected
        finally:
            for worker in late:
                worker.kill()


def test_a_coordinator_that_is_killed_and_resumed(broker: BrokerServer, tmp_path: Path, expected: str) -> None:
    command = [
        sys.executable,
        "-m",
        "tests.scenarios.coordinator",
        str(tmp_path),
        study_text(),
        broker.url,
        str(LEASE_S),
    ]
    with workers(broker.url, 2):
        for answers in (10, 12):
            assert subprocess.run([*command, str(answers)], check=False, cwd=ROOT).returncode == -signal.SIGKILL
        run = played(broker.url, tmp_path)
    assert run.digest == expected
    assert len([each for each in run.events() if isinstance(each.event, SessionStarted)]) == 3
    asked = [each.event.turn for each in run.events() if isinstance(each.event, Answered)]
    assert len(asked) == len(set(asked))


def test_a_worker_that_sleeps_past_its_lease(broker: BrokerServer, tmp_path: Path, expected: str) -> None:
    """Two workers: the one that has its turn is stopped, too, until what the sleeper says of it is on the record."""
    asleep = tmp_path / "asleep"
    with workers(broker.url, 2, code=sleeper.code(asleep)) as crew:

        def send(*, to_sleeper: signal.Signals | None = None, to_other: signal.Signals) -> None:
            for worker in crew:
                number = to_sleeper if worker.pid == int(asleep.read_text()) else to_other
                if number is not None:
                    worker.send(number)

        woken = Whenever(
            lambda event: isinstance(event, Answered) and event.turn == sleeper.TURN,
            lambda: send(to_sleeper=signal.SIGCONT, to_other=signal.SIGSTOP),
        )
        joined = Whenever(
            lambda event: isinstance(event, Noticed) and (event.what, event.turn) == ("result_unused", sleeper.TURN),
            lambda: send(to_other=signal.SIGCONT),
        )
        run = played(broker.url, tmp_path, woken, joined)
    assert run.digest == expected
    assert any(map(of_second_delivery, (each.event for each in run.events())))
    assert any("answered already" in words for words in details(run, "result_unused"))


@pytest.mark.parametrize("wiped", [False, True])
def test_a_broker_that_is_restarted(broker: BrokerServer, tmp_path: Path, expected: str, *, wiped: bool) -> None:
    with workers(broker.url, 3):
        run = played(broker.url, tmp_path, AtTurns(after_15=lambda: broker.restart(wiped=wiped)))
    assert run.digest == expected


@pytest.mark.parametrize("seconds", [1.5, pytest.param(10.0, marks=pytest.mark.slow)])
def test_a_connection_that_is_cut_for_a_while(
    broker: BrokerServer, tmp_path: Path, expected: str, seconds: float
) -> None:
    with proxy(broker.port) as line, workers(broker.url_at(line.port), 2):
        url = broker.url_at(line.port)
        run = played(url, tmp_path, AtTurns(after_12=lambda: line.cut_for(seconds)))
    assert run.digest == expected
    assert {"broker_away", "broker_back"} <= set(notices(run))


def test_a_broker_that_hangs(broker: BrokerServer, tmp_path: Path, expected: str) -> None:
    with workers(broker.url, 2):
        paused = Whenever(lambda event: isinstance(event, Answered) and event.turn > 10, lambda: hang(broker, 1.0))
        assert played(broker.url, tmp_path, paused).digest == expected


def hang(broker: BrokerServer, seconds: float) -> None:
    import threading

    broker.pause()
    threading.Timer(seconds, broker.go_on).start()


def test_a_worker_that_is_told_to_leave_in_the_middle(valkey: BrokerServer, tmp_path: Path, expected: str) -> None:
    with workers(valkey.url, 2) as crew:
        run = played(valkey.url, tmp_path, AtTurns(after_8=lambda: crew[0].send(signal.SIGTERM)))
        assert not crew[0].is_alive(60)  # told once: a second signal would end it at once
        assert crew[0].stop()[0] == 0
    assert run.digest == expected
    events = [each.event for each in run.events()]
    assert not any(map(of_second_delivery, events)), "a turn was taken from a worker that was finishing it"
    assert "result_unused" not in notices(run)


def test_a_turn_that_kills_its_workers_ends_as_a_failure(
    broker: BrokerServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(registry, "BACKENDS", {**registry.BACKENDS, "poison": "tests.support.poison"})
    text = (
        "name: p\nmodel: {backend: poison}\nagents: [{name: Ada}, {name: Mallory}]\nchannels: {c: {}}\nstop: {turns: 3}"
    )
    with relay(broker.url) as crew:
        run = Study.parse(text).run(runs=tmp_path, broker=over(broker.url, lease_s=0.3))
        crew.clear()
    failures = [each.event for each in run.events() if isinstance(each.event, AttemptFailed)]
    assert [(each.turn, each.final) for each in failures] == [(1, True)]
    assert "given to 5 workers" in failures[0].detail.value
    assert run.turns == 3
    assert run.replay().ok


class relay:  # noqa: N801 (reads as what it does)
    """Workers of the poisonous backend, each replaced once it is dead, until `clear`."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._going = True

    def clear(self) -> None:
        self._going = False

    def __enter__(self) -> "relay":
        import threading

        self._thread = threading.Thread(target=self._run)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.clear()
        self._thread.join()

    def _run(self) -> None:
        while self._going:
            worker = WorkerProcess(self._url, name="victim", arguments=["--backend", "poison"], code=poison.CODE)
            while self._going and worker.is_alive(0.1):
                pass
            worker.kill()


def test_strangers_at_the_broker_change_nothing(broker: BrokerServer, tmp_path: Path, expected: str) -> None:
    with workers(broker.url, 2) as crew:
        run = played(broker.url, tmp_path, AtTurns(after_8=lambda: disturb(broker)))
        _, said = crew[0].stop()
    assert run.digest == expected
    dropped = details(run, "message_dropped")
    assert 5 <= len(dropped) <= 10
    assert any(f"new: it speaks version {PROTOCOL + 1} of the protocol" in words for words in dropped)
    assert "run nobody is not served: it speaks version 9 of the protocol (release 9.0)" in said


def test_a_worker_of_another_version_serves_nothing_and_says_why(
    broker: BrokerServer, tmp_path: Path, expected: str
) -> None:
    with workers(broker.url, 1), workers(broker.url, 1, code=newer.CODE) as (other,):
        run = played(broker.url, tmp_path)
        words = other.heard("is not served")
    assert run.digest == expected
    assert f"it speaks version {PROTOCOL} of the protocol" in words
    assert f"this release speaks version {PROTOCOL + 1}; install the same release" in words


def test_results_that_come_twice_and_in_another_order(
    broker: BrokerServer, tmp_path: Path, expected: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(broker_module, "open_transport", lambda url: Doubling(open_transport(url)))
    with workers(broker.url, 2):
        run = played(broker.url, tmp_path)
    assert run.digest == expected
    assert all("answered already" in words for words in details(run, "result_unused"))
    assert "result_unused" in notices(run)


class Doubling:
    """A broker that gives a coordinator everything twice, the second time in another order."""

    def __init__(self, given: Any) -> None:
        self._given = given

    def __getattr__(self, name: str) -> Any:
        return getattr(self._given, name)

    def coordinate(self, run: str) -> "Doubling":
        return Doubling(self._given.coordinate(run))

    async def receive(self, longest_s: float) -> list[Any]:
        arrivals = list(await self._given.receive(longest_s))
        return [*reversed(arrivals), *arrivals]


def test_a_broker_that_is_full(broker: BrokerServer, tmp_path: Path, expected: str) -> None:
    with workers(broker.url, 2):
        run = played(broker.url, tmp_path, AtTurns(after_12=lambda: fill(broker, 1.0)))
    assert run.digest == expected
    if broker.scheme != "amqp":  # RabbitMQ has publishers wait; who has nothing to send meanwhile notices nothing
        assert {"broker_away", "broker_back"} <= set(notices(run))
    if broker.scheme == "redis":
        assert any("maxmemory" in words for words in details(run, "broker_away"))

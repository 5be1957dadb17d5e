"""Runs over each broker while coordinator, workers and broker are killed, stopped and wiped at random.

python -m tests.scenarios.chaos [--broker valkey|nats|rabbitmq] [--runs N] [--turns N] [--seed S]

One thing is done after another, with pauses, and each once a further turn is on the record, or else 20 s after the
last: what a slow broker or a busy machine makes of time between them is work, not starts that are killed in turn. So
two things overlap only where the run goes on under the first; that a coordinator is killed again before its first turn
is rare. A run without a further turn for 300 s has failed. SIGTERM and SIGINT end all that was started.

Each run must come to the digest of the undisturbed one, with every turn recorded once and an intact chain; and the
calls that workers made beyond those that the record needed may be a tenth of them in all.
"""

from __future__ import annotations

import argparse
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, NoReturn

from tests.support.brokers import NATS, VALKEY, BrokerServer, RabbitServer
from tests.support.crews import WorkerProcess, notices, study, study_text, undisturbed

from genai_social_sim import Run
from genai_social_sim.domain.events import Answered, AttemptFailed, FellSilent, Spoke
from genai_social_sim.errors import SocialSimError

LEASE_S: Final = 1.0
ANSWER_S: Final = 0.25  # the longest answer
PAUSES_S: Final = (0.3, 1.2)
MOST_EXTRA: Final = 0.10
_SPARED_S: Final = 20.0  # how long nothing more is done to a run that gets no further
_STALLED_S: Final = 300.0  # without a further turn on the record, although it is spared so often
SERVERS: Final = {"valkey": VALKEY.server, "nats": NATS.server, "rabbitmq": RabbitServer}
ROOT: Final = Path(__file__).resolve().parents[2]
# Each call of a worker's model leaves a line, also if the worker is killed in it.
_NOTED: Final = """
import os
from genai_social_sim.backends.scripted import ScriptedModel
_complete, _notes = ScriptedModel.complete, os.open(os.environ["CALLS"], os.O_WRONLY | os.O_APPEND | os.O_CREAT)
async def complete(self, request):
    os.write(_notes, f"{request.turn} {request.attempt}\\n".encode())
    return await _complete(self, request)
ScriptedModel.complete = complete
"""


@dataclass
class Outcome:
    """What a disturbed run came to."""

    digest: str
    whole: bool  # every turn once, chain intact, replay the same
    needed: int  # calls that the record holds as used
    calls: int  # that workers made
    done: dict[str, int] = field(default_factory=dict)  # what was done to it
    noticed: dict[str, int] = field(default_factory=dict)

    @property
    def extra(self) -> int:
        return self.calls - self.needed


class Chaos:
    """One run and what is done to it."""

    def __init__(self, broker: BrokerServer, folder: Path, text: str, rng: random.Random) -> None:
        self._broker = broker
        self._folder = folder
        self._text = text
        self._rng = rng
        self._hired = 0
        os.environ["CALLS"] = str(folder / "calls")
        self._workers = [self._hire() for _ in range(4)]
        self._coordinator = self._coordinate()
        self._turns = 0
        self._grew_at = self._disturbed_at = time.monotonic()
        self.done: dict[str, int] = {}

    def rage(self) -> None:
        """Until the run has come to its end; raises RuntimeError if it gets no further."""
        try:
            while True:
                try:
                    code = self._coordinator.wait(self._rng.uniform(*PAUSES_S))
                except subprocess.TimeoutExpired:
                    if self._is_ready():
                        self._disturb()
                        self._disturbed_at = time.monotonic()
                    continue
                if code == 0:
                    return
                self._coordinator = self._coordinate()
        finally:
            self._coordinator.kill()
            self._coordinator.wait()
            for worker in self._workers:
                worker.kill()

    def _is_ready(self) -> bool:
        """Whether it is time for the next disturbance; raises RuntimeError if there is no end to waiting."""
        turns, now = self._recorded(), time.monotonic()
        if turns > self._turns:
            self._turns, self._grew_at = turns, now
            return True
        if now - self._grew_at > _STALLED_S:
            raise RuntimeError(f"no turn after turn {turns} within {_STALLED_S:g} s, after {self.done}")
        return now - self._disturbed_at > _SPARED_S

    def _recorded(self) -> int:
        """Turns that the record holds; none while it is being made."""
        try:
            with Run(next(self._folder.rglob("*.sqlite"))) as run:
                return run.turns
        except (StopIteration, SocialSimError):
            return self._turns

    def _disturb(self) -> None:
        deeds = {
            "kill a worker": (4, self._kill_worker),
            "stop a worker": (3, self._stop_worker),
            "kill the coordinator": (3, self._coordinator.kill),
            "restart the broker": (2, self._broker.restart),
            "wipe the broker": (1, lambda: self._broker.restart(wiped=True)),
            "stop the broker": (1, self._stop_broker),
            "kill all workers": (1, self._kill_all),
        }
        names, weights = list(deeds), [weight for weight, _ in deeds.values()]
        (name,) = self._rng.choices(names, weights)
        self.done[name] = self.done.get(name, 0) + 1
        deeds[name][1]()

    def _kill_worker(self) -> None:
        number = self._rng.randrange(len(self._workers))
        self._workers[number].kill()
        self._workers[number] = self._hire()

    def _kill_all(self) -> None:
        for number in range(len(self._workers)):
            self._workers[number].kill()
            self._workers[number] = self._hire()

    def _stop_worker(self) -> None:
        worker = self._rng.choice(self._workers)
        worker.send(signal.SIGSTOP)
        time.sleep(self._rng.uniform(0.5, 1.5) * LEASE_S)
        worker.send(signal.SIGCONT)

    def _stop_broker(self) -> None:
        self._broker.pause()
        time.sleep(self._rng.uniform(0.1, 1.0))
        self._broker.go_on()

    def _hire(self) -> WorkerProcess:
        self._hired += 1
        return WorkerProcess(self._broker.url, name=f"w{self._hired}", code=_NOTED)

    def _coordinate(self) -> subprocess.Popen[bytes]:
        command = ["-m", "tests.scenarios.coordinator", str(self._folder), self._text, self._broker.url, str(LEASE_S)]
        quiet = subprocess.DEVNULL  # a broker that is away when it starts is an error, and it is started again
        return subprocess.Popen([sys.executable, *command], cwd=ROOT, stderr=quiet)


def disturbed(broker: BrokerServer, folder: Path, *, seed: int, turns: int) -> Outcome:
    """One run."""
    broker.restart(wiped=True)
    chaos = Chaos(broker, folder, study_text(seed=seed, turns=turns, longest=ANSWER_S), random.Random(seed))
    _say(f"seed {seed} over {broker.url}")
    chaos.rage()
    with Run(study(seed=seed, turns=turns, longest=ANSWER_S).record_path(runs=folder)) as run:
        events = [recorded.event for recorded in run.events()]
        settled = [event.turn for event in events if isinstance(event, Spoke | FellSilent)]
        noticed = notices(run)
        return Outcome(
            digest=run.digest,
            whole=settled == list(range(turns)) and run.verify().ok and run.replay().ok,
            needed=sum(isinstance(event, Answered | AttemptFailed) for event in events),
            calls=len((folder / "calls").read_text().splitlines()),
            done=chaos.done,
            noticed={what: noticed.count(what) for what in sorted(set(noticed))},
        )


def main() -> int:
    """Play in a process group of its own, which ends with this process unless that is killed with SIGKILL."""
    _options()  # a mistake is told before anything is started
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, _leave)
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        code = "import sys; from tests.scenarios import chaos; sys.exit(chaos.play())"
        command = [sys.executable, "-c", code, *sys.argv[1:]]
        player = subprocess.Popen(command, cwd=ROOT, env={**os.environ, "TMPDIR": folder}, start_new_session=True)
        try:
            return player.wait()
        finally:
            if player.poll() is None:
                os.killpg(player.pid, signal.SIGKILL)
                player.wait()


def play() -> int:
    """All runs; 1 if one went wrong."""
    options = _options()
    return max(_raged(name, options) for name in options.broker or SERVERS)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__,
        prog="python -m tests.scenarios.chaos",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--broker", choices=SERVERS, action="append")
    parser.add_argument("--runs", type=int, default=6)
    parser.add_argument("--turns", type=int, default=200)
    parser.add_argument("--seed", type=int, default=int(time.monotonic_ns() % 10**6))
    return parser.parse_args()


def _leave(number: int, _: object) -> NoReturn:
    for each in (signal.SIGTERM, signal.SIGINT):
        signal.signal(each, signal.SIG_IGN)  # told once: what was started is being ended
    raise SystemExit(128 + number)


def _say(words: str) -> None:
    sys.stdout.write(f"{words}\n")
    sys.stdout.flush()


def _raged(name: str, options: argparse.Namespace) -> int:
    needed, extra, bad = 0, 0, 0
    with tempfile.TemporaryDirectory() as folder:
        broker = SERVERS[name](Path(folder) / "broker")
        try:
            for number in range(options.runs):
                seed, place = options.seed + number, Path(folder) / str(number)
                place.mkdir()
                outcome = disturbed(broker, place, seed=seed, turns=options.turns)
                same = outcome.digest == undisturbed(place, study(seed=seed, turns=options.turns, longest=ANSWER_S))
                needed, extra = needed + outcome.needed, extra + outcome.extra
                bad += not (same and outcome.whole)
                _say(f"{name} {number + 1}: {'same digest' if same else 'ANOTHER DIGEST'}; {outcome}")
        finally:
            broker.kill()
    share = extra / needed
    _say(f"{name}: {options.runs - bad} of {options.runs} whole; {extra} extra calls, {share:.1%} of {needed}")
    return int(bad > 0 or share > MOST_EXTRA)


if __name__ == "__main__":
    sys.exit(main())

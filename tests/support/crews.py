"""Workers as processes of their own, a study to be disturbed, and what is done to it at which turn."""

from __future__ import annotations

import io
import os
import queue
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from genai_social_sim import Run, Study
from genai_social_sim.api.broker import Broker
from genai_social_sim.domain.events import Answered, Event, Noticed
from genai_social_sim.workers.coordinator import Terms

LEASE_S = 0.6
_PATIENCE_S = 60.0
STUDY = """
name: disturbed
seed: {seed}
durability: process
model: {{backend: scripted, words: 9, latency: [0.01, {longest}], faults: {{error: 0.05, empty: 0.03}}, slots: 4}}
agents: [{{name: A}}, {{name: B}}, {{name: C}}, {{name: D}}, {{name: E}}]
channels:
  one: {{members: [A, B, C], opening: {{text: "Hello."}}}}
  two: {{members: [B, C, D, E], protocol: simultaneous}}
  three: {{members: [A, E], protocol: random}}
stop: {{turns: {turns}}}
timeouts: {{attempts: 2, backoff: 2 ms}}
"""


class WorkerProcess:
    """`gss worker`, owned by its process id."""

    def __init__(self, url: str, *, name: str, arguments: Sequence[str] = (), code: str = "") -> None:
        begin = (
            ["-c", f"{code}\nfrom genai_social_sim.cli import main\nmain()"] if code else ["-m", "genai_social_sim.cli"]
        )
        command = [sys.executable, *begin, "worker", "--broker", url, "--name", name, *arguments]
        self.name = name
        self._process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        self._said: list[str] = []
        self._lines: queue.Queue[str] = queue.Queue()
        self._listener = threading.Thread(target=self._listen, daemon=True)
        self._listener.start()

    @property
    def pid(self) -> int:
        return self._process.pid

    def send(self, number: signal.Signals) -> None:
        os.kill(self.pid, number)

    def kill(self) -> None:
        """End it with SIGKILL, whatever it is doing."""
        self._process.kill()
        self._process.wait()
        self._listener.join()

    def stop(self, number: signal.Signals = signal.SIGTERM) -> tuple[int, str]:
        """Tell it to leave; its exit code and all that it said."""
        if self._process.poll() is None:
            self.send(number)
        self._process.wait(_PATIENCE_S)
        self._listener.join()
        return self._process.returncode, "".join(self._said)

    def is_alive(self, longest_s: float) -> bool:
        """Whether it still runs, looked at after so long at the latest."""
        try:
            self._process.wait(longest_s)
        except subprocess.TimeoutExpired:
            return True
        return False

    def heard(self, words: str) -> str:
        """Its next line with these words."""
        while True:
            line = self._lines.get(timeout=_PATIENCE_S)
            if words in line:
                return line

    def _listen(self) -> None:
        with self._process.stdout or io.StringIO() as stdout:
            for line in stdout:
                self._said.append(line)
                self._lines.put(line)


@contextmanager
def workers(url: str, number: int = 4, **given: Any) -> Iterator[list[WorkerProcess]]:
    """Some workers at a broker; those that are left at the end are killed."""
    crew = [WorkerProcess(url, name=f"w{place}", **given) for place in range(number)]
    try:
        for worker in crew:
            worker.heard("takes work")
        yield crew
    finally:
        for worker in crew:
            worker.kill()


class AtTurns:
    """An observer that does something once so many answers are in the record."""

    def __init__(self, **actions: Callable[[], object]) -> None:
        self._actions = {int(name.removeprefix("after_")): action for name, action in actions.items()}
        self._answers = 0

    def saw(self, events: Sequence[Event]) -> None:
        self._answers += sum(isinstance(event, Answered) for event in events)
        for answers in sorted(self._actions):
            if answers <= self._answers:
                self._actions.pop(answers)()


class Whenever:
    """An observer that does something the first time that an event is as described."""

    def __init__(self, wanted: Callable[[Event], bool], action: Callable[[], object]) -> None:
        self._wanted = wanted
        self._action = action
        self._done = False

    def saw(self, events: Sequence[Event]) -> None:
        if not self._done and any(map(self._wanted, events)):
            self._done = True
            self._action()


def study_text(*, seed: int = 11, turns: int = 60, longest: float = 0.06) -> str:
    """The file of the study that is disturbed; its answers take `longest` seconds at the most."""
    return STUDY.format(seed=seed, turns=turns, longest=longest)


def study(**given: Any) -> Study:
    """The study that is disturbed."""
    return Study.parse(study_text(**given))


def undisturbed(folder: Path, disturbed: Study) -> str:
    """The digest of the same study in one process."""
    return disturbed.run(runs=folder / "undisturbed").digest


def over(url: str, *, lease_s: float = LEASE_S) -> Broker:
    """A broker with a short lease."""
    return Broker(url=url, terms=Terms(lease_s=lease_s))


def notices(run: Run) -> list[str]:
    """What was noticed, in order."""
    return [recorded.event.what for recorded in run.events() if isinstance(recorded.event, Noticed)]


def details(run: Run, what: str) -> list[str]:
    """What was said of each notice of one kind."""
    events = [recorded.event for recorded in run.events()]
    return [event.detail.value for event in events if isinstance(event, Noticed) and event.what == what]

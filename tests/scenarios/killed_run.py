"""A run that is killed again and again, and what it has to show afterwards. Also run as the process that is killed."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

from genai_social_sim import Request, Run, Study
from genai_social_sim.domain.events import Answered
from genai_social_sim.errors import RecordError

STUDY = """
name: killed
seed: {seed}
durability: {durability}
model: {{backend: scripted, function: speak, latency: [0.0005, 0.004], faults: {{error: 0.08, empty: 0.04}}, slots: 4}}
agents: [{{name: A}}, {{name: B}}, {{name: C}}, {{name: D}}, {{name: E}}]
channels:
  one: {{members: [A, B, C], opening: {{text: "Hello."}}}}
  two: {{members: [B, C, D, E], protocol: simultaneous}}
  three: {{members: [A, E], protocol: random}}
stop: {{turns: {turns}}}
timeouts: {{attempts: 2, backoff: 2 ms}}
"""


@dataclass
class Outcome:
    """What a disturbed run came to."""

    digest: str
    verified: bool
    replayed: bool
    kills: int  # that hit a run under way
    resumed_with_answers_ahead: int  # starts that found answers which had not taken effect
    digests: set[str] = field(default_factory=set)  # of every run that came to its end, disturbed as it was
    asked_again: list[int] = field(default_factory=list)  # turns asked although an answer was committed
    broken_after_kill: list[str] = field(default_factory=list)  # what `verify` said after a kill


def study_text(*, seed: int, durability: str, turns: int = 1500) -> str:
    """The study of the disturbed run."""
    return STUDY.format(seed=seed, durability=durability, turns=turns)


def undisturbed(folder: Path, text: str) -> str:
    """The digest of the same run when nobody disturbs it."""
    return Study.parse(text).run(runs=folder / "undisturbed", functions={"speak": _reply}).digest


def disturbed(folder: Path, text: str, *, kills: int, rng: random.Random) -> Outcome:
    """Start the run, kill it at a random instant, start it again, `kills` times; then let it end."""
    study = Study.parse(text)
    path, calls = study.record_path(runs=folder), folder / "calls"
    calls.touch()
    outcome = Outcome(digest="", verified=False, replayed=False, kills=0, resumed_with_answers_ahead=0)
    while outcome.kills < kills:
        answered = _answered(path, outcome)
        before = len(calls.read_text().splitlines())
        process = _start(folder, text)
        outcome.kills += _kill_at_random(process, rng, early=outcome.kills % 3 == 2)
        outcome.asked_again += [turn for turn in _asked(calls, before) if turn in answered]
        if path.exists() and _finished(path):  # it was too quick: its digest counts, and a new one begins
            with Run(path) as run:
                outcome.digests.add(run.digest)
            path.unlink()
            calls.write_text("")
    answered, before = _answered(path, outcome), len(calls.read_text().splitlines())
    process = _start(folder, text)
    _, said = process.communicate(timeout=120)
    if process.returncode:
        raise RuntimeError(f"the resumed run failed: {said}")
    outcome.asked_again += [turn for turn in _asked(calls, before) if turn in answered]
    with Run(path) as run:
        outcome.digest, outcome.verified, outcome.replayed = run.digest, run.verify().ok, run.replay().ok
        outcome.digests.add(run.digest)
    return outcome


def _start(folder: Path, text: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, __file__, str(folder), text], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


def _kill_at_random(process: subprocess.Popen[str], rng: random.Random, *, early: bool) -> bool:
    """SIGKILL while it starts up, or a random moment after its first call; whether it was killed."""
    if early:
        pause = rng.uniform(0.05, 0.6)
    else:
        if process.stdout is not None:
            process.stdout.readline()
        pause = rng.expovariate(1 / 0.05)
    try:
        process.wait(timeout=pause)
    except subprocess.TimeoutExpired:
        process.kill()
    process.communicate()
    return process.returncode == -signal.SIGKILL


def _answered(path: Path, outcome: Outcome) -> set[int]:
    """Turns whose answer is committed; also checks the record as the kill left it."""
    try:
        run = Run(path)
    except RecordError:
        return set()  # killed before there was anything to read
    with run:
        verdict = run.verify()
        if not verdict.ok:
            outcome.broken_after_kill.append(verdict.problem)
        answered = {recorded.event.turn for recorded in run.events() if isinstance(recorded.event, Answered)}
        outcome.resumed_with_answers_ahead += len(answered) > run.turns
    return answered


def _asked(calls: Path, before: int) -> list[int]:
    return [int(line.split()[0]) for line in calls.read_text().splitlines()[before:]]


def _finished(path: Path) -> bool:
    try:
        with Run(path) as run:
            return run.status == "finished"
    except RecordError:
        return False


def _reply(request: Request) -> str:
    heard = request.heard[-1].text.value[:12] if request.heard else "nothing"
    return f"{request.agent} in {request.channel}, round {request.round}, after {heard!r}, draws {request.seed}."


def main() -> None:
    """The process that is killed: plays or resumes the run, and notes each call before it is answered."""
    folder, text = Path(sys.argv[1]), sys.argv[2]
    notes = os.open(folder / "calls", os.O_WRONLY | os.O_APPEND)
    began: list[float] = []

    def speak(request: Request) -> str:
        os.write(notes, f"{request.turn} {request.attempt}\n".encode())
        if not began:
            began.append(time.monotonic())
            sys.stdout.write("began\n")
            sys.stdout.flush()
        return _reply(request)

    Study.parse(text).run(runs=folder, functions={"speak": speak})


if __name__ == "__main__":
    main()

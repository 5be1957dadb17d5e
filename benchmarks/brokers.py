"""W6: turns over a broker on loopback, the whole record kept, beside a bare request and reply on the same client.

With 64 requests in flight, the same number of processes, and requests of the same size; `bare_pairs` has the bare ones.
On Linux the processor time of all processes is told too: of the broker, the workers and the one that asks, over a
whole run, its begin and its end included.
"""

from __future__ import annotations

import asyncio
import contextlib
import math
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from statistics import median
from typing import Final, NamedTuple

from tests.support.brokers import NATS, VALKEY, BrokerServer, RabbitServer

from benchmarks import bare_pairs
from genai_social_sim import Study
from genai_social_sim.api.broker import Broker
from genai_social_sim.domain.events import Answered

SERVERS: Final = {"redis": VALKEY.server, "nats": NATS.server, "rabbitmq": RabbitServer}
WORKERS: Final = 4
STUDY: Final = """
name: w6
seed: 1
durability: process
model: {{backend: scripted, words: 12, latency: {latency}, slots: 64}}
agents: [{agents}]
channels: {{{channels}}}
stop: {{turns: {turns}}}
"""


class Pace(NamedTuple):
    """How quick turns or round trips were, and what one costs."""

    per_s: float
    cpu_us: float  # processor time of all processes; nan where it cannot be told


def study(*, turns: int, latency: float = 0.0, sequential: bool = False) -> Study:
    """128 agents in simultaneous channels of eight; or two who take turns."""
    names = ["A0", "A1"] if sequential else [f"A{number}" for number in range(128)]
    groups = [names] if sequential else [names[at : at + 8] for at in range(0, 128, 8)]
    kind = "round_robin" if sequential else "simultaneous"
    channels = ", ".join(
        f"c{at}: {{members: [{', '.join(group)}], protocol: {kind}, memory: {{kind: window, utterances: 8}}}}"
        for at, group in enumerate(groups)
    )
    agents = ", ".join(f"{{name: {name}}}" for name in names)
    return Study.parse(STUDY.format(agents=agents, channels=channels, turns=turns, latency=latency))


@contextlib.contextmanager
def broker(name: str) -> Iterator[BrokerServer]:
    """A broker on loopback that keeps on the disk what it holds."""
    with tempfile.TemporaryDirectory() as folder:
        server = SERVERS[name](Path(folder) / "data")
        server.start()
        try:
            yield server
        finally:
            server.kill()


@contextlib.contextmanager
def processes(arguments: list[str], number: int, ready: str) -> Iterator[list[int]]:
    """Some processes that have said that they are ready; gives their ids."""
    started = [
        subprocess.Popen([sys.executable, *arguments], stdout=subprocess.PIPE, text=True, env={**os.environ})
        for _ in range(number)
    ]
    try:
        for process in started:
            for line in process.stdout or ():
                if ready in line:
                    break
        yield [process.pid for process in started]
    finally:
        for process in started:
            process.kill()
            process.communicate()


def spent_s(others: Sequence[int]) -> float:
    """Processor time that this process and others have used so far, without that of their children."""
    if not Path("/proc/self/stat").exists():
        return math.nan
    fields = [Path(f"/proc/{each}/stat").read_text(encoding="ascii").rpartition(")")[2].split() for each in others]
    return time.process_time() + sum(int(each[11]) + int(each[12]) for each in fields) / os.sysconf("SC_CLK_TCK")


def ours(url: str, made: Study, folder: Path, others: Sequence[int]) -> Pace:
    """Turns a second between the first and the last answer that was committed."""
    began = spent_s(others)
    run = made.run(runs=folder, again=True, broker=Broker(url=url))
    spent = spent_s(others) - began
    times = [recorded.at for recorded in run.events() if isinstance(recorded.event, Answered)]
    return Pace((len(times) - 1) / (times[-1] - times[0]), spent / len(times) * 1e6)


def bare(name: str, server: BrokerServer, requests: int) -> Pace:
    """Round trips of the bare pair."""
    with processes(["-m", "benchmarks.bare_pairs", name, server.url], WORKERS, "ready") as echoes:
        others = [server.pid, *echoes]
        began = spent_s(others)
        per_s = asyncio.run(_asked(name, server.url, requests))
        return Pace(per_s, (spent_s(others) - began) / requests * 1e6)


async def _asked(name: str, url: str, requests: int) -> float:
    flight = bare_pairs.Flight.of(requests)
    began = time.perf_counter()
    await bare_pairs.ASK[name](url, flight)
    return requests / (time.perf_counter() - began)


def measured(name: str, folder: Path, runs: int) -> dict[str, float | str]:
    """The row of W6: medians of pairs taken in turns, and what one turn costs beyond a turn in this process."""
    turns = 3000 if name == "redis" else 1000
    made = study(turns=turns)
    with (
        broker(name) as server,
        processes(["-m", "genai_social_sim.cli", "worker", "--broker", server.url], WORKERS, "takes work") as workers,
    ):
        others = [server.pid, *workers]
        pairs = [(ours(server.url, made, folder, others), bare(name, server, turns)) for _ in range(max(1, runs // 2))]
        alone = study(turns=turns // 10, sequential=True)
        added = [1000 / ours(server.url, alone, folder, others).per_s for _ in range(max(1, runs // 2))]
    return {
        "workload": f"W6 {name}",
        "turns/s": median(turn.per_s for turn, _ in pairs),
        "floor": median(trip.per_s for _, trip in pairs),
        "ratio": median(turn.per_s / trip.per_s for turn, trip in pairs),
        "processor us/turn": median(turn.cpu_us for turn, _ in pairs),
        "floor processor us": median(trip.cpu_us for _, trip in pairs),
        "processor ratio": median(trip.cpu_us / turn.cpu_us for turn, trip in pairs),
        "ms added a turn": median(added),
    }

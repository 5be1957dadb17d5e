"""The workloads: what is asked of the engine, and the floor beneath it."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Coroutine, Mapping, Sequence
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from typing import Final

import apsw

from genai_social_sim.backends import scripted as scripted_backend
from genai_social_sim.backends.registry import Surroundings
from genai_social_sim.domain.events import RunStarted
from genai_social_sim.domain.ids import AgentId, ChannelId
from genai_social_sim.domain.network import Edge, Network
from genai_social_sim.domain.plan import (
    Agent,
    Channel,
    Model,
    Opening,
    PromptStyle,
    Protocol,
    RoundRobin,
    Rounds,
    RunPlan,
    Simultaneous,
    StopRule,
    Timeouts,
    Turns,
)
from genai_social_sim.domain.text import Text
from genai_social_sim.engine.clock import SystemClock
from genai_social_sim.engine.live import Past, World
from genai_social_sim.engine.session import perform
from genai_social_sim.eventlog.store import Durability, lay_out
from genai_social_sim.eventlog.writer import SqliteLog
from genai_social_sim.kernel.prompts import DEFAULT_CUES, DEFAULT_FRAMES
from genai_social_sim.kernel.stage import Stage
from genai_social_sim.kernel.state import start
from genai_social_sim.ports import LanguageModel

_STYLE = PromptStyle(layout="persona_first", frame=DEFAULT_FRAMES["persona_first"], cue=DEFAULT_CUES["persona_first"])


_WORDS: Final = " of a speaker who " + " ".join(["considers", "supply", "prices"] * 18) + "."


def reply(number: int) -> str:
    """A reply of 60 words, different for each number."""
    return f"Reply {number}{_WORDS}"


def replies(turns: int) -> tuple[str, ...]:
    """A reply a turn."""
    return tuple(reply(number) for number in range(turns))


def scripted(**options: object) -> Model:
    """A scripted model that says another reply in each turn of the run."""
    return Model(backend="scripted", options=json.dumps({"function": "reply", **options}))


def one_channel(agents: int, model: Model, *, protocol: Protocol, stop: StopRule, window: int = 20) -> RunPlan:
    """Some agents in one channel."""
    names = [AgentId(f"agent{number:07d}") for number in range(agents)]
    channel = Channel(
        name=ChannelId("general"),
        members=tuple(names),
        protocol=protocol,
        opening=Opening(speaker="system", text="Discuss."),
        window=window,
    )
    return _plan(names, (channel,), model, stop)


def neighbourhoods(agents: int, model: Model, *, size: int, rounds: int) -> RunPlan:
    """Agents in simultaneous channels of `size` members each."""
    names = [AgentId(f"agent{number:07d}") for number in range(agents)]
    channels = tuple(
        Channel(
            name=ChannelId(f"hood{at:07d}"),
            members=tuple(names[at : at + size]),
            protocol=Simultaneous(),
            opening=None,
            window=size,
        )
        for at in range(0, agents, size)
    )
    return _plan(names, channels, model, Rounds(count=rounds))


def _plan(names: list[AgentId], channels: tuple[Channel, ...], model: Model, stop: StopRule) -> RunPlan:
    return RunPlan(
        name="benchmark",
        seed=1,
        agents=tuple(Agent(name=name, persona=f"Persona of {name}.", model=model) for name in names),
        channels=channels,
        prompt=_STYLE,
        stop=stop,
        timeouts=Timeouts(),
    )


def play(plan: RunPlan, path: Path, durability: Durability) -> float:
    """Play a plan of scripted models with its whole record kept; seconds from the first event to the last, committed.

    Making the file and folding its write-ahead log in at the end are the same for a run of any length and not counted.
    """
    models = dict.fromkeys(agent.model for agent in plan.agents)
    around = Surroundings({"reply": lambda request: reply(request.turn)})
    opened = {model: scripted_backend.open_backend(json.loads(model.options), around) for model in models}
    log, run = prepared(plan, path, durability, opened)
    began = time.perf_counter()
    asyncio.run(run)
    seconds = time.perf_counter() - began
    log.close()
    return seconds


def prepared(
    plan: RunPlan, path: Path, durability: Durability, models: Mapping[Model, LanguageModel]
) -> tuple[SqliteLog, Coroutine[None, None, None]]:
    """A new record at `path`, and the run that fills it."""
    _remove(path)
    clock = SystemClock()
    log = SqliteLog(path, durability=durability, clock=clock, create=True)
    world = World(log=log, models=models, clock=clock, hurried=durability == "process")
    past = Past(state=start(Stage(plan)), answers={}, attempts={})
    begin = RunStarted(study=Text.of("{}"), seed=plan.seed)
    return log, perform(past, world, about=Text.of("{}"), begin=begin)


def floor(
    texts: Sequence[str],
    path: Path,
    durability: Durability,
    *,
    window: int,
    commit_every: int,
    laid_out: bool = False,
) -> float:
    """A bare loop that does the least a record needs; seconds, counted as in `play`.

    It joins the last `window` texts to a prompt and stores one JSON row a turn, chained by SHA-256, with an index on
    the turn: no separate prompts, parameters, seeds, answers or digest. With `laid_out`, its write-ahead log has its
    length from the first, as a record's soon has under `full`; otherwise it grows, as SQLite leaves it.
    """
    _remove(path)
    db = apsw.Connection(str(path))
    db.pragma("journal_mode", "wal")
    db.pragma("synchronous", "FULL" if durability == "full" else "NORMAL")
    db.execute("CREATE TABLE said (seq INTEGER PRIMARY KEY, turn INTEGER UNIQUE, body TEXT, chain BLOB)")
    if laid_out:
        lay_out(db)
    heard: list[str] = []
    sent, chain, clock = 0, b"", SystemClock()
    began = time.perf_counter()
    db.execute("BEGIN IMMEDIATE")
    for turn, text in enumerate(texts):
        speaker = f"agent{turn % 4}"
        sent += len("\n".join(heard[-window:]))
        heard.append(f"{speaker}: {text}")
        body = json.dumps({"turn": turn, "agent": speaker, "text": text, "at": clock.now()})
        chain = sha256(chain + body.encode()).digest()
        db.execute("INSERT INTO said VALUES (?, ?, ?, ?)", (turn, turn, body, chain))
        if turn % commit_every == commit_every - 1:
            db.execute("COMMIT")
            db.execute("BEGIN IMMEDIATE")
    db.execute("COMMIT")
    seconds = time.perf_counter() - began
    db.close()
    return seconds if sent else 0.0


async def bare_waits(turns: int, at_once: int, latency_s: float) -> float:
    """The floor of a workload that waits: the same pauses behind a semaphore; seconds."""
    began = time.perf_counter()
    limiter = asyncio.Semaphore(at_once)

    async def one() -> None:
        async with limiter:
            await asyncio.sleep(latency_s)

    async with asyncio.TaskGroup() as tasks:
        for _ in range(turns):
            tasks.create_task(one())
    return time.perf_counter() - began


def w1() -> RunPlan:
    """4 agents, 400 turns, window 20, 60-word replies."""
    return one_channel(4, scripted(), protocol=RoundRobin(), stop=Turns(count=400))


def w2() -> RunPlan:
    """1,000 agents in simultaneous neighbourhoods of 8, 3 rounds."""
    return neighbourhoods(1000, scripted(), size=8, rounds=3)


def w2_network() -> RunPlan:
    """1,000 agents in one simultaneous channel, 3 rounds; each hears itself and 8 neighbours of a ring lattice."""
    plan = one_channel(1000, scripted(), protocol=Simultaneous(), stop=Rounds(count=3), window=9)
    (channel,) = plan.channels
    edges = [
        Edge(speaker, channel.members[(seat + step) % 1000])
        for seat, speaker in enumerate(channel.members)
        for step in range(1, 5)
    ]
    return replace(plan, channels=(replace(channel, opening=None, network=Network.of(channel.members, edges)),))


def w2_nines() -> RunPlan:
    """W2 with neighbourhoods of an agent and its 8 neighbours: 999 agents, whose prompts are as long as those there."""
    return neighbourhoods(999, scripted(), size=9, rounds=3)


def w3() -> RunPlan:
    """200 agents in simultaneous neighbourhoods of 8, 50 ms latency, 100 calls at once, 5 rounds."""
    return neighbourhoods(200, scripted(latency=0.05, slots=100), size=8, rounds=5)


def _remove(path: Path) -> None:
    for suffix in ("", "-wal", "-shm"):
        Path(f"{path}{suffix}").unlink(missing_ok=True)

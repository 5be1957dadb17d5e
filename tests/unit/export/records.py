"""Records for the tests of this folder: played from a study, or written event by event."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final, Literal

from genai_social_sim.backends.registry import Surroundings
from genai_social_sim.backends.scripted import open_backend
from genai_social_sim.domain.events import (
    Answered,
    Asked,
    AttemptFailed,
    Cause,
    Cut,
    Event,
    FellSilent,
    Finish,
    Opened,
    RunStarted,
    Spoke,
)
from genai_social_sim.domain.ids import AgentId, ChannelId
from genai_social_sim.domain.text import Text
from genai_social_sim.engine.live import Past, World
from genai_social_sim.engine.session import perform
from genai_social_sim.eventlog.memory import MemoryLog
from genai_social_sim.eventlog.reader import SqliteReader
from genai_social_sim.eventlog.writer import SqliteLog
from genai_social_sim.export.source import Source
from genai_social_sim.kernel.stage import Stage
from genai_social_sim.kernel.state import start
from genai_social_sim.ports import Entry, Request
from genai_social_sim.study.lowering import canonical, lower, parse

Say = Callable[[Request], Any]
ASKED: Final = Asked(prompt=bytes(32), params=Text.of('{"max_tokens":60}'), seed=5)
HALL: Final = ChannelId("hall")


class Clock:
    """A second passes whenever someone asks for the date; a tenth of one for the stopwatch."""

    def __init__(self) -> None:
        self.date, self.watch = 1_700_000_000.0, 0.0

    def now(self) -> float:
        self.date += 1
        return self.date

    def elapsed(self) -> float:
        self.watch += 0.1
        return self.watch


def study_of(agents: str = "ada bo", *, turns: int = 4, **more: Any) -> dict[str, Any]:
    """A study in which all agents answer by the function `say`."""
    small: dict[str, Any] = {
        "name": "small",
        "model": {"backend": "scripted", "function": "say"},
        "agents": [{"name": name, "persona": "You are {{ name }}."} for name in agents.split()],
        "channels": {"hall": {"opening": {"text": "Begin."}}},
        "stop": {"turns": turns},
    }
    return small | more


def play(study: Mapping[str, Any], say: Say, path: Path | None = None) -> Source:
    """Play a study, into a file if `path` says where, and read it back."""
    loaded = parse(json.dumps(study), source="study.yaml")
    plan, clock = lower(loaded), Clock()
    stage = Stage(plan)
    surroundings = Surroundings({"say": say})
    models = {agent.model: open_backend(json.loads(agent.model.options), surroundings) for agent in plan.agents}
    log = SqliteLog(path, durability="process", clock=clock, create=True) if path else MemoryLog(clock)
    begin = RunStarted(study=Text.of(canonical(loaded)), seed=plan.seed)
    past = Past(state=start(stage), answers={}, attempts={})
    world = World(log=log, models=models, clock=clock, hurried=True)
    asyncio.run(perform(past, world, about=Text.of('{"python":"3"}'), begin=begin))
    log.close()
    record = log if isinstance(log, MemoryLog) else SqliteReader(path) if path else None
    assert record is not None
    return Source(run=plan.name, record=record, digest=log.digest.hex())


def written(*events: Event, run: str = "r") -> Source:
    """A record of exactly these events."""
    log = MemoryLog(Clock())
    log.append([Entry(event) for event in events])
    return Source(run=run, record=log)


def begun(members: str = "ada bo", *, window: int = 2, protocol: str = "round_robin") -> RunStarted:
    """The first event of a run with one channel, the hall."""
    study = {
        "name": "small",
        "agents": [{"name": name} for name in members.split()],
        "channels": {
            "hall": {
                "members": members.split(),
                "protocol": {"kind": protocol},
                "memory": {"kind": "window", "utterances": window},
            }
        },
    }
    return RunStarted(study=Text.of(json.dumps(study)), seed=7)


def opened(text: str = "Begin.", *, speaker: str = "system") -> Opened:
    return Opened(channel=HALL, speaker=speaker, text=Text.of(text))


def answered(
    turn: int,
    raw: str = "",
    *,
    attempt: int = 1,
    finish: Finish = "stop",
    tokens: tuple[int, int] = (0, 0),
    times: tuple[float, float] = (0.0, 1.0),
) -> Answered:
    return Answered(
        turn=turn,
        attempt=attempt,
        asked=ASKED,
        raw=Text.of(raw),
        finish=finish,
        prompt_tokens=tokens[0],
        answer_tokens=tokens[1],
        sent_s=times[0],
        first_token_s=None,
        done_s=times[1],
        by="test",
        notes=Text.of("{}"),
    )


def failed(turn: int, *, attempt: int = 1, cause: Cause = "timeout", final: bool = False) -> AttemptFailed:
    detail = Text.of("no answer")
    return AttemptFailed(
        turn=turn, attempt=attempt, asked=ASKED, cause=cause, detail=detail, sent_s=0.5, done_s=2.5, final=final
    )


def spoke(
    turn: int,
    agent: str,
    text: str,
    *,
    in_round: int = 0,
    cut: tuple[int, int, Literal["trimmed", "label", "spoke_for"]] | None = None,
    stand_in: Cause | None = None,
) -> Spoke:
    return Spoke(
        turn=turn,
        round=in_round,
        channel=HALL,
        agent=AgentId(agent),
        text=Text.of(text),
        call=bytes(32),
        tokens=9,
        cut=None if cut is None else Cut(start=cut[0], end=cut[1], why=cut[2]),
        stand_in=stand_in,
    )


def silent(turn: int, agent: str, cause: Cause = "passed", *, in_round: int = 0) -> FellSilent:
    return FellSilent(
        turn=turn, round=in_round, channel=HALL, agent=AgentId(agent), cause=cause, call=bytes(32), tokens=0
    )

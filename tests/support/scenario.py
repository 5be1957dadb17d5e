"""Whole runs in a line: a plan in few words, scripted answers, the real kernel, engine and log, no file.

It stands here and not in `genai_social_sim.testing`, because it puts engine, log and backend together, and parts of
one layer do not import each other.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, TypeGuard

from tests.support.virtual_time import LoopClock, in_virtual_time

from genai_social_sim.backends import recall
from genai_social_sim.backends.registry import Surroundings
from genai_social_sim.backends.scripted import open_backend
from genai_social_sim.domain.events import Answered, AttemptFailed, Event, Opened, RunStarted, Spoke, Taken
from genai_social_sim.domain.plan import Channel, Model, RunPlan, StopRule, Timeouts
from genai_social_sim.domain.prompt import Prompt
from genai_social_sim.domain.text import Text
from genai_social_sim.engine.live import World
from genai_social_sim.engine.recovery import recovered
from genai_social_sim.engine.session import perform
from genai_social_sim.eventlog.memory import MemoryLog
from genai_social_sim.eventlog.store import Durability
from genai_social_sim.eventlog.writer import SqliteLog
from genai_social_sim.kernel.encoders import encoders
from genai_social_sim.kernel.stage import Stage
from genai_social_sim.ports import Entry, EventLog, LanguageModel, Observer, Recorded, Request
from genai_social_sim.testing.plans import small_channel, small_plan

Answers = Callable[[Request], Any] | Mapping[str, Sequence[str | None]] | None
STUDY = Text.of('{"name":"small"}')


@dataclass(frozen=True)
class Played:
    """What a run left behind."""

    plan: RunPlan
    log: MemoryLog

    @property
    def events(self) -> list[Event]:
        return [recorded.event for recorded in self.log.events()]

    @property
    def said(self) -> list[tuple[str, str]]:
        """(speaker, text) of each turn that was used, openings left out."""
        return [(event.agent, event.text.value) for event in self.events if isinstance(event, Spoke)]

    @property
    def speakers(self) -> list[str]:
        return [speaker for speaker, _ in self.said]

    @property
    def digest(self) -> str:
        return self.log.digest.hex()

    def of(self, *kinds: type) -> list[Any]:
        return [event for event in self.events if isinstance(event, kinds)]

    def prompt(self, turn: int) -> Prompt:
        prompt = self.log.prompt(turn)
        assert prompt is not None
        return prompt

    def entries(self) -> list[Entry]:
        """All of it, to be appended elsewhere."""
        return [Entry(event, self.log.prompt(event.turn) if called(event) else None) for event in self.events]


def called(event: Event) -> TypeGuard[Taken]:
    """Whether this is what came of a call."""
    return isinstance(event, Answered | AttemptFailed)


def answering(answers: Answers) -> Callable[[Request], Any]:
    """A scripted function: from lists by agent (None passes), a function, or by default "NAME TURN"."""
    if callable(answers):
        return answers
    given = answers or {}

    def answer(request: Request) -> str | None:
        mine = given.get(request.agent)
        return mine[request.round % len(mine)] if mine else f"{request.agent} {request.turn}"

    return answer


def scripted(answers: Answers = None, **options: Any) -> LanguageModel:
    """The shipped scripted backend with a Python function; it waits if a latency or hangs are among `options`."""
    given = {"function": "answers", **options}
    return open_backend(given, Surroundings(functions={"answers": answering(answers)}))


def lexical() -> LanguageModel:
    """What memories ask that look things up, by spelling."""
    return recall.open_backend({"embedding": "lexical"}, Surroundings())


@dataclass(frozen=True, kw_only=True)
class Scenario:
    """A plan and who answers in it."""

    plan: RunPlan
    model: LanguageModel
    models: Mapping[Model, LanguageModel] = field(default_factory=dict)
    slots: int | None = None
    hurried: bool = False
    observers: Sequence[Observer] = ()

    def play(self, past: Sequence[Entry] = ()) -> Played:
        """To its end, on a clock of its own; going on after `past` if there is one."""
        log = self.log_with(past)
        in_virtual_time(self.played(log, list(log.events())))
        return Played(self.plan, log)

    def log_with(self, past: Sequence[Entry] = ()) -> MemoryLog:
        log = MemoryLog(LoopClock())
        log.append(past)
        return log

    def record(self, path: Path, *, durability: Durability = "process") -> Path:
        """Played into a run file."""
        log = SqliteLog(path, durability=durability, clock=LoopClock(), create=True)
        try:
            in_virtual_time(self.played(log, []))
        finally:
            log.close()
        return path

    async def played(self, log: EventLog, events: Sequence[Recorded]) -> None:
        """Play on after `events`."""
        stage = Stage(self.plan)
        begin = None if events else RunStarted(study=STUDY, seed=self.plan.seed)
        await perform(recovered(stage, events), self.world(log), about=Text.of("{}"), begin=begin)

    def world(self, log: EventLog) -> World:
        wanted = dict.fromkeys(self.plan.models, self.model)
        return World(
            log=log,
            models={**wanted, **{encoder: lexical() for encoder in encoders(self.plan)}, **self.models},
            clock=LoopClock(),
            observers=self.observers,
            slots=self.slots,
            hurried=self.hurried,
        )

    def but(self, **changes: Any) -> Scenario:
        return replace(self, **changes)

    def cancelled(self, *, after_events: int) -> Played:
        """Cancelled from outside once that many events are in the log."""
        log = self.log_with()

        async def work() -> None:
            task = asyncio.ensure_future(self.but(observers=[_CancelAfter(after_events, lambda: task)]).played(log, []))
            await asyncio.wait([task])
            if not task.cancelled():
                task.result()

        in_virtual_time(work())
        return Played(self.plan, log)


class _CancelAfter:
    def __init__(self, events: int, task: Callable[[], asyncio.Future[None]]) -> None:
        self._left = events
        self._task = task

    def saw(self, events: Sequence[Event]) -> None:
        before, self._left = self._left, self._left - len(events)
        if before > 0 >= self._left:
            self._task().cancel()


def scenario(
    *channels: Channel,
    agents: str = "ada bo cy",
    protocol: str = "round-robin",
    opening: str = "system: Begin.",
    window: int = 20,
    answers: Answers = None,
    stop: StopRule | int = 6,
    latency: float | tuple[float, float] = 0.0,
    timeouts: Timeouts | None = None,
    **plan: Any,
) -> Scenario:
    """A run of `agents` in one channel `hall`, unless `channels` are given; see `small_plan` for what else there is."""
    hall = small_channel("hall", members=agents, protocol=protocol, opening=opening, window=window)
    made = small_plan(*(channels or (hall,)), agents=agents, stop=stop, timeouts=timeouts, **plan)
    return Scenario(plan=made, model=scripted(answers, latency=latency))


def opened(played: Played) -> list[tuple[str, str]]:
    """(channel, text) of each opening."""
    return [(event.channel, event.text.value) for event in played.of(Opened)]

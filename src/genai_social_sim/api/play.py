"""Plays runs: makes or opens the record, opens the models, and lets the engine work."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

from genai_social_sim.api import paying
from genai_social_sim.api.at_once import AtOnce, at_once
from genai_social_sim.api.broker import Broker, Claim, HandingOut
from genai_social_sim.api.models import opened, session_about
from genai_social_sim.backends.registry import Progress, Surroundings
from genai_social_sim.domain.events import RunStarted, SessionStarted
from genai_social_sim.domain.origin import Assignment, assignment_written
from genai_social_sim.domain.plan import Model, RunPlan
from genai_social_sim.domain.price import Prices
from genai_social_sim.domain.text import Text
from genai_social_sim.engine.budget import Budget
from genai_social_sim.engine.clock import SystemClock
from genai_social_sim.engine.live import Past, World
from genai_social_sim.engine.recovery import recovered
from genai_social_sim.engine.session import perform
from genai_social_sim.errors import RecordError
from genai_social_sim.eventlog import lock
from genai_social_sim.eventlog.reader import SqliteReader
from genai_social_sim.eventlog.writer import SqliteLog
from genai_social_sim.kernel.encoders import encoders
from genai_social_sim.kernel.stage import Stage
from genai_social_sim.kernel.state import start
from genai_social_sim.ports import Clock, LanguageModel, Observer
from genai_social_sim.study.lowering import from_canonical, lower


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What changes how a run is played and not what happens in it."""

    durability: Literal["full", "process"] | None = None  # None: as the run began, or full
    parallel: int | None = None  # calls at once for each model; None leaves it to the backend
    at_once: AtOnce | None = None  # of single models; None: as their options or the run's last session have it
    functions: Mapping[str, Any] = field(default_factory=dict)
    observers: Sequence[Observer] = ()
    progress: Progress = lambda what, share: None
    budget: Budget = field(default_factory=Budget)
    prices: Prices | None = None  # None: those of the run's last session
    allow_other_model: bool = False  # go on although the weights are not those that the run began with
    broker: Broker | str | None = None  # hand turns out over it; None: the models are opened in this process
    workers: int = 0  # processes of this machine that answer turns; without a broker they get one of their own
    sharers: int = 1  # processes of this machine, this one included, that share what each model may do at once
    assignment: Assignment = field(default_factory=Assignment)  # of a new run
    description: str | None = None  # of the study of a new run, for people
    whole: bool = False  # a new fork's file holds the past, too
    say: Callable[[str], None] = lambda words: None  # told what is waited for before the run begins


async def played(path: Path, plan: RunPlan, study: Text, settings: Settings) -> None:
    """Play a new run into `path`, which must not exist or hold no event."""
    past = Past(state=start(Stage(plan)), answers={}, attempts={})
    await _play(path, past, settings, begin=RunStarted(study=study, seed=plan.seed))


async def resumed(path: Path, settings: Settings) -> None:
    """Go on with the run in `path`, set as it was unless `settings` say otherwise; a finished one is left as it is."""
    reader = SqliteReader(path)
    try:
        if reader.head().status == "finished":
            return
        started = next(reader.events()).event
        if not isinstance(started, RunStarted):
            raise TypeError("the first event of a record starts its run")
        stage = Stage(lower(from_canonical(started.study.value), seed=started.seed))
        past = recovered(stage, reader.events())
        sessions = sessions_told(reader)
    finally:
        reader.close()
    await _play(path, past, _as_before(settings, sessions, stage.plan), sessions=sessions)


def sessions_told(reader: SqliteReader) -> list[dict[str, Any]]:
    """What the record says of each session so far, in order."""
    events = [recorded.event for recorded in reader.events(kinds="session_started")]
    return [json.loads(event.about.value) for event in events if isinstance(event, SessionStarted)]


def last_settings(sessions: list[dict[str, Any]]) -> dict[str, Any]:
    """Those of the last session."""
    found: dict[str, Any] = sessions[-1].get("settings", {}) if sessions else {}
    return found


def _as_before(settings: Settings, sessions: list[dict[str, Any]], plan: RunPlan) -> Settings:
    before = last_settings(sessions)
    return replace(
        settings,
        durability=settings.durability or before.get("durability"),
        parallel=settings.parallel or before.get("parallel"),
        at_once=before.get("at_once") if settings.at_once is None else settings.at_once,
        prices=paying.recorded(before, plan) if settings.prices is None else settings.prices,
    )


def _limits(settings: Settings, plan: RunPlan) -> dict[str, Any]:
    known = settings.at_once or at_once(plan.models)
    return {"parallel": settings.parallel, **({"at_once": known} if known else {})}


def _check_weights(path: Path, models: Iterable[LanguageModel], sessions: list[dict[str, Any]]) -> None:
    """Refuse to go on with weights that no session of this run has had; raises RecordError."""
    for model in models:
        problem = _other_weights(model.identity(), sessions)
        if problem:
            raise RecordError(
                problem,
                where=str(path),
                remedy="Put the old ones back; or go on with --allow-other-model, which is recorded.",
            )


def _other_weights(identity: Mapping[str, Any], sessions: Sequence[dict[str, Any]]) -> str:
    """What is wrong with a model for a run that has had `sessions`; empty if nothing is."""
    before = [model for about in sessions for model in about.get("models", ())]
    named = [model for model in before if _name(model) == _name(identity)]
    known = {str(model.get("weights")) for model in named or before}
    weights = str(identity.get("weights"))
    if not known or weights in known:
        return ""
    name = identity.get("model", identity.get("backend"))
    return f"the weights of {name} are not those that this run began with ({weights} is new)"


def _name(identity: Mapping[str, Any]) -> tuple[Any, Any]:
    return identity.get("backend"), identity.get("model")


def _models(
    past: Past, settings: Settings, claim: Claim | None, *, clock: Clock, sessions: Sequence[dict[str, Any]]
) -> AbstractAsyncContextManager[Mapping[Model, LanguageModel]]:
    """The plan's models, in this process or at workers."""
    plan = past.state.stage.plan
    surroundings = Surroundings(settings.functions, settings.progress, settings.sharers)
    if claim is None:
        return opened((*plan.models, *encoders(plan)), surroundings, settings.at_once)
    handing = HandingOut(
        claim=claim,
        broker=settings.broker,
        workers=settings.workers,
        clock=clock,
        accepts=lambda identity: "" if settings.allow_other_model else _other_weights(identity, sessions),
        settled=lambda turn: turn < past.state.progress.turns or turn in past.answers,
        say=settings.say,
    )
    return handing.models(plan, surroundings)


async def _play(
    path: Path,
    past: Past,
    settings: Settings,
    *,
    begin: RunStarted | None = None,
    sessions: Sequence[dict[str, Any]] = (),
) -> None:
    clock, plan, prices = SystemClock(), past.state.stage.plan, settings.prices or Prices()
    paying.check(prices, settings.budget, plan, sessions)
    claim = Claim.of(plan.name, sessions, now=clock.now()) if settings.broker or settings.workers else None
    async with _models(past, settings, claim, clock=clock, sessions=sessions) as models:
        durability = settings.durability or "full"
        own = {"durability": durability, **_limits(settings, plan), **paying.told(prices, settings.budget, plan)}
        if settings.allow_other_model:
            own["allow_other_model"] = True
        else:
            _check_weights(path, models.values(), list(sessions))
        beside: dict[str, Any] = {"broker": dict(claim.about(settings.broker))} if claim else {}
        if begin is not None:
            beside |= assignment_written(settings.assignment)
            if settings.description:
                beside["description"] = settings.description
        about = session_about(models, own, lock=lock.place(path), plan=plan, beside=beside)
        log = SqliteLog(path, durability=durability, clock=clock, create=begin is not None)
        try:
            world = World(
                log=log,
                models=models,
                clock=clock,
                observers=settings.observers,
                slots=settings.parallel,
                sharers=settings.sharers,
                hurried=durability == "process",
                budget=settings.budget,
                prices=prices,
            )
            await perform(past, world, about=about, begin=begin)
        finally:
            log.close()

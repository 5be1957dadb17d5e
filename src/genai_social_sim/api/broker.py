"""Models that workers serve: what is handed out over a broker, and what stays here."""

from __future__ import annotations

import json
import os
import socket
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from secrets import token_hex
from typing import Any, Final

from genai_social_sim.api.models import opened
from genai_social_sim.backends.registry import Surroundings
from genai_social_sim.domain.plan import Model, RunPlan
from genai_social_sim.ports import Clock, LanguageModel, Wanted
from genai_social_sim.workers.coordinator import Terms, coordinating
from genai_social_sim.workers.crew import local_crew
from genai_social_sim.workers.roster import Accepts
from genai_social_sim.workers.transports import open_transport

_STAYS: Final = "rule"  # costs nothing, and its function is known here


@dataclass(frozen=True, slots=True, kw_only=True)
class Broker:
    """Where turns are handed out, and on which terms."""

    url: str
    terms: Terms = field(default_factory=Terms)


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """One session's claim on a run: its name at the broker, and which session this is, from 1."""

    run: str
    epoch: int
    coordinator: str

    @classmethod
    def of(cls, name: str, sessions: Sequence[Mapping[str, Any]]) -> Claim:
        """The next claim on a run that has had `sessions`; a run keeps its name."""
        names = [about["broker"]["run"] for about in sessions if "broker" in about]
        run = names[-1] if names else f"{name}-{token_hex(6)}"  # brokers are shared; no result depends on the name
        return cls(run=run, epoch=len(sessions) + 1, coordinator=f"{socket.gethostname()}-{os.getpid()}-{token_hex(3)}")

    def about(self, broker: Broker | str | None) -> dict[str, Any]:
        """For the record; without user and password."""
        url = broker.url if isinstance(broker, Broker) else broker or "of its own"
        scheme, slashes, rest = url.partition("://")
        return {"url": f"{scheme}{slashes}{rest.rpartition('@')[2]}", "run": self.run, "epoch": self.epoch}


@asynccontextmanager
async def handed_out(
    plan: RunPlan,
    surroundings: Surroundings,
    claim: Claim,
    *,
    broker: Broker | str | None,
    workers: int,
    clock: Clock,
    accepts: Accepts,
    settled: Callable[[int], bool],
    say: Callable[[str], None],
) -> AsyncIterator[Mapping[Model, LanguageModel]]:
    """A model for each model of `plan`: served by workers, but for rules and functions that are known here alone."""
    here = [agent for agent in plan.agents if _stays(agent.model, surroundings)]
    sorts = dict.fromkeys(
        (agent.model.backend, agent.model.options) for agent in plan.agents if not _stays(agent.model, surroundings)
    )
    wanted = [Wanted(backend=backend, options=options) for backend, options in sorts]
    async with AsyncExitStack() as stack:
        models = dict(await stack.enter_async_context(opened([agent.model for agent in here], surroundings)))
        if wanted:
            given = Broker(url=broker) if isinstance(broker, str) else broker
            url = given.url if given else ""
            if workers:
                url = await stack.enter_async_context(local_crew(workers, url or None, say))
            transport = open_transport(url)
            stack.push_async_callback(transport.close)
            remote = await stack.enter_async_context(
                coordinating(
                    transport.coordinate(claim.run),
                    run=claim.run,
                    epoch=claim.epoch,
                    coordinator=claim.coordinator,
                    wanted=wanted,
                    terms=given.terms if given else Terms(),
                    clock=clock,
                    accepts=accepts,
                    settled=settled,
                    say=say,
                )
            )
            by_sort = dict(zip(sorts, remote, strict=True))
            models |= {
                agent.model: by_sort[agent.model.backend, agent.model.options]
                for agent in plan.agents
                if agent.model not in models
            }
        yield models


def _stays(model: Model, surroundings: Surroundings) -> bool:
    options = json.loads(model.options)
    return model.backend == _STAYS or options.get("function") in surroundings.functions

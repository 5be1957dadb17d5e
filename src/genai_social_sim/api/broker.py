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
from genai_social_sim.kernel.encoders import encoders
from genai_social_sim.ports import Clock, LanguageModel, Wanted
from genai_social_sim.workers.coordinator import Terms, coordinating
from genai_social_sim.workers.crew import local_crew
from genai_social_sim.workers.ledger import Settled
from genai_social_sim.workers.roster import Accepts
from genai_social_sim.workers.transports import open_transport

_SECONDS: Final = 10**10  # more than a clock will show
_STAYS: Final = "rule"  # costs nothing, and its function is known here


@dataclass(frozen=True, slots=True, kw_only=True)
class Broker:
    """Where turns are handed out, and on which terms."""

    url: str
    terms: Terms = field(default_factory=Terms)


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """One session's claim on a run: its name at the broker, which session this is, from 1, and when it was made."""

    run: str
    epoch: int
    at_s: int  # since the epoch, UTC
    coordinator: str

    @property
    def rank(self) -> int:
        """Of two claims the one with the higher rank has the run.

        A process that is killed before its session is in the record leaves a claim with the number of the next one:
        of those the later has it.
        """
        return self.epoch * _SECONDS + self.at_s

    @classmethod
    def of(cls, name: str, sessions: Sequence[Mapping[str, Any]], *, now: float) -> Claim:
        """The next claim on a run that has had `sessions`; a run keeps its name."""
        names = [about["broker"]["run"] for about in sessions if "broker" in about]
        run = names[-1] if names else f"{name}-{token_hex(6)}"  # brokers are shared; no result depends on the name
        coordinator = f"{socket.gethostname()}-{os.getpid()}-{token_hex(3)}"
        return cls(run=run, epoch=len(sessions) + 1, at_s=int(now), coordinator=coordinator)

    def about(self, broker: Broker | str | None) -> dict[str, Any]:
        """For the record; without user and password."""
        url = broker.url if isinstance(broker, Broker) else broker or "of its own"
        scheme, slashes, rest = url.partition("://")
        return {"url": f"{scheme}{slashes}{rest.rpartition('@')[2]}", "run": self.run, "epoch": self.epoch}


@dataclass(frozen=True, slots=True, kw_only=True)
class HandingOut:
    """How one session's turns are handed out.

    Args:
        claim: The session's claim on the run.
        broker: Where; None is a broker of its own.
        workers: Processes of this machine that answer.
        clock: Time.
        accepts: Why a worker's model may not go on with the run; empty if it may.
        settled: Whether the record holds what became of a turn.
        say: Told what is waited for before the run begins.
    """

    claim: Claim
    broker: Broker | str | None
    workers: int
    clock: Clock
    accepts: Accepts
    settled: Settled
    say: Callable[[str], None]

    @asynccontextmanager
    async def models(self, plan: RunPlan, surroundings: Surroundings) -> AsyncIterator[Mapping[Model, LanguageModel]]:
        """A model for each of `plan`: served by workers, but for rules and functions that are known here alone."""
        wanted = list(plan.models)
        here = [model for model in wanted if _stays(model, surroundings)]
        away = [model for model in wanted if model not in here]
        here += encoders(plan)
        async with AsyncExitStack() as stack:
            models = dict(await stack.enter_async_context(opened(here, surroundings)))
            if away:
                models |= await self._remote(away, stack)
            yield models

    async def _remote(self, wanted: Sequence[Model], stack: AsyncExitStack) -> dict[Model, LanguageModel]:
        broker = Broker(url=self.broker) if isinstance(self.broker, str) else self.broker
        url = broker.url if broker else ""
        sorts = list(dict.fromkeys([(model.backend, model.options) for model in wanted]))
        sought = [Wanted(backend=backend, options=_in_order(options)) for backend, options in sorts]
        if self.workers:
            url = await stack.enter_async_context(local_crew(self.workers, url or None, sought, self.say))
        transport = open_transport(url)
        stack.push_async_callback(transport.close)
        remote = await stack.enter_async_context(
            coordinating(
                transport.coordinate(self.claim.run),
                run=self.claim.run,
                epoch=self.claim.rank,
                goes_on=self.claim.epoch > 1,
                coordinator=self.claim.coordinator,
                wanted=sought,
                terms=broker.terms if broker else Terms(),
                clock=self.clock,
                accepts=self.accepts,
                settled=self.settled,
                say=self.say,
            )
        )
        return {model: remote[sorts.index((model.backend, model.options))] for model in wanted}


def _in_order(options: str) -> str:
    """The same options in one order, so that a resumed run names its models as before."""
    return json.dumps(json.loads(options), sort_keys=True)


def _stays(model: Model, surroundings: Surroundings) -> bool:
    options = json.loads(model.options)
    return model.backend == _STAYS or options.get("function") in surroundings.functions

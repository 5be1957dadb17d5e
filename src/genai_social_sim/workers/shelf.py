"""The models that a worker has open: each when a run first wants it, closed when none has wanted it for a while."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from genai_social_sim.backends import registry
from genai_social_sim.backends.registry import Surroundings
from genai_social_sim.engine.pace import Pace
from genai_social_sim.errors import SocialSimError
from genai_social_sim.ports import LanguageModel, ServedModel, Wanted
from genai_social_sim.workers.identity import fingerprint, plain
from genai_social_sim.workers.trust import Trust

_AGAIN_S: Final = 10.0  # after a model that could not be opened, before it is tried again
_IDLE_S: Final = 300.0  # a model that no run wants is closed after so long
Sort = tuple[str, str]  # backend, options


@dataclass(slots=True)
class Opened:
    """A model and how much of it is in use."""

    model: LanguageModel
    identity: Mapping[str, Any]
    mark: str  # the fingerprint of its identity
    pace: Pace | None  # of the servers behind it, if there are any
    busy: int = 0
    wanted_at: float = 0.0

    def room(self, now: float) -> int:
        """How many more calls it takes now."""
        if self.pace is not None and not self.pace.has_room(self.busy, now):
            return 0
        limit = self.model.slots if self.pace is None or self.pace.is_down else int(self.pace.limit)
        return max(0, (1 if self.pace is not None and self.pace.is_down else limit) - self.busy)


class Shelf:
    """Opens what is trusted, and remembers why it did not open the rest."""

    def __init__(self, trust: Trust, *, now: Callable[[], float], changed: Callable[[], None]) -> None:
        self._trust = trust
        self._now = now
        self._changed = changed
        self._opened: dict[Sort, Opened] = {}
        self._opening: dict[Sort, asyncio.Task[None]] = {}
        self._refused: dict[Sort, tuple[str, float]] = {}

    def find(self, wanted: Wanted) -> Opened | str | None:
        """The model; why it is not served; or None while it is being opened."""
        sort, now = (wanted.backend, wanted.options), self._now()
        opened = self._opened.get(sort)
        if opened is not None:
            opened.wanted_at = now
            if wanted.identity and wanted.identity != opened.mark:
                return f"its {wanted.backend} is another model ({opened.mark[:12]}) than the run's"
            return opened
        why, until = self._refused.get(sort, ("", 0.0))
        if why and now < until:
            return why
        if sort not in self._opening:
            self._opening[sort] = asyncio.create_task(self._open(sort))
        return why or None

    @property
    def is_opening(self) -> bool:
        """Whether a model is being opened."""
        return bool(self._opening)

    async def tidy(self) -> None:
        """Close what no run has wanted for long."""
        idle = [sort for sort, each in self._opened.items() if not each.busy and self._now() - each.wanted_at > _IDLE_S]
        for sort in idle:
            await self._opened.pop(sort).model.close()

    async def close(self) -> None:
        """Close all of them."""
        for task in self._opening.values():
            task.cancel()
        for opened in self._opened.values():
            await opened.model.close()
        self._opened.clear()

    async def _open(self, sort: Sort) -> None:
        backend, text = sort
        try:
            options = json.loads(text)
            refusal = self._trust.refusal(backend, options)
            if not refusal:
                self._opened[sort] = await self._made(backend, options)
            self._refused[sort] = (refusal, float("inf"))
        except SocialSimError as fault:
            self._refused[sort] = (f"{backend} cannot be opened: {fault}", self._now() + _AGAIN_S)
        except Exception as bug:  # noqa: BLE001 (whatever a backend does, the worker serves its other models)
            self._refused[sort] = (f"{backend} failed: {type(bug).__name__}: {bug}", self._now() + _AGAIN_S)
        finally:
            del self._opening[sort]
            self._changed()

    async def _made(self, backend: str, options: Mapping[str, Any]) -> Opened:
        begun = registry.find(backend)(options, Surroundings())
        model = await begun if isinstance(begun, Awaitable) else begun
        identity = plain(model.identity())
        pace = Pace(model.slots) if isinstance(model, ServedModel) else None
        return Opened(model, identity, fingerprint(identity), pace, wanted_at=self._now())

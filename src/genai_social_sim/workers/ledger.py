"""Which results count: those that answer a request that is open, with its digest and by the model wanted.

It does no I/O and knows no broker.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from genai_social_sim.errors import CompletionError
from genai_social_sim.ports import Answer, Failure, WorkItem, WorkResult

_REMEMBERED: Final = 4096  # requests that were answered
_KEPT: Final = 256  # results that came before anybody asked for them: of a session that was killed
Place = tuple[int, int, str]  # turn, attempt, digest of the request: many agents may be asked aside between two turns
Settled = Callable[[int], bool]


@dataclass(slots=True)
class Open:
    """A request that waits for its result."""

    item: WorkItem
    identity: str
    answer: asyncio.Future[Answer]
    asked_at: float
    watched_at: float  # when the broker was last asked whether it still has it


class Ledger:
    """The requests of one session and what became of them.

    Args:
        goes_on: Whether results of an earlier session may be on their way, which nobody has asked for yet.
        settled: Whether the record holds what became of a turn.
    """

    def __init__(self, *, goes_on: bool, settled: Settled) -> None:
        self.open: Final[dict[Place, Open]] = {}
        self._closed: OrderedDict[Place, None] = OrderedDict()
        self._early: OrderedDict[Place, WorkResult] = OrderedDict()
        self._goes_on = goes_on
        self._settled = settled

    def expect(self, item: WorkItem, *, identity: str, now: float) -> Open:
        """Open a request; it is answered at once if its result is there already."""
        place = place_of(item)
        opened = Open(item, identity, asyncio.get_running_loop().create_future(), now, now)
        self.open[place] = opened
        early = self._early.pop(place, None)
        if early is not None and not _differs(early, opened):
            _settle(opened, early)
        return opened

    def close(self, opened: Open) -> None:
        """Nobody waits for this request any more."""
        place = place_of(opened.item)
        if self.open.get(place) is opened:
            del self.open[place]
            self._closed[place] = None
            if len(self._closed) > _REMEMBERED:
                self._closed.popitem(last=False)

    def take(self, result: WorkResult) -> str:
        """Use a result, or say in words why it is not used."""
        place = place_of(result)
        opened = self.open.get(place)
        if opened is None:
            return self._unasked(place, result)
        if opened.answer.done():
            return "its request was answered already"
        if differs := _differs(result, opened):
            return differs
        _settle(opened, result)
        return ""

    def is_known(self, result: WorkResult) -> bool:
        """Whether its request was ever open here."""
        place = place_of(result)
        return place in self.open or place in self._closed or (self._goes_on and self._settled(result.turn))

    def fail(self, fault: BaseException) -> None:
        """End all waiting."""
        for opened in self.open.values():
            if not opened.answer.done():
                opened.answer.set_exception(fault)

    def _unasked(self, place: Place, result: WorkResult) -> str:
        if self.is_known(result):
            return "its request was answered already"
        if not self._goes_on and any(other[:2] == place[:2] for other in self.open):
            return "it echoes another request"
        if not self._goes_on or place in self._early or len(self._early) >= _KEPT:
            return "nobody asked for it"
        self._early[place] = result
        return ""


def place_of(call: WorkItem | WorkResult) -> Place:
    """What tells one request of a run from all others."""
    return call.turn, call.attempt, call.digest


def _differs(result: WorkResult, opened: Open) -> str:
    return "" if result.identity == opened.identity else "another model gave it"


def _settle(opened: Open, result: WorkResult) -> None:
    outcome = result.outcome
    if isinstance(outcome, Failure):
        fault = CompletionError(
            outcome.problem,
            cause=outcome.cause,
            remedy=outcome.remedy,
            retry=outcome.retry,
            retry_after_s=outcome.retry_after_s,
        )
        opened.answer.set_exception(fault)
        opened.answer.exception()  # seen, also if nobody waits any more
        return
    told = {"worker": result.worker, "worked_s": round(result.worked_s, 6)}
    if result.deliveries > 1:
        told["deliveries"] = result.deliveries
    opened.answer.set_result(outcome._replace(notes={**outcome.notes, **told}))

"""A worker: takes items that it has room for, answers them, and keeps each result in hand until the broker has it.

It holds no state that anybody would miss: kill it, and its items go to another when their lease has run out.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass, field, replace
from importlib.metadata import version
from typing import Any, Final

from genai_social_sim.errors import BrokerError, OversizeError
from genai_social_sim.ports import (
    Answer,
    Clock,
    Delivery,
    Failure,
    Hello,
    InstantModel,
    Offer,
    Request,
    Unreadable,
    Wanted,
    WorkerEnd,
    WorkResult,
)
from genai_social_sim.workers.answering import answered, answered_at_once
from genai_social_sim.workers.bodies import UnreadableBodyError, request_of
from genai_social_sim.workers.patience import Patience
from genai_social_sim.workers.shelf import Opened, Shelf
from genai_social_sim.workers.trust import Trust

MOST_DELIVERIES: Final = 5  # an item that was given out more often has killed its workers
_LOOK_S: Final = 1.0  # between two looks at what runs want
_LET_S: Final = 0.05  # how long results of a model that answers at once may wait for each other
_KEPT_S: Final = 20.0  # how long a result is kept for a run that is not there
_MOST_AT_ONCE: Final = 8
Done = tuple[WorkResult, Delivery]


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What a worker has to say: a line for its user, and what it is about."""

    what: str
    words: str


@dataclass(slots=True)
class Tally:
    """What a worker has done."""

    answered: int = 0
    failed: int = 0
    dropped: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerTerms:
    """What a worker's owner wants: whom it trusts, and how many calls at once (None: as many as each model takes)."""

    name: str
    trust: Trust = field(default_factory=Trust)
    slots: int | None = None


class Worker:
    """Serves every run at one broker."""

    def __init__(
        self, end: WorkerEnd, terms: WorkerTerms, *, clock: Clock, tell: Callable[[Told], None] = lambda told: None
    ) -> None:
        self._end = end
        self._terms = terms
        self._clock = clock
        self._tell = tell
        self._package = version("genai-social-sim")
        self.tally: Final = Tally()
        self._look_now = asyncio.Event()
        self._shelf = Shelf(terms.trust, now=clock.elapsed, changed=self._look_now.set)
        self._patience = Patience(
            away=lambda fault: self._say("away", f"the broker is away: {fault}"),
            back=lambda: self._say("back", "the broker is back"),
        )
        self._offers: dict[str, Offer] = {}
        self._models: dict[tuple[str, str], Opened] = {}  # by run and key: what it serves
        self._hands: dict[asyncio.Task[None], Sequence[Delivery]] = {}
        self._woken = asyncio.Event()
        self._leaving = asyncio.Event()
        self._told: set[str] = set()
        self._greeted: dict[tuple[str, str], float] = {}

    def leave(self) -> None:
        """Take nothing more; `work` returns once what is in hand is done."""
        self._leaving.set()
        self._wake()

    async def work(self) -> None:
        """Until it is told to leave."""
        loops = [asyncio.create_task(loop()) for loop in (self._look, self._renew, self._take)]
        leaving = asyncio.create_task(self._leaving.wait())
        try:
            await asyncio.wait([*loops, leaving], return_when=asyncio.FIRST_COMPLETED)
            await asyncio.wait(loops[-1:], timeout=0.0 if self._patience.is_away else 2 * _LOOK_S)
            while self._hands and not any(loop.done() for loop in loops[:-1]):
                await asyncio.wait([*self._hands, *loops[:-1]], return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in (*loops, leaving, *self._hands):
                task.cancel()
            results = await asyncio.gather(*loops, return_exceptions=True)
            await self._shelf.close()
        for result in results:
            if isinstance(result, Exception):
                raise result

    async def _take(self) -> None:
        while not self._leaving.is_set():
            self._woken.clear()
            room = self._room()
            if not room and (self._models or self._shelf.is_opening):
                await _until(self._woken, self._soonest())
                continue
            taken = await self._patience.until_it_works("take", lambda room=room: self._end.take(room, _LOOK_S))  # type: ignore[misc]
            for each in taken:
                if isinstance(each, Unreadable):
                    self._drop(each.why)
            self._begin([each for each in taken if isinstance(each, Delivery)])
            if not room:
                await self._refresh()

    def _room(self) -> dict[tuple[str, str], int]:
        """How many items to take, by run and key: a quarter of what there is room for, so that others get some."""
        now, left = self._clock.elapsed(), math.inf
        if self._terms.slots is not None:
            left = self._terms.slots - sum(map(len, self._hands.values()))
        found = {}
        for place, opened in self._models.items():
            room = min(opened.room(now), left)
            if room > 0:
                found[place] = int(max(1, min(_MOST_AT_ONCE, room // 4)))
        return found

    def _soonest(self) -> float:
        """When there may be room again although no call ends."""
        rests = [opened.pace.rests_until for opened in self._models.values() if opened.pace is not None]
        waits = [at - self._clock.elapsed() for at in rests]
        return min([_LOOK_S, *(wait for wait in waits if wait > 0)])

    def _begin(self, deliveries: Sequence[Delivery]) -> None:
        """Set about what was taken: each by itself, or all that one model answers at once."""
        at_once: dict[int, tuple[Opened, list[Delivery]]] = {}
        for delivery in deliveries:
            opened = self._models.get((delivery.item.run, delivery.item.key))
            if opened is None:
                self._drop(f"an item for a model that was not asked for ({delivery.item.key})")
            elif isinstance(opened.model, InstantModel):
                at_once.setdefault(id(opened), (opened, []))[1].append(delivery)
            else:
                self._take_up(opened, [delivery], self._serve(delivery, opened))
        for opened, several in at_once.values():
            self._take_up(opened, several, self._serve_at_once(several, opened))

    def _take_up(self, opened: Opened, deliveries: Sequence[Delivery], work: Coroutine[Any, Any, None]) -> None:
        opened.busy += len(deliveries)
        task = asyncio.create_task(work)
        self._hands[task] = deliveries
        task.add_done_callback(lambda task: self._let_go(task, opened))

    def _let_go(self, task: asyncio.Task[None], opened: Opened) -> None:
        opened.busy -= len(self._hands.pop(task))
        self._wake()
        if not task.cancelled() and (fault := task.exception()) is not None:
            self._say("bug", f"a result was lost: {type(fault).__name__}: {fault}")

    async def _serve(self, delivery: Delivery, opened: Opened) -> None:
        began = self._clock.elapsed()
        request = self._request(delivery)
        outcome = await answered(opened.model, request) if isinstance(request, Request) else request
        if outcome is not None:
            await self._hand_in([(self._result(delivery, opened, outcome, began), delivery)])

    async def _serve_at_once(self, deliveries: Sequence[Delivery], opened: Opened) -> None:
        """Answer them one after the other; results go together, unless one has taken long."""
        done: list[Done] = []
        since = self._clock.elapsed()
        for delivery in deliveries:
            began = self._clock.elapsed()
            if done and began - since > _LET_S:
                await self._hand_in(done)
                done, since = [], self._clock.elapsed()
            request = self._request(delivery)
            outcome = answered_at_once(opened.model, request) if isinstance(request, Request) else request  # type: ignore[arg-type]
            if outcome is not None:
                done.append((self._result(delivery, opened, outcome, began), delivery))
        if done:
            await self._hand_in(done)

    def _request(self, delivery: Delivery) -> Request | Failure | None:
        """What is asked; or what comes of an item that is not to be tried again; or nothing, of one that is none."""
        if delivery.times > MOST_DELIVERIES:
            before = delivery.times - 1
            return Failure(problem=f"it was given to {before} workers, and none of them came back", retry=False)
        try:
            return request_of(delivery.item.body, deadline_s=delivery.item.deadline_s)
        except UnreadableBodyError as fault:
            self._drop(str(fault))
            return None

    def _result(self, delivery: Delivery, opened: Opened, outcome: Answer | Failure, began: float) -> WorkResult:
        item, worked_s = delivery.item, self._clock.elapsed() - began
        self._adapt(opened, outcome, worked_s)
        return WorkResult(
            run=item.run,
            epoch=item.epoch,
            turn=item.turn,
            attempt=item.attempt,
            digest=item.digest,
            identity=opened.mark,
            worker=self._terms.name,
            deliveries=delivery.times,
            worked_s=worked_s,
            outcome=outcome,
        )

    async def _hand_in(self, done: Sequence[Done]) -> None:
        """Give results to the broker, however long that is away; for a while also to a run that is not there."""
        until = self._clock.elapsed() + _KEPT_S
        while done := await self._left(done):
            if self._clock.elapsed() > until:
                for result, _ in done:
                    self._drop(f"nobody takes the result of turn {result.turn} of {result.run}")
                return
            await asyncio.sleep(_LOOK_S)

    async def _left(self, done: Sequence[Done]) -> Sequence[Done]:
        """Report results; gives those that nobody takes now."""
        try:
            taken = await self._patience.until_it_works("report", lambda: self._end.report(done))
        except OversizeError as fault:
            if len(done) > 1:
                return [left for each in done for left in await self._left([each])]
            return await self._left([(_too_long(result, fault), delivery) for result, delivery in done])
        for (result, _), was_taken in zip(done, taken, strict=True):
            if was_taken:
                self._count(result)
        return [each for each, was_taken in zip(done, taken, strict=True) if not was_taken]

    def _count(self, result: WorkResult) -> None:
        if isinstance(result.outcome, Answer):
            self.tally.answered += 1
        else:
            self.tally.failed += 1

    def _adapt(self, opened: Opened, outcome: Answer | Failure, seconds: float) -> None:
        if opened.pace is None:
            return
        now = self._clock.elapsed()
        if isinstance(outcome, Answer):
            change = opened.pace.answered(seconds, now)
        else:
            change = opened.pace.failed(outcome.cause, seconds, now, peace_s=outcome.retry_after_s or 0.0)
        if change:
            words = "does not answer" if change == "server_down" else "answers again"
            self._say(change, f"{opened.identity.get('backend')}: its server {words}")

    async def _renew(self) -> None:
        """Say often enough that what is in hand is worked on."""
        while True:
            leases = [offer.lease_s for offer in self._offers.values()]
            await asyncio.sleep(min([_LOOK_S, *(lease / 3 for lease in leases)]))
            if self._hands:
                held = [delivery for deliveries in self._hands.values() for delivery in deliveries]
                await self._patience.until_it_works("renew", lambda held=held: self._end.renew(held))  # type: ignore[misc]

    async def _look(self) -> None:
        while True:
            await self._refresh()
            await self._shelf.tidy()
            await _until(self._look_now, _LOOK_S)
            self._look_now.clear()

    async def _refresh(self) -> None:
        """See what runs want, open it, and tell them what they get."""
        offers = await self._patience.until_it_works("offers", self._end.offers)
        found: dict[str, Offer] = {}
        for offer in offers:
            if isinstance(offer, Unreadable):
                self._once("refused", f"run {offer.sender} is not served: {offer.why}; install the same release")
            else:
                found[offer.run] = offer
        self._offers = found
        self._models = {}
        hellos = []
        for offer in found.values():
            for wanted in offer.wanted:
                hello = self._considered(offer, wanted)
                if hello is not None and self._is_due(hello, offer.lease_s):
                    hellos.append(hello)
        self._greeted = {place: at for place, at in self._greeted.items() if place[0] in found}
        self._wake()
        if hellos:
            try:
                await self._end.report([(hello, None) for hello in hellos])
            except (BrokerError, OversizeError):
                self._greeted.clear()  # at the next look

    def _considered(self, offer: Offer, wanted: Wanted) -> Hello | None:
        opened = self._shelf.find(wanted)
        if opened is None:
            return None
        hello = Hello(run=offer.run, worker=self._terms.name, key=wanted.key, package=self._package, refusal="")
        if isinstance(opened, str):
            self._once("refused", f"{wanted.backend} for run {offer.run}: {opened}")
            return replace(hello, refusal=opened)
        if wanted.identity:  # else no item is handed out before it is known
            self._models[offer.run, wanted.key] = opened
        self._once("serves", f"serves {wanted.backend} ({opened.mark[:12]}) for run {offer.run}")
        return replace(hello, identity=opened.identity, slots=opened.model.slots)

    def _is_due(self, hello: Hello, lease_s: float) -> bool:
        place, now = (hello.run, hello.key + hello.refusal), self._clock.elapsed()
        if now - self._greeted.get(place, -math.inf) < lease_s / 2:
            return False
        self._greeted[place] = now
        return True

    def _drop(self, why: str) -> None:
        self.tally.dropped += 1
        self._say("dropped", f"a message was dropped: {why}")

    def _once(self, what: str, words: str) -> None:
        if words not in self._told:
            self._told.add(words)
            self._say(what, words)

    def _say(self, what: str, words: str) -> None:
        self._tell(Told(what=what, words=words))

    def _wake(self) -> None:
        self._woken.set()


async def _until(event: asyncio.Event, longest_s: float) -> None:
    try:
        async with asyncio.timeout(longest_s):
            await event.wait()
    except TimeoutError:
        return


def _too_long(result: WorkResult, fault: OversizeError) -> WorkResult:
    failure = Failure(problem=f"its answer cannot be sent: {fault.problem}", remedy=fault.remedy, retry=False)
    return replace(result, outcome=failure)

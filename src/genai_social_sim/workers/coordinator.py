"""The coordinator's side of a broker: requests go out as items, and each comes back once as an answer or a failure.

The broker is trusted with nothing: what it forgets is handed out again, what it doubles is used once, what comes from
elsewhere is dropped. To the engine all this is a `LanguageModel`.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, replace
from hashlib import sha256
from importlib.metadata import version
from typing import Any, Final

from genai_social_sim.domain.events import Notice, Noticed
from genai_social_sim.domain.text import Text
from genai_social_sim.errors import BrokerError, FencedError
from genai_social_sim.ports import (
    Answer,
    Arrival,
    Clock,
    CoordinatorEnd,
    Hello,
    Offer,
    Request,
    Unreadable,
    Wanted,
    WorkItem,
    WorkResult,
)
from genai_social_sim.workers.bodies import body_of
from genai_social_sim.workers.ledger import Ledger, Settled, place_of
from genai_social_sim.workers.patience import Patience
from genai_social_sim.workers.roster import Accepts, Roster

_CLEARED_S: Final = 5.0  # how long tidying up may take
_FIRST_WORD_S: Final = 8.0  # without a worker, until that is said: one of this machine takes seconds to start
_FURTHER_WORDS_S: Final = 60.0
_TOLD: Final = 5  # messages that made no sense that are told one by one


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """How long is waited for what, in seconds; what is not given follows from the lease."""

    lease_s: float = 15.0  # a worker that says nothing for so long has lost its work to another
    slots: int = 64  # items handed out at once, for each model

    @property
    def beat_s(self) -> float:
        """Between two signs of life."""
        return min(1.0, self.lease_s / 3)

    @property
    def patience_s(self) -> float:
        """Without a word from a worker until it counts as gone."""
        return 2 * self.lease_s


class Coordinator:
    """Hands out the requests of one session of one run. Use it through `coordinating`."""

    def __init__(
        self,
        end: CoordinatorEnd,
        offer: Offer,
        roster: Roster,
        *,
        terms: Terms,
        clock: Clock,
        goes_on: bool,
        settled: Settled = lambda turn: False,
    ) -> None:
        self._end = end
        self._offer = offer
        self._terms = terms
        self._clock = clock
        self.roster: Final = roster
        self._ledger = Ledger(goes_on=goes_on, settled=settled)
        self._patience = Patience(away=self._away, back=lambda: self.notice("broker_back", "it answers again"))
        self._outbox: list[WorkItem] = []
        self._some = asyncio.Event()
        self._joined = asyncio.Event()
        self._announcing = asyncio.Lock()
        self._fault: BaseException | None = None
        self._unheard: list[Noticed] = []
        self._listener: Callable[[Noticed], None] = self._unheard.append
        self._dropped = 0
        self._tasks: list[asyncio.Task[None]] = []

    async def start(self) -> None:
        """Claim the run; raises BrokerError if there is no broker, FencedError if the run is somebody else's."""
        await self._announce()
        for loop in (self._send, self._receive, self._beat):
            task = asyncio.create_task(loop(), name=f"coordinator {loop.__name__}")
            task.add_done_callback(self._ended)
            self._tasks.append(task)

    async def stop(self) -> None:
        """End the loops and leave nothing at the broker."""
        with suppress(TimeoutError):  # an announcement under way would arrive after the names are cleared
            async with asyncio.timeout(_CLEARED_S):
                await self._announcing.acquire()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if isinstance(self._fault, FencedError):
            return  # the names are another's now
        with suppress(BrokerError, TimeoutError):  # a broker that is away keeps its names until they expire
            async with asyncio.timeout(_CLEARED_S):
                await self._end.clear()

    def report_to(self, listener: Callable[[Noticed], None]) -> None:
        """Where notices go; what was noticed before goes there first."""
        self._listener = listener
        unheard, self._unheard = self._unheard, []
        for notice in unheard:
            listener(notice)

    async def identified(self, say: Callable[[str], None]) -> None:
        """Until workers have said for each model what they are; says after a while what is missing, and why."""
        patience_s, told = _FIRST_WORD_S, 0
        while not self.roster.is_identified:
            if self._fault is not None:
                raise self._fault
            try:
                async with asyncio.timeout(patience_s):
                    await self._joined.wait()
            except TimeoutError:
                patience_s = _FURTHER_WORDS_S
                for number, wanted in enumerate(self.roster.wanted):
                    if not wanted.identity:
                        say(f"waiting for a worker: {self.roster.lacks(number)}")
            for notice in self._unheard[told:]:
                if notice.what != "worker_joined":
                    say(f"{notice.what.replace('_', ' ')}: {notice.detail.value}")
            told = len(self._unheard)
            self._joined.clear()
        await self._patience.until_it_works("announce", self._announce)

    async def ask(self, wanted: Wanted, request: Request) -> Answer:
        """Hand out a request and wait for its answer; raises the CompletionError that a worker reported."""
        if self._fault is not None:
            raise self._fault
        item = self._item(wanted, request)
        opened = self._ledger.expect(item, identity=wanted.identity, now=self._clock.elapsed())
        try:
            if not opened.answer.done():
                self._outbox.append(item)
                self._some.set()
            return await opened.answer
        finally:
            self._ledger.close(opened)

    def notice(self, what: Notice, words: str, *, turn: int | None = None) -> None:
        """Say something for the record."""
        self._listener(Noticed(what=what, turn=turn, detail=Text.of(words)))

    def _item(self, wanted: Wanted, request: Request) -> WorkItem:
        body = body_of(request)
        return WorkItem(
            run=self._offer.run,
            epoch=self._offer.epoch,
            turn=request.turn,
            attempt=request.attempt,
            key=wanted.key,
            deadline_s=request.limits.answer_s,
            digest=sha256(body).hexdigest(),
            body=body,
        )

    def _current_offer(self) -> Offer:
        return replace(self._offer, wanted=tuple(self.roster.wanted))

    async def _announce(self) -> None:
        async with self._announcing:
            await self._end.announce(self._current_offer())

    async def _send(self) -> None:
        while True:
            await self._some.wait()
            self._some.clear()
            items, self._outbox = self._outbox, []
            await self._patience.until_it_works("send", lambda items=items: self._end.send(items))  # type: ignore[misc]

    async def _receive(self) -> None:
        while True:
            arrivals = await self._patience.until_it_works("receive", lambda: self._end.receive(self._terms.beat_s))
            for arrival in arrivals:
                self._take(arrival)

    async def _beat(self) -> None:
        while True:
            await asyncio.sleep(self._terms.beat_s)
            await self._patience.until_it_works("announce", self._announce)
            await self._patience.until_it_works("watch", self._watch)
            self._look_for_workers()

    async def _watch(self) -> None:
        """Hand out again what the broker has forgotten."""
        now = self._clock.elapsed()
        watched = [each for each in self._ledger.open.values() if now - each.watched_at >= self._terms.lease_s]
        if not watched:
            return
        for item in await self._end.send([each.item for each in watched], again=True):
            self.notice("sent_again", f"the broker had forgotten attempt {item.attempt}", turn=item.turn)
        for each in watched:
            each.watched_at = now

    def _look_for_workers(self) -> None:
        now = self._clock.elapsed()
        waiting = [each for each in self._ledger.open.values() if now - each.asked_at >= self._terms.patience_s]
        for notice in self.roster.missing({each.item.key for each in waiting}, now):
            self._listener(notice)

    def _take(self, arrival: Arrival) -> None:
        now = self._clock.elapsed()
        match arrival:
            case Hello():
                for notice in self.roster.hello(arrival, now):
                    self._listener(notice)
                self._joined.set()
            case WorkResult():
                self._result(arrival, now)
            case Unreadable():
                self._drop(f"{arrival.sender}: {arrival.why}" if arrival.sender else arrival.why)

    def _result(self, result: WorkResult, now: float) -> None:
        opened = self._ledger.open.get(place_of(result))
        if opened is not None:
            self.roster.worked(result.worker, opened.item.key, now)
        known = self._ledger.is_known(result)
        problem = self._ledger.take(result) if result.run == self._offer.run else "it is of another run"
        if not problem:
            return
        words = f"{result.worker}, attempt {result.attempt}: {problem} ({_weight(result)})"
        if known:
            self.notice("result_unused", words, turn=result.turn)
        else:
            self._drop(words)

    def _drop(self, why: str) -> None:
        """Tell the first few, then each time their number has doubled: strangers cannot fill the record."""
        self._dropped += 1
        if self._dropped <= _TOLD or self._dropped & (self._dropped - 1) == 0:
            self.notice("message_dropped", f"{why} (number {self._dropped})")

    def _away(self, fault: BrokerError) -> None:
        self.notice("broker_away", str(fault))

    def _ended(self, task: asyncio.Task[None]) -> None:
        """A loop ended: of itself only because it was fenced off, or by a bug."""
        if task.cancelled() or (fault := task.exception()) is None:
            return
        self._fault = self._fault or fault
        self._ledger.fail(fault)
        self._joined.set()


class RemoteModel:
    """A model that workers serve, as the engine sees it."""

    def __init__(self, coordinator: Coordinator, number: int, *, slots: int) -> None:
        self._coordinator = coordinator
        self._number = number
        self.slots: Final = slots

    def identity(self) -> Mapping[str, Any]:
        """What the first worker said of its model; all others have the same."""
        return self._coordinator.roster.identities[self._number]

    async def complete(self, request: Request) -> Answer:
        """Hand it out and wait, however long the broker is away or no worker is there."""
        return await self._coordinator.ask(self._coordinator.roster.wanted[self._number], request)

    def report_to(self, notice: Callable[[Noticed], None]) -> None:
        """Where notices go."""
        self._coordinator.report_to(notice)

    async def close(self) -> None:
        """Nothing of its own to give back."""


@asynccontextmanager
async def coordinating(
    end: CoordinatorEnd,
    *,
    run: str,
    epoch: int,
    coordinator: str,
    goes_on: bool,
    wanted: Sequence[Wanted],
    terms: Terms,
    clock: Clock,
    accepts: Accepts = lambda identity: "",
    settled: Settled = lambda turn: False,
    say: Callable[[str], None] = lambda words: None,
) -> AsyncIterator[list[RemoteModel]]:
    """A model for each of `wanted`, once workers have said what they are.

    `goes_on`: an earlier session has handed out turns, whose results may be on their way.

    Raises:
        BrokerError: If there is no broker.
        FencedError: If another coordinator works on this run.
    """
    offer = Offer(
        run=run,
        epoch=epoch,
        coordinator=coordinator,
        lease_s=terms.lease_s,
        wanted=tuple(wanted),
        package=version("genai-social-sim"),
    )
    roster = Roster(wanted, accepts=accepts, patience_s=terms.patience_s)
    made = Coordinator(end, offer, roster, terms=terms, clock=clock, goes_on=goes_on, settled=settled)
    await made.start()
    try:
        await made.identified(say)
        yield [RemoteModel(made, number, slots=terms.slots) for number in range(len(wanted))]
    finally:
        await made.stop()


def _weight(result: WorkResult) -> str:
    """What a result was, for one that is not used."""
    outcome = result.outcome
    if not isinstance(outcome, Answer):
        return f"a failure after {result.worked_s:.1f} s"
    text = Text.of(outcome.text).digest.hex()[:12]
    return f"{outcome.answer_tokens} tokens in {result.worked_s:.1f} s, text {text}"

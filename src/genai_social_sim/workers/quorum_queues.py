"""RabbitMQ 3.10 and newer: a quorum queue for each model that a run wants, and one for what workers send.

An unacknowledged delivery is the lease: its connection holds it, and a worker that says nothing for longer than the
lease gives it back by itself. What AMQP has no words for, which items are handed out, lies in a queue of one message.
Names of a run R: gss.R.jobs.KEY, gss.R.reports, gss.R.held; of all: the stream gss.offers (see `offer_stream`).
"""

from __future__ import annotations

import asyncio
import json
from collections import OrderedDict
from collections.abc import Coroutine, Mapping, Sequence
from contextlib import suppress
from typing import Any, Final

from aiormq.exceptions import AMQPError

from genai_social_sim.errors import BrokerError
from genai_social_sim.ports import (
    Arrival,
    CoordinatorEnd,
    Delivery,
    Failure,
    Health,
    Holding,
    Offer,
    Report,
    Unreadable,
    WorkerEnd,
    WorkItem,
    WorkResult,
)
from genai_social_sim.workers.amqp_line import Hands, Held, Line
from genai_social_sim.workers.offer_stream import OfferStream, reports_name
from genai_social_sim.workers.wire import item_from, item_to, report_from, report_to

_MOST: Final = 256  # reports that are read at once
_KEPT_MS: Final = 3_600_000  # a queue that nobody used for so long goes
_MOST_RETURNS: Final = 4  # an item that comes back once more has killed five workers
_LEASE_S: Final = 15.0  # of a run that was not heard of
_GRACE_S: Final = 10.0  # beyond its deadline and lease, after which an item of which nothing is heard counts as lost
_REMEMBERED: Final = 4096
_LONGEST_MS: Final = 86_400_000  # of an answer, where the server lets a queue say so (3.12)
_QUORUM: Final = {
    "x-queue-type": "quorum",
    "x-expires": _KEPT_MS,
    "x-max-length": 100_000,
    "x-overflow": "reject-publish",
}


def open_transport(url: str) -> QuorumTransport:
    """A transport at `amqp://` or `amqps://`; connects when it is first used."""
    return QuorumTransport(url)


def jobs_name(run: str, key: str) -> str:
    """The queue of items for one model."""
    return f"gss.{run}.jobs.{key}"


def held_name(run: str) -> str:
    """The queue whose one message names the items that are handed out."""
    return f"gss.{run}.held"


class QuorumTransport:
    """A RabbitMQ server or cluster."""

    def __init__(self, url: str) -> None:
        self._line = Line(url)
        self._offers = OfferStream(self._line)

    def coordinate(self, run: str) -> CoordinatorEnd:
        """The coordinator's end for one run."""
        return _QuorumCoordinator(self._line, self._offers, run)

    def serve(self, worker: str) -> WorkerEnd:
        """A worker's end."""
        return _QuorumWorker(self._line, self._offers)

    async def health(self) -> Sequence[Health]:
        """Version, quorum queues and streams, rights, alarms, and how long an answer may take."""
        from genai_social_sim.workers.quorum_health import examined

        async with self._line.talking(10.0):
            return await examined(self._line)

    async def holding(self, run: str) -> Holding | None:
        """What waits in the run's queues; AMQP has no words for what workers have."""
        async with self._line.talking():
            await self._offers.offers()
            keys = self._offers.keys(run)
            waiting = [await self._line.waiting(jobs_name(run, key)) or 0 for key in keys]
        return Holding(sum(waiting), None) if keys else None

    async def close(self) -> None:
        """Let go of the connections."""
        await self._line.close()


class _QuorumCoordinator:
    def __init__(self, line: Line, offers: OfferStream, run: str) -> None:
        self._line = line
        self._offers = offers
        self._run = run
        self._hands = Hands(line)
        self._offer: Offer | None = None
        self._held: dict[str, dict[str, float]] = {}  # by key: items that the broker has, and since when it is quiet

    async def announce(self, offer: Offer) -> None:
        async with self._line.talking():
            await self._made(offer)
            await self._offers.claim(offer)
            self._offer = offer

    async def send(self, items: Sequence[WorkItem], *, again: bool = False) -> Sequence[WorkItem]:
        async with self._line.talking():
            if again and await self._line.waiting(reports_name(self._run)):
                return []
            if again:
                await self._doubt(items)
            fresh = [item for item in items if _name(item) not in self._held.get(item.key, ())]
            await self._sent(fresh)
            return fresh

    async def receive(self, longest_s: float) -> Sequence[Arrival]:
        async with self._line.talking(longest_s):
            messages = await self._hands.taken({reports_name(self._run): _MOST}, longest_s)
            if self._offer is not None:
                self._offers.check(self._offer)
            arrivals = [self._arrival(message) for message in messages]
            for message in messages:
                self._forget(message.about)
            if messages:
                with suppress(AMQPError, OSError, TimeoutError):  # at worst a successor waits for what is done
                    await self._noted()
                for message in messages:
                    await message.done()
            return arrivals

    async def clear(self) -> None:
        offer = self._offer
        if offer is None:
            return
        async with self._line.talking():
            keys = self._offers.keys(self._run) | {wanted.key for wanted in offer.wanted}
            self._offers.check(offer)  # the names are another's now
            for queue in (*(jobs_name(self._run, key) for key in keys), held_name(self._run), reports_name(self._run)):
                await self._line.remove(queue)
            await self._offers.withdraw(offer)

    async def _made(self, offer: Offer) -> None:
        """See that the run's queues are there; what was in those that are not is handed out again when it is late."""
        run, reports = self._run, reports_name(self._run)
        keys = [wanted.key for wanted in offer.wanted if wanted.identity]
        for queue in (reports, held_name(run), *(jobs_name(run, key) for key in keys)):
            if self._line.is_mute(queue):
                await self._line.remove(queue)
        if await self._line.waiting(reports) is None:
            self._held.clear()
        elif self._offer is None and await self._line.waiting(held_name(run)):
            self._held = await self._found()
        await self._line.make(reports, _QUORUM)
        await self._line.make(held_name(run), {**_QUORUM, "x-max-length": 1, "x-overflow": "drop-head"})
        jobs = {
            **_QUORUM,
            "x-consumer-timeout": _LONGEST_MS,
            "x-delivery-limit": _MOST_RETURNS,
            "x-dead-letter-exchange": "",
            "x-dead-letter-routing-key": reports,
        }
        for key in keys:
            if await self._line.waiting(jobs_name(run, key)) is None:
                self._held.pop(key, None)
            await self._line.make(jobs_name(run, key), jobs)

    async def _sent(self, items: Sequence[WorkItem]) -> None:
        if not items:
            return
        now = asyncio.get_running_loop().time()
        for item in items:
            self._held.setdefault(item.key, {})[_name(item)] = now
        there: set[str] = set()
        try:
            await _all([*[self._put(item, there) for item in items], self._noted()])
        finally:
            for name in {_name(item) for item in items} - there:
                self._forget(name)
        if len(there) < len(items):
            raise BrokerError("a queue of this run is gone; it is made anew", where=self._line.where)

    async def _put(self, item: WorkItem, there: set[str]) -> None:
        if await self._line.publish(jobs_name(self._run, item.key), item_to(item)):
            there.add(_name(item))

    async def _doubt(self, items: Sequence[WorkItem]) -> None:
        """Take an item for lost if none waits, none has come, and whoever had it must have reported long ago."""
        now = asyncio.get_running_loop().time()
        lease_s = self._offers.lease_s(self._run, _LEASE_S)
        for key in {item.key for item in items}:
            waits = await self._line.waiting(jobs_name(self._run, key))
            held = self._held.get(key, {})
            for item in items:
                if item.key != key or _name(item) not in held:
                    continue
                if waits:
                    held[_name(item)] = now
                elif now - held[_name(item)] > item.deadline_s + lease_s + _GRACE_S:
                    del held[_name(item)]

    async def _noted(self) -> None:
        """Let a successor know which items are handed out."""
        names = {key: list(held) for key, held in self._held.items()}
        await self._line.publish(held_name(self._run), json.dumps(names).encode())

    async def _found(self) -> dict[str, dict[str, float]]:
        """What a predecessor has noted."""
        now = asyncio.get_running_loop().time()
        found: dict[str, dict[str, float]] = {}
        for message in await self._hands.taken({held_name(self._run): 1}, 1.0):
            with suppress(ValueError, TypeError, AttributeError):  # a stranger's
                found = {key: {str(name): now for name in names} for key, names in json.loads(message.body).items()}
            await self._line.publish(held_name(self._run), message.body)
            await message.done()
        return found

    def _forget(self, name: str) -> None:
        for held in self._held.values():
            held.pop(name, None)

    def _arrival(self, message: Held) -> Arrival:
        """A report; or an item that the broker gives up, as the failure that it is."""
        if message.headers.get("x-first-death-reason") is None:
            return report_from(message.body)
        item = item_from(message.body)
        if isinstance(item, Unreadable):
            return item
        self._forget(_name(item))
        wanted = self._offer.wanted if self._offer else ()
        identity = next((each.identity for each in wanted if each.key == item.key), "")
        if message.headers["x-first-death-reason"] != "delivery_limit" or not identity:
            return Unreadable(why=f"the broker gave up turn {item.turn} ({message.headers['x-first-death-reason']})")
        return WorkResult(
            run=item.run,
            epoch=item.epoch,
            turn=item.turn,
            attempt=item.attempt,
            digest=item.digest,
            identity=identity,
            worker="the broker",
            deliveries=_MOST_RETURNS + 1,
            worked_s=0.0,
            outcome=Failure(
                problem=f"it was given to {_MOST_RETURNS + 1} workers, and none of them came back", retry=False
            ),
        )


class _QuorumWorker:
    def __init__(self, line: Line, offers: OfferStream) -> None:
        self._line = line
        self._offers = offers
        self._hands = Hands(line)
        self._held: dict[str, Held] = {}  # by the message's name: what is worked on
        self._leases: dict[str, asyncio.TimerHandle] = {}
        self._reported: OrderedDict[str, None] = OrderedDict()
        self._returning: set[asyncio.Task[None]] = set()

    async def offers(self) -> Sequence[Offer | Unreadable]:
        async with self._line.talking():
            return await self._offers.offers()

    async def take(self, room: Mapping[tuple[str, str], int], longest_s: float) -> Sequence[Delivery | Unreadable]:
        async with self._line.talking(longest_s):
            if not room:
                await self._offers.change(longest_s)
                return []
            queues = {jobs_name(*place): most for place, most in room.items()}
            messages = await self._hands.taken(queues, longest_s)
            taken = [await self._delivery(message) for message in messages]
            return [each for each in taken if each is not None]

    async def renew(self, deliveries: Sequence[Delivery]) -> None:
        for delivery in deliveries:
            if delivery.token in self._leases:
                self._lease(delivery.token, delivery.item.run)

    async def report(self, told: Sequence[tuple[Report, Delivery | None]]) -> Sequence[bool]:
        async with self._line.talking():
            return await asyncio.gather(*[self._told(report, delivery) for report, delivery in told])

    async def _told(self, report: Report, delivery: Delivery | None) -> bool:
        about = "" if delivery is None else _name(delivery.item)  # it is done, also if the report makes no sense
        if not await self._line.publish(reports_name(report.run), report_to(report), about=about):
            return False
        if delivery is not None:
            self._reported[delivery.token] = None
            if len(self._reported) > _REMEMBERED:
                self._reported.popitem(last=False)
            held = self._let_go(delivery.token)
            if held is not None:
                with suppress(AMQPError, OSError):  # the result is there; at worst the item is given out again
                    await held.done()
        return True

    async def _delivery(self, message: Held) -> Delivery | Unreadable | None:
        """What to work on; nothing if this worker has it or has answered it, and only its connection was cut."""
        item = item_from(message.body)
        if isinstance(item, Unreadable) or message.id in self._reported:
            await message.done()
            return item if isinstance(item, Unreadable) else None
        known = message.id in self._held
        self._held[message.id] = message
        self._lease(message.id, item.run)
        return None if known else Delivery(item, message.times, message.id)

    def _lease(self, name: str, run: str) -> None:
        """Begin a lease anew."""
        if name in self._leases:
            self._leases[name].cancel()
        seconds = self._offers.lease_s(run, _LEASE_S)
        self._leases[name] = asyncio.get_running_loop().call_later(seconds, self._lapsed, name)

    def _lapsed(self, name: str) -> None:
        """Nobody in this process speaks for a delivery any more: give it back."""
        held = self._let_go(name)
        if held is not None:
            task = asyncio.ensure_future(_given_back(held))
            self._returning.add(task)
            task.add_done_callback(self._returning.discard)

    def _let_go(self, name: str) -> Held | None:
        lease = self._leases.pop(name, None)
        if lease is not None:
            lease.cancel()
        return self._held.pop(name, None)


async def _all(work: Sequence[Coroutine[Any, Any, None]]) -> None:
    """Do all of it, whatever fails; raises the first failure."""
    for outcome in await asyncio.gather(*work, return_exceptions=True):
        if isinstance(outcome, BaseException):
            raise outcome


async def _given_back(held: Held) -> None:
    with suppress(AMQPError, OSError):  # a connection that is gone has given it back
        await held.give_back()


def _name(item: WorkItem) -> str:
    return f"{item.turn}.{item.attempt}.{item.digest[:16]}"

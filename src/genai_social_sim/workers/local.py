"""A broker inside the process: what every broker has to do, in the fewest lines, for tests and trials.

A run in one process needs no broker: the engine calls its backends directly.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from genai_social_sim.errors import FencedError
from genai_social_sim.ports import (
    Arrival,
    Clock,
    CoordinatorEnd,
    Delivery,
    Health,
    Holding,
    Offer,
    Report,
    Unreadable,
    WorkerEnd,
    WorkItem,
    WorkResult,
)
from genai_social_sim.workers.wire import item_from, item_to, offer_from, offer_to, report_to, reports_from

Name = tuple[int, int, str]  # turn, attempt, digest


@dataclass(slots=True)
class _Held:
    message: bytes
    worker: str = ""
    renewed_at: float = 0.0
    times: int = 0


@dataclass(slots=True)
class _Run:
    offer: bytes
    lease_s: float
    items: dict[str, dict[Name, _Held]] = field(default_factory=dict)  # by key
    reports: deque[bytes] = field(default_factory=deque)


class LocalTransport:
    """A broker whose clock is `clock`; all ends of one object belong together."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.runs: dict[str, _Run] = {}
        self._changed = asyncio.Condition()

    def coordinate(self, run: str) -> CoordinatorEnd:
        """The coordinator's end for one run."""
        return _LocalCoordinator(self, run)

    def serve(self, worker: str) -> WorkerEnd:
        """A worker's end."""
        return _LocalWorker(self, worker)

    async def health(self) -> Sequence[Health]:
        """It lives as long as the process."""
        return [Health(what="broker", state="ok", found="inside this process")]

    async def holding(self, run: str) -> Holding | None:
        """Of all its models together."""
        found = self.runs.get(run)
        if found is None:
            return None
        held = [bool(item.worker) for items in found.items.values() for item in items.values()]
        return Holding(held.count(False), held.count(True))

    async def close(self) -> None:
        """Nothing to let go of."""

    def wipe(self) -> None:
        """Forget everything, as a broker that is restarted without its data."""
        self.runs.clear()

    async def change(self) -> None:
        """Wake whoever waits."""
        async with self._changed:
            self._changed.notify_all()

    async def changed(self, longest_s: float) -> None:
        """Until something changed."""
        try:
            async with asyncio.timeout(longest_s), self._changed:
                await self._changed.wait()
        except TimeoutError:
            return


class _LocalCoordinator:
    def __init__(self, broker: LocalTransport, run: str) -> None:
        self._broker = broker
        self._run = run

    async def announce(self, offer: Offer) -> None:
        found = self._broker.runs.get(self._run)
        before = None if found is None else offer_from(found.offer)
        if isinstance(before, Offer) and before.coordinator != offer.coordinator and before.epoch >= offer.epoch:
            raise FencedError(f"another coordinator works on this run ({before.coordinator})")
        if found is None:
            self._broker.runs[self._run] = _Run(offer_to(offer), offer.lease_s)
        else:
            found.offer, found.lease_s = offer_to(offer), offer.lease_s
        await self._broker.change()

    async def send(self, items: Sequence[WorkItem], *, again: bool = False) -> Sequence[WorkItem]:
        run = self._broker.runs.get(self._run)
        if run is None or (again and run.reports):
            return []
        added = []
        for item in items:
            held = run.items.setdefault(item.key, {})
            if _name(item) not in held:
                held[_name(item)] = _Held(item_to(item))
                added.append(item)
        await self._broker.change()
        return added

    async def receive(self, longest_s: float) -> Sequence[Arrival]:
        run = self._broker.runs.get(self._run)
        if run is None or not run.reports:
            await self._broker.changed(longest_s)
            run = self._broker.runs.get(self._run)
        reports = list(run.reports) if run else []
        if run is not None:
            run.reports.clear()
        return [arrival for report in reports for arrival in reports_from(report)]

    async def clear(self) -> None:
        self._broker.runs.pop(self._run, None)


class _LocalWorker:
    def __init__(self, broker: LocalTransport, worker: str) -> None:
        self._broker = broker
        self._worker = worker

    async def offers(self) -> Sequence[Offer | Unreadable]:
        return [offer_from(run.offer) for run in self._broker.runs.values()]

    async def take(self, room: Mapping[tuple[str, str], int], longest_s: float) -> Sequence[Delivery | Unreadable]:
        taken = self._now(room)
        if not taken:
            await self._broker.changed(longest_s)
            taken = self._now(room)
        return taken

    async def renew(self, deliveries: Sequence[Delivery]) -> None:
        for delivery in deliveries:
            held = self._held(delivery)
            if held is not None and held.worker == self._worker:
                held.renewed_at = self._broker.clock.elapsed()

    async def report(self, told: Sequence[tuple[Report, Delivery | None]]) -> Sequence[bool]:
        taken = []
        for report, delivery in told:
            run = self._broker.runs.get(report.run)
            taken.append(run is not None)
            if run is not None:
                run.reports.append(report_to(report))
                if delivery is not None and isinstance(report, WorkResult):
                    run.items.get(delivery.item.key, {}).pop(_name(delivery.item), None)
        await self._broker.change()
        return taken

    def _now(self, room: Mapping[tuple[str, str], int]) -> list[Delivery | Unreadable]:
        now, taken = self._broker.clock.elapsed(), list[Delivery | Unreadable]()
        for (name, key), most in room.items():
            run = self._broker.runs.get(name)
            if run is None:
                continue
            stale = [each for each in run.items.get(key, {}).values() if _is_free(each, now, run.lease_s)]
            for held in sorted(stale, key=lambda each: not each.worker)[:most]:
                held.worker, held.renewed_at, held.times = self._worker, now, held.times + 1
                item = item_from(held.message)
                taken.append(item if isinstance(item, Unreadable) else Delivery(item, held.times))
        return taken

    def _held(self, delivery: Delivery) -> _Held | None:
        run = self._broker.runs.get(delivery.item.run)
        return None if run is None else run.items.get(delivery.item.key, {}).get(_name(delivery.item))


def _is_free(held: _Held, now: float, lease_s: float) -> bool:
    return not held.worker or now - held.renewed_at >= lease_s


def _name(item: WorkItem) -> Name:
    return item.turn, item.attempt, item.digest

"""The examination of a transport: what every broker has to do between a coordinator and workers, whatever it is."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from hashlib import sha256
from typing import Final, TypeVar

from genai_social_sim.errors import BrokerError, FencedError
from genai_social_sim.ports import (
    Answer,
    Arrival,
    CoordinatorEnd,
    Delivery,
    Hello,
    Holding,
    HoldingTransport,
    Offer,
    Report,
    Transport,
    Wanted,
    WorkerEnd,
    WorkItem,
    WorkResult,
)

LEASE_S: Final = 1.5  # longer than any step of a check takes on a busy machine
DEADLINE_S: Final = 20.0
RUN: Final = "examined"
WANTED: Final = Wanted(backend="scripted", options="{}", identity="a" * 64)
Pass = Callable[[float], Awaitable[None]]  # lets that many seconds go by at the broker
T = TypeVar("T")


def small_offer(*, epoch: int = 1, coordinator: str = "one", run: str = RUN) -> Offer:
    """An offer for one model."""
    return Offer(run=run, epoch=epoch, coordinator=coordinator, lease_s=LEASE_S, wanted=(WANTED,), package="0")


def small_item(turn: int = 0, *, attempt: int = 1, run: str = RUN) -> WorkItem:
    """An item whose body says which it is."""
    body = f'{{"turn": {turn}, "text": "Grüße \\u2028"}}'.encode()
    return WorkItem(
        run=run,
        epoch=1,
        turn=turn,
        attempt=attempt,
        key=WANTED.key,
        deadline_s=9.5,
        digest=sha256(body).hexdigest(),
        body=body,
    )


def small_result(item: WorkItem, *, worker: str = "w", text: str = "Said.") -> WorkResult:
    """A result of an item."""
    return WorkResult(
        run=item.run,
        epoch=item.epoch,
        turn=item.turn,
        attempt=item.attempt,
        digest=item.digest,
        identity=WANTED.identity,
        worker=worker,
        deliveries=1,
        worked_s=0.25,
        outcome=Answer(text=text, answer_tokens=2, notes={"a": [1, None]}),
    )


async def check_items_and_results_travel_whole(transport: Transport) -> None:
    """What is sent is taken equal, once, and what is reported arrives equal."""
    coordinator, worker = await _begun(transport), transport.serve("w")
    items = [small_item(turn) for turn in range(3)]
    assert list(await coordinator.send(items)) == items, "not every item was handed out"
    taken = await _taken(worker, 3)
    assert sorted(each.item.turn for each in taken) == [0, 1, 2]
    assert sorted([each.item for each in taken], key=lambda item: item.turn) == items, "an item came back different"
    results = [small_result(each.item) for each in taken]
    hello = Hello(run=RUN, worker="w", key=WANTED.key, identity={"weights": None, "n": 1.5}, slots=4, package="0")
    told: list[tuple[Report, Delivery | None]] = [*zip(results, taken, strict=True), (hello, None)]
    assert all(await worker.report(told)), "a report was not taken"
    arrived = await _arrived(coordinator, 4)
    assert [each for each in arrived if each not in (*results, hello)] == []
    assert await _has_nothing(worker), "an item that is done was given out again"
    await coordinator.clear()


async def check_a_worker_gets_no_more_than_it_has_room_for(transport: Transport) -> None:
    """One worker does not take the whole queue; the rest is there for others."""
    coordinator = await _begun(transport)
    await coordinator.send([small_item(turn) for turn in range(3)])
    first, second = await _taken(transport.serve("one"), 1), await _taken(transport.serve("two"), 2)
    assert (len(first), len(second)) == (1, 2)
    assert {each.item.turn for each in [*first, *second]} == {0, 1, 2}, "two workers have the same item"
    await coordinator.clear()


async def check_an_item_is_handed_out_once(transport: Transport) -> None:
    """Sending again what the broker still holds, in its queue or in a worker's hands, does nothing."""
    coordinator, worker = await _begun(transport), transport.serve("w")
    item = small_item()
    await coordinator.send([item])
    assert list(await coordinator.send([item], again=True)) == [], "an item that waits was handed out again"
    (taken,) = await _taken(worker, 1)
    assert list(await coordinator.send([item], again=True)) == [], "an item in a worker's hands was handed out again"
    await worker.report([(small_result(item), taken)])
    assert list(await coordinator.send([item], again=True)) == [], "an item whose result is there was handed out again"
    await _arrived(coordinator, 1)
    assert list(await coordinator.send([item], again=True)) == [item], "a forgotten item cannot be handed out again"
    await coordinator.clear()


async def check_a_silent_worker_loses_its_item(transport: Transport, let_pass: Pass) -> None:
    """Once the lease has run out another worker gets the item, and is told that it is the second."""
    coordinator = await _begun(transport)
    await coordinator.send([small_item()])
    await _taken(transport.serve("silent"), 1)
    await let_pass(1.5 * LEASE_S)
    (again,) = await _taken(transport.serve("other"), 1)
    assert (again.item, again.times) == (small_item(), 2)
    await coordinator.clear()


async def check_a_renewed_lease_holds(transport: Transport, let_pass: Pass) -> None:
    """A worker that says that it is at it keeps its item, however long that takes."""
    coordinator, worker = await _begun(transport), transport.serve("busy")
    await coordinator.send([small_item()])
    held = await _taken(worker, 1)
    for _ in range(4):
        await let_pass(LEASE_S / 2)
        await worker.renew(held)
        assert not await transport.serve("other").take({(RUN, WANTED.key): 1}, 0.01), "a lease that was renewed ended"
    await coordinator.clear()


async def check_late_results_arrive_too(transport: Transport, let_pass: Pass) -> None:
    """Both workers that had an item may report it: which one counts is not the broker's to decide."""
    coordinator, late, other = await _begun(transport), transport.serve("late"), transport.serve("other")
    await coordinator.send([small_item()])
    (first,) = await _taken(late, 1)
    await let_pass(1.5 * LEASE_S)
    (second,) = await _taken(other, 1)
    await other.report([(small_result(second.item, worker="other"), second)])
    await late.report([(small_result(first.item, worker="late"), first)])
    arrived = await _arrived(coordinator, 2)
    assert [each.worker for each in arrived if isinstance(each, WorkResult)] == ["other", "late"]
    await coordinator.clear()


async def check_a_newer_coordinator_takes_over(transport: Transport) -> None:
    """A higher epoch gets the run with what workers have sent; the older coordinator and a copy are fenced off."""
    old, worker = await _begun(transport), transport.serve("w")
    await old.send([small_item(0), small_item(1)])
    (taken,) = await _taken(worker, 1)
    await worker.report([(small_result(taken.item), taken)])
    new = transport.coordinate(RUN)
    await new.announce(small_offer(epoch=2, coordinator="two"))
    for end, offer in ((old, small_offer()), (transport.coordinate(RUN), small_offer(epoch=2, coordinator="copy"))):
        try:
            await end.announce(offer)
        except FencedError:
            continue
        raise AssertionError(f"{offer.coordinator} was not fenced off")
    assert list(await new.send([small_item(1 - taken.item.turn)])) == [], "what was handed out is handed out again"
    assert [each.turn for each in await _arrived(new, 1) if isinstance(each, WorkResult)] == [taken.item.turn]
    await new.clear()


async def check_a_cleared_run_is_gone(transport: Transport) -> None:
    """Nobody is offered it, and a late result has nowhere to go and leaves nothing."""
    coordinator, worker = await _begun(transport), transport.serve("w")
    await coordinator.send([small_item()])
    (taken,) = await _taken(worker, 1)
    assert [each.run for each in await worker.offers() if isinstance(each, Offer)] == [RUN]
    await coordinator.clear()
    assert list(await worker.offers()) == []
    assert list(await worker.report([(small_result(taken.item), taken)])) == [False]


async def check_what_is_held_is_told(transport: Transport) -> None:
    """A broker that can be asked says how many items of a run wait, and how many a worker has if it knows that."""
    if not isinstance(transport, HoldingTransport):
        return
    coordinator, worker = await _begun(transport), transport.serve("w")
    await coordinator.send([small_item(turn) for turn in range(3)])
    await _taken(worker, 1)
    async with asyncio.timeout(DEADLINE_S):
        while await transport.holding(RUN) not in (Holding(2, 1), Holding(2, None)):  # noqa: ASYNC110 -- nobody tells
            await asyncio.sleep(0.05)  # some count a moment later
    assert await transport.holding("another") is None, "a run is told of that is not there"
    await coordinator.clear()


async def check_runs_are_apart(transport: Transport) -> None:
    """Two runs at one broker see nothing of each other."""
    one, other = await _begun(transport), await _begun(transport, "another")
    await one.send([small_item(1)])
    await other.send([small_item(2, run="another")])
    worker = transport.serve("w")
    assert sorted(each.run for each in await worker.offers() if isinstance(each, Offer)) == sorted([RUN, "another"])
    (taken,) = await _taken(worker, 1, run="another")
    assert taken.item == small_item(2, run="another")
    await worker.report([(small_result(taken.item), taken)])
    assert len(await _arrived(other, 1)) == 1
    assert list(await one.receive(0.01)) == []
    await one.clear()
    await other.clear()


async def _begun(transport: Transport, run: str = RUN) -> CoordinatorEnd:
    end = transport.coordinate(run)
    await end.announce(small_offer(run=run))
    return end


async def _taken(worker: WorkerEnd, number: int, *, run: str = RUN) -> list[Delivery]:
    """That many items; those that are there already are taken first."""
    await worker.offers()
    taken: list[Delivery] = []
    async with asyncio.timeout(DEADLINE_S):
        while len(taken) < number:
            room = {(run, WANTED.key): number - len(taken)}
            more = await _back(lambda room=room: worker.take(room, 0.2))  # type: ignore[misc]
            taken += [each for each in more if isinstance(each, Delivery)]
    return taken


async def _arrived(coordinator: CoordinatorEnd, number: int) -> list[Arrival]:
    arrived: list[Arrival] = []
    async with asyncio.timeout(DEADLINE_S):
        while len(arrived) < number:
            arrived += await _back(lambda: coordinator.receive(0.2))
    return arrived


async def _has_nothing(worker: WorkerEnd) -> bool:
    return not await worker.take({(RUN, WANTED.key): 9}, 0.05)


async def _back(work: Callable[[], Awaitable[T]]) -> T:
    """The result of `work`, tried again while the broker is away."""
    while True:
        with suppress(BrokerError):
            return await work()
        await asyncio.sleep(0.05)


CHECKS: Final = (
    check_items_and_results_travel_whole,
    check_a_worker_gets_no_more_than_it_has_room_for,
    check_an_item_is_handed_out_once,
    check_a_newer_coordinator_takes_over,
    check_a_cleared_run_is_gone,
    check_what_is_held_is_told,
    check_runs_are_apart,
)
TIMED_CHECKS: Final = (
    check_a_silent_worker_loses_its_item,
    check_a_renewed_lease_holds,
    check_late_results_arrive_too,
)

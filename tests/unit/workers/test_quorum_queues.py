"""RabbitMQ, where it differs from other brokers: items lost and doubled, full queues, cut connections, strangers."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import replace

import aiormq
import pytest
from tests.support.brokers import BrokerServer
from tests.support.proxies import proxy

from genai_social_sim.errors import BrokerError
from genai_social_sim.ports import Delivery, Transport, Unreadable, WorkResult
from genai_social_sim.testing.transports import RUN, WANTED, small_item, small_offer, small_result
from genai_social_sim.workers import quorum_queues
from genai_social_sim.workers.amqp_line import Line
from genai_social_sim.workers.offer_stream import STREAM, reports_name
from genai_social_sim.workers.quorum_queues import jobs_name
from genai_social_sim.workers.transports import open_transport

pytestmark = pytest.mark.rabbitmq
PLACE = (RUN, WANTED.key)


@asynccontextmanager
async def opened(url: str) -> AsyncIterator[Transport]:
    transport = open_transport(url)
    try:
        yield transport
    finally:
        await transport.close()


@asynccontextmanager
async def plain(url: str) -> AsyncIterator[aiormq.abc.AbstractChannel]:
    """A channel of anybody's."""
    connection = await aiormq.connect(url)
    try:
        yield await connection.channel()
    finally:
        await connection.close()


async def until(work: Callable[[], Awaitable[object]]) -> object:
    """What it gives in the end, tried again while it gives nothing or the broker is away."""
    async with asyncio.timeout(60):
        while True:
            try:
                if found := await work():
                    return found
            except BrokerError:
                await asyncio.sleep(0.1)


def test_an_item_that_the_broker_has_lost_is_handed_out_again(
    rabbitmq: BrokerServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(quorum_queues, "_GRACE_S", 0.0)
    item = replace(small_item(), deadline_s=0.1)

    async def work() -> None:
        async with opened(rabbitmq.url) as transport, plain(rabbitmq.url) as channel:
            coordinator = transport.coordinate(RUN)
            await coordinator.announce(small_offer())
            await coordinator.send([item])
            assert list(await coordinator.send([item], again=True)) == []
            await channel.queue_purge(jobs_name(*PLACE))
            assert await until(lambda: coordinator.send([item], again=True)) == [item]
            await coordinator.clear()

    asyncio.run(work())


def test_a_successor_leaves_alone_what_is_in_a_workers_hands(rabbitmq: BrokerServer) -> None:
    async def work() -> None:
        async with opened(rabbitmq.url) as old, opened(rabbitmq.url) as new:
            coordinator, worker = old.coordinate(RUN), old.serve("w")
            await coordinator.announce(small_offer())
            await coordinator.send([small_item(0), small_item(1)])
            assert await until(lambda: worker.take({PLACE: 1}, 1.0))
            successor = new.coordinate(RUN)
            await successor.announce(small_offer(epoch=2, coordinator="two"))
            items = [small_item(number) for number in range(3)]
            assert list(await successor.send(items)) == items[2:]
            await successor.clear()

    asyncio.run(work())


def test_a_worker_whose_connection_was_cut_is_not_given_its_own_item_again(rabbitmq: BrokerServer) -> None:
    async def work(port: int, cut: Callable[[], None], mend: Callable[[], None]) -> None:
        async with opened(rabbitmq.url) as here, opened(rabbitmq.url_at(port)) as there:
            coordinator, worker = here.coordinate(RUN), there.serve("w")
            await coordinator.announce(replace(small_offer(), lease_s=30.0))  # what it has in hand stays so
            await coordinator.send([small_item()])
            await until(worker.offers)
            held = await worker.take({PLACE: 1}, 5.0)
            await asyncio.to_thread(cut)
            await asyncio.to_thread(mend)
            assert await until(lambda: _none(worker.take({PLACE: 1}, 1.0)))
            (delivery,) = [each for each in held if isinstance(each, Delivery)]
            assert list(await worker.report([(small_result(delivery.item), delivery)])) == [True]
            assert not await here.serve("other").take({PLACE: 1}, 1.0), "it was given to another, too"
            assert [type(each) for each in await coordinator.receive(5.0)] == [WorkResult]
            await coordinator.clear()

    with proxy(rabbitmq.port) as line:
        asyncio.run(work(line.port, line.cut, line.mend))


async def _none(taking: Awaitable[object]) -> bool:
    assert not await taking, "the worker got what it has in hand"
    return True


def test_a_full_queue_takes_no_more_and_says_so(rabbitmq: BrokerServer) -> None:
    async def work() -> None:
        line = Line(rabbitmq.url)
        await line.make("gss.small", {"x-queue-type": "quorum", "x-max-length": 1, "x-overflow": "reject-publish"})
        with pytest.raises(BrokerError, match="a queue is full"):
            await _filled(line)
        await line.remove("gss.small")
        await line.close()

    asyncio.run(work())


async def _filled(line: Line) -> None:
    async with line.talking():
        for _ in range(20):
            await line.publish("gss.small", b"junk")


def test_what_strangers_send_is_told_and_does_no_harm(rabbitmq: BrokerServer) -> None:
    junk = (b"", b"junk", b"\xff\x00", b'{"protocol":9,"run":"nobody","package":"9.0"}')

    async def work() -> None:
        async with opened(rabbitmq.url) as transport, plain(rabbitmq.url) as channel:
            coordinator, worker = transport.coordinate(RUN), transport.serve("w")
            await coordinator.announce(small_offer())
            for body in junk:
                for queue in (STREAM, reports_name(RUN), jobs_name(*PLACE)):
                    properties = aiormq.spec.Basic.Properties(message_type="offer")
                    await channel.basic_publish(body, routing_key=queue, properties=properties)
            await coordinator.send([small_item()])
            taken = await worker.take({PLACE: 9}, 5.0)
            assert [each.item for each in taken if isinstance(each, Delivery)] == [small_item()]
            assert len([each for each in taken if isinstance(each, Unreadable)]) == len(junk)
            assert {type(each) for each in await coordinator.receive(5.0)} == {Unreadable}
            strange = [each for each in await worker.offers() if isinstance(each, Unreadable)]
            assert any(each.sender == "nobody" and "release 9.0" in each.why for each in strange)
            await coordinator.clear()

    asyncio.run(work())


def test_a_finished_run_leaves_no_queue(rabbitmq: BrokerServer) -> None:
    async def work() -> None:
        async with opened(rabbitmq.url) as transport:
            coordinator = transport.coordinate(RUN)
            await coordinator.announce(small_offer())
            await coordinator.send([small_item()])
            await coordinator.clear()
        line = Line(rabbitmq.url)
        names = [reports_name(RUN), jobs_name(*PLACE), quorum_queues.held_name(RUN)]
        assert [await line.waiting(name) for name in names] == [None, None, None]
        await line.close()

    asyncio.run(work())

"""Bare pairs of a request and its reply over each broker, on the clients that the transports use.

Each does the least that a queue with acknowledgements needs: a request is put into a durable queue and taken by one of
several processes, which puts a reply into another durable queue and then acknowledges. No lease, no digest, no record.

python -m benchmarks.bare_pairs NAME URL     answers requests until it is killed
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final, NamedTuple

IN_FLIGHT: Final = 64
_ASKING: Final = 8  # tasks that send; more of them are not quicker
REQUEST: Final = b"x" * 1_700  # as long as the items of W6 on an average
REPLY: Final = b"y" * 500  # and its results
_QUORUM: Final = {"x-queue-type": "quorum"}


class Flight(NamedTuple):
    """How many requests are there to be made, and room for those that are under way."""

    requests: int
    room: asyncio.Semaphore

    @classmethod
    def of(cls, requests: int) -> Flight:
        return cls(requests, asyncio.Semaphore(IN_FLIGHT))

    async def sent_by(self, send: Callable[[bytes], Awaitable[Any]]) -> None:
        """Send them all, as room allows."""

        async def share(number: int) -> None:
            for _ in range(number):
                await self.room.acquire()
                await send(REQUEST)

        await asyncio.gather(*[share(self.requests // _ASKING) for _ in range(_ASKING)])


async def _ask_redis(url: str, flight: Flight) -> None:
    from redis.asyncio import Redis

    client: Any = Redis.from_url(url, protocol=2)
    listener: Any = Redis.from_url(url, protocol=2, socket_timeout=30)
    await listener.delete("bare:replies")
    left, last = flight.requests, b"0"
    sending = asyncio.ensure_future(
        flight.sent_by(lambda payload: client.execute_command("XADD", "bare:jobs", "*", "m", payload))
    )
    while left:
        for _, entries in await listener.xread({"bare:replies": last}, count=512, block=10_000):
            last, left = entries[-1][0], left - len(entries)
            for _ in entries:
                flight.room.release()
    await sending
    await client.aclose()
    await listener.aclose()


async def _echo_redis(url: str) -> None:
    from redis.asyncio import Redis

    client: Any = Redis.from_url(url, protocol=2, socket_timeout=None)
    with contextlib.suppress(Exception):  # another one has made it
        await client.xgroup_create("bare:jobs", "g", "0", mkstream=True)
    print("ready", flush=True)
    while True:
        answer = await client.xreadgroup("g", f"c{os.getpid()}", {"bare:jobs": ">"}, count=1, block=60_000)
        for _, entries in answer:
            for entry, _fields in entries:
                pipeline = client.pipeline(transaction=True)
                pipeline.execute_command("XADD", "bare:replies", "*", "m", REPLY)
                pipeline.execute_command("XACK", "bare:jobs", "g", entry)
                pipeline.execute_command("XDEL", "bare:jobs", entry)
                await pipeline.execute()


async def _nats(url: str) -> tuple[Any, Any]:
    import nats
    from nats.js import api

    client = await nats.connect(url)
    js = client.jetstream(timeout=30)
    for name in ("JOBS", "REPLIES"):
        policy = api.RetentionPolicy.WORK_QUEUE
        await js.add_stream(name=f"BARE_{name}", subjects=[f"bare.{name.lower()}"], retention=policy)
    return client, js


async def _ask_nats(url: str, flight: Flight) -> None:
    client, js = await _nats(url)
    replies = await js.pull_subscribe("bare.replies", durable="asking")
    left = flight.requests
    sending = asyncio.ensure_future(flight.sent_by(lambda payload: js.publish("bare.jobs", payload)))
    while left:
        for message in await replies.fetch(256, timeout=30):
            await message.ack()
            left -= 1
            flight.room.release()
    await sending
    await client.close()


async def _echo_nats(url: str) -> None:
    _, js = await _nats(url)
    jobs = await js.pull_subscribe("bare.jobs", durable="answering")
    print("ready", flush=True)
    while True:
        with contextlib.suppress(TimeoutError):
            for message in await jobs.fetch(1, timeout=60):
                await js.publish("bare.replies", REPLY)
                await message.ack()


async def _rabbitmq(url: str) -> Any:
    import aiormq

    channel = await (await aiormq.connect(url)).channel()
    for name in ("bare.jobs", "bare.replies"):
        await channel.queue_declare(name, durable=True, arguments=dict(_QUORUM))
    return channel


async def _ask_rabbitmq(url: str, flight: Flight) -> None:
    channel, done, left = await _rabbitmq(url), asyncio.Event(), [flight.requests]

    async def heard(message: Any) -> None:
        await message.channel.basic_ack(message.delivery_tag)
        flight.room.release()
        left[0] -= 1
        if not left[0]:
            done.set()

    await channel.basic_consume("bare.replies", heard)
    await flight.sent_by(lambda payload: channel.basic_publish(payload, routing_key="bare.jobs", mandatory=True))
    await done.wait()
    await channel.connection.close()


async def _echo_rabbitmq(url: str) -> None:
    channel = await _rabbitmq(url)

    async def asked(message: Any) -> None:
        await channel.basic_publish(REPLY, routing_key="bare.replies", mandatory=True)
        await message.channel.basic_ack(message.delivery_tag)

    await channel.basic_qos(prefetch_count=1)
    await channel.basic_consume("bare.jobs", asked)
    print("ready", flush=True)
    await asyncio.Event().wait()


ASK: Final[Mapping[str, Callable[[str, Flight], Awaitable[None]]]] = {
    "redis": _ask_redis,
    "nats": _ask_nats,
    "rabbitmq": _ask_rabbitmq,
}
_ECHO: Final[Mapping[str, Callable[[str], Awaitable[None]]]] = {
    "redis": _echo_redis,
    "nats": _echo_nats,
    "rabbitmq": _echo_rabbitmq,
}


async def _main(name: str, url: str) -> None:
    await _ECHO[name](url)


if __name__ == "__main__":
    asyncio.run(_main(sys.argv[1], sys.argv[2]))

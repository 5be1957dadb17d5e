"""Connections to a server that speaks AMQP 0.9.1, and what is done on them. It knows no runs.

Two of them: one publishes, and the server stops reading from it while its memory or disk is full; what is held until it
is acknowledged is held by the other. A channel that a refusal has closed is opened anew when it is next used.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from secrets import token_hex
from typing import Any, Final
from urllib.parse import urlsplit

import aiormq
from aiormq import spec
from aiormq.abc import AbstractChannel, AbstractConnection, ConsumerCallback, DeliveredMessage
from aiormq.exceptions import (
    AMQPError,
    AuthenticationError,
    ChannelAccessRefused,
    ChannelNotFoundEntity,
    ChannelPreconditionFailed,
    ConnectionNotAllowed,
    DeliveryError,
    ProbableAuthenticationError,
    PublishError,
)

from genai_social_sim.errors import BrokerError, OversizeError, RequestError
from genai_social_sim.workers.certificates import remedy_for

PATIENCE_S: Final = 5.0  # for one answer of the server, beyond what it was told to wait
HEARTBEAT_S: Final = 5  # whoever is silent for two to three of them has lost its connection
_CLOSED_S: Final = 1.0
_NOT_THERE_S: Final = 0.2
_PERSISTENT: Final = 2
_MUTE: Final = 2
_SOON_S: Final = 0.05
_REFUSED: Final = (AuthenticationError, ProbableAuthenticationError, ConnectionNotAllowed, ChannelAccessRefused)


@dataclass(slots=True, eq=False)
class Held:
    """A message that is ours until it is acknowledged or its channel is closed."""

    queue: str
    channel: AbstractChannel
    tag: int
    id: str  # of the message; the same when it is delivered again
    about: str  # what it is said to answer
    body: bytes
    headers: Mapping[str, Any]

    @property
    def times(self) -> int:
        """How often it has been delivered, this time included."""
        count = self.headers.get("x-delivery-count", 0)
        return 1 + (count if isinstance(count, int) else 0)

    async def done(self) -> None:
        """It need not be delivered again; nothing happens if it is no longer ours."""
        if _is_open(self.channel):
            await self.channel.basic_ack(self.tag)

    async def give_back(self) -> None:
        """Let another have it; nothing happens if it is no longer ours."""
        if _is_open(self.channel):
            await self.channel.basic_nack(self.tag, requeue=True)


class Line:
    """A server, reached when it is first needed and again after it was away."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self.where: Final = f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"
        if not _names_server(url):
            raise RequestError(
                "this is no address of a RabbitMQ",
                where=self.where,
                remedy="For example: amqp://USER:PASSWORD@localhost:5672/",
            )
        more = "&" if parts.query else "?"
        self._url: Final = url if "heartbeat=" in parts.query else f"{url}{more}heartbeat={HEARTBEAT_S}"
        self._connections: dict[bool, AbstractConnection] = {}
        self._channels: dict[str, AbstractChannel] = {}
        self._opening = asyncio.Lock()
        self._unanswered: dict[str, int] = {}  # queues: how often in a row nothing came of what was asked of them
        self._looking = asyncio.Lock()  # a queue that is not there closes the channel on which it was asked for
        logging.getLogger("aiormq").addHandler(logging.NullHandler())  # what fails is told by the verb that failed

    @asynccontextmanager
    async def talking(self, longest_s: float = 0.0) -> AsyncIterator[None]:
        """Turn what the client raises, and what takes longer than it may, into `BrokerError`."""
        try:
            async with asyncio.timeout(longest_s + PATIENCE_S):
                yield
        except _REFUSED as fault:
            raise BrokerError(
                f"it does not let us in ({fault})",
                where=self.where,
                remedy="Put user and password into the address: amqp://USER:PASSWORD@HOST:PORT/VHOST",
            ) from fault
        except DeliveryError as fault:
            raise BrokerError(
                "it takes no more: a queue is full", where=self.where, remedy="It empties as workers answer."
            ) from fault
        except (AMQPError, OSError, TimeoutError, RuntimeError) as fault:
            self._channels.clear()  # one of them is of no use any more; what is held is held by those that were used
            raise BrokerError(
                f"no answer from the broker ({str(fault) or type(fault).__name__})",
                where=self.where,
                remedy=remedy_for(fault, "Is it running, and has it room in memory? Ask: gss doctor --broker URL"),
            ) from fault

    async def channel(self, name: str, *, publishes: bool = False) -> AbstractChannel:
        """The open channel of that name."""
        found = self._channels.get(name)
        if found is None or not _is_open(found):
            async with self._opening:
                found = self._channels.get(name)
                if found is None or not _is_open(found):
                    connection = await self._connected(publishes=publishes)
                    found = self._channels[name] = await connection.channel()
        return found

    async def about(self) -> Mapping[str, Any]:
        """What the server says of itself."""
        async with self._opening:
            connection = await self._connected(publishes=False)
        found: Mapping[str, Any] = connection.server_properties
        return found

    async def publish(self, queue: str, body: bytes, *, kind: str = "", identity: str = "", about: str = "") -> bool:
        """Put a message into a queue; true once the server has it on its disk, false if there is no such queue.

        Raises:
            OversizeError: If it is larger than the server takes.
        """
        channel = await self.channel("publish", publishes=True)
        properties = spec.Basic.Properties(
            delivery_mode=_PERSISTENT,
            message_id=identity or token_hex(12),
            message_type=kind or None,
            correlation_id=about or None,
        )
        try:
            async with self._answering(queue, channel):
                await channel.basic_publish(body, routing_key=queue, mandatory=True, properties=properties)
        except PublishError:
            return False
        except ChannelPreconditionFailed as fault:
            if f"message size {len(body)} " not in str(fault):
                raise  # another's, on the same channel
            raise OversizeError(
                f"a message of {len(body):,} bytes is larger than the broker takes",
                where=self.where,
                remedy="Raise max_message_size in rabbitmq.conf, then go on: gss resume RUN",
            ) from fault
        return True

    async def consume(self, name: str, queue: str, most: int, deliver: ConsumerCallback, tag: str) -> AbstractChannel:
        """Have messages of a queue delivered, so many before they are acknowledged."""
        channel = await self.channel(name)
        async with self._answering(queue, channel):
            await channel.basic_qos(prefetch_count=most)
            await channel.basic_consume(queue, deliver, consumer_tag=tag)
        return channel

    def is_mute(self, queue: str) -> bool:
        """Whether a queue does nothing, although its server answers.

        A server that is killed within seconds after a queue was made may have forgotten what belongs to it.
        """
        return self._unanswered.get(queue, 0) >= _MUTE

    @asynccontextmanager
    async def _answering(self, queue: str, channel: AbstractChannel) -> AsyncIterator[None]:
        try:
            async with asyncio.timeout(PATIENCE_S - 1):
                yield
        except TimeoutError:
            if await _is_read(channel.connection):
                self._unanswered[queue] = self._unanswered.get(queue, 0) + 1
            raise
        self._unanswered.pop(queue, None)

    async def waiting(self, queue: str) -> int | None:
        """How many messages of a queue nobody has; None if there is no such queue."""
        async with self._looking:
            channel = await self.channel("look")
            try:
                found = await channel.queue_declare(queue, passive=True)
            except ChannelNotFoundEntity:
                return None
            return found.message_count or 0

    async def make(self, queue: str, arguments: Mapping[str, Any]) -> None:
        """See that a queue is there; being asked for keeps it from expiring."""
        channel = await self.channel("make")
        await channel.queue_declare(queue, durable=True, arguments=dict(arguments))

    async def remove(self, queue: str) -> None:
        """See that a queue is not there."""
        self._unanswered.pop(queue, None)
        await (await self.channel("make")).queue_delete(queue)

    async def close(self) -> None:
        """Let go of the connections; what was held goes to others."""
        connections, self._connections, self._channels = list(self._connections.values()), {}, {}
        for connection in connections:
            with suppress(AMQPError, OSError, TimeoutError, RuntimeError):
                async with asyncio.timeout(_CLOSED_S):
                    await connection.close()

    async def _connected(self, *, publishes: bool) -> AbstractConnection:
        found = self._connections.get(publishes)
        if found is None or not found.is_opened:
            found = self._connections[publishes] = await aiormq.connect(self._url)
        return found


class Hands:
    """What one end takes from queues, no more than it asks for: a consumer lives as long as one `taken`."""

    def __init__(self, line: Line) -> None:
        self._line = line
        self._name = token_hex(6)

    async def taken(self, room: Mapping[str, int], longest_s: float) -> list[Held]:
        """Messages of queues (how many of each at most), once some are there, at the latest after `longest_s`."""
        taken: list[Held] = []
        some = asyncio.Event()
        consuming: list[tuple[AbstractChannel, str]] = []
        try:
            for queue, most in room.items():
                with suppress(ChannelNotFoundEntity):  # the run has just ended, or the broker was wiped
                    consuming.append(await self._consuming(queue, most, taken, some))
            await _until(some, longest_s if consuming else min(longest_s, _NOT_THERE_S))
        finally:
            await asyncio.gather(*[channel.basic_cancel(tag) for channel, tag in consuming])
        return taken

    async def _consuming(
        self, queue: str, most: int, taken: list[Held], some: asyncio.Event
    ) -> tuple[AbstractChannel, str]:
        async def deliver(message: DeliveredMessage) -> None:
            taken.append(_held(queue, message))
            some.set()

        tag = token_hex(8)
        return await self._line.consume(f"{self._name} {queue}", queue, most, deliver, tag), tag


def _held(queue: str, message: DeliveredMessage) -> Held:
    properties = message.header.properties
    return Held(
        queue=queue,
        channel=message.channel,
        tag=message.delivery_tag or 0,
        id=properties.message_id or token_hex(12),
        about=properties.correlation_id or "",
        body=message.body,
        headers=properties.headers or {},
    )


def _is_open(channel: AbstractChannel) -> bool:
    return not channel.is_closed and bool(channel.connection.is_opened)


def _names_server(url: str) -> bool:
    parts = urlsplit(url)
    try:
        return bool(parts.hostname) and parts.port != 0
    except ValueError:  # the port is no number
        return False


async def _is_read(connection: AbstractConnection) -> bool:
    """Whether the server reads what a connection publishes: it does not while an alarm is on."""
    try:
        async with asyncio.timeout(_SOON_S):
            await connection.ready()
    except TimeoutError:
        return False
    return bool(connection.is_opened)


async def _until(event: asyncio.Event, longest_s: float) -> None:
    try:
        async with asyncio.timeout(longest_s):
            await event.wait()
    except TimeoutError:
        return

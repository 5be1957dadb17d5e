"""The offers of all runs at a RabbitMQ: a stream that everybody reads from its beginning, and whose order decides.

Of two coordinators of one run the one with the higher epoch has it; of two with the same epoch, the one whose offer
stands first. Whoever puts something into the stream waits until it reads it there: it knows then what came before.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from secrets import token_hex
from typing import Final

from aiormq.abc import AbstractChannel, DeliveredMessage

from genai_social_sim.errors import FencedError
from genai_social_sim.ports import Offer, Unreadable
from genai_social_sim.workers.amqp_line import Line
from genai_social_sim.workers.wire import offer_from, offer_to

STREAM: Final = "gss.offers"
ARGUMENTS: Final = {
    "x-queue-type": "stream",
    "x-max-length-bytes": 4 << 20,
    "x-stream-max-segment-size-bytes": 1 << 20,
}
_AGAIN_S: Final = 30.0  # after so long an offer is put into the stream again, so that it never falls out of it
_DOUBTED_S: Final = 3 * _AGAIN_S  # without a word, until it is looked whether its run is still there
_MOST_STRANGE: Final = 100
_AT_ONCE: Final = 1000  # messages that the server sends ahead


@dataclass(slots=True)
class _Entry:
    offer: Offer
    heard_at: float
    keys: set[str] = field(default_factory=set)  # of this and earlier sessions


class OfferStream:
    """What one process has read in the stream."""

    def __init__(self, line: Line) -> None:
        self._line = line
        self._entries: dict[str, _Entry] = {}
        self._strange: dict[str, Unreadable] = {}
        self._awaited: dict[str, asyncio.Future[None]] = {}
        self._channel: AbstractChannel | None = None
        self._reading = asyncio.Lock()
        self._is_past = True  # what is read now was there before us
        self._time = 0  # how often it was read from its beginning
        self._changed = asyncio.Event()

    async def offers(self) -> Sequence[Offer | Unreadable]:
        """What runs want now; one that nobody has mentioned for long counts while its reports have a place to go."""
        await self._read()
        now = asyncio.get_running_loop().time()
        for run, entry in list(self._entries.items()):
            if now - entry.heard_at > _DOUBTED_S:
                if await self._line.waiting(reports_name(run)) is None:
                    self._entries.pop(run, None)
                else:
                    entry.heard_at = now
        return [*(entry.offer for entry in self._entries.values()), *self._strange.values()]

    async def claim(self, offer: Offer) -> None:
        """Make an offer known, or that it still holds; raises FencedError if another coordinator has the run."""
        await self._read()
        entry = self._entries.get(offer.run)
        now = asyncio.get_running_loop().time()
        if entry is None or entry.offer != offer or now - entry.heard_at > _AGAIN_S:
            await self._put("offer", offer)
        self.check(offer)

    def check(self, offer: Offer) -> None:
        """Raise FencedError if, as far as is known here, another coordinator has the run of `offer`."""
        entry = self._entries.get(offer.run)
        if entry is not None and entry.offer.coordinator != offer.coordinator:
            raise FencedError(
                f"another coordinator works on this run ({entry.offer.coordinator})",
                where=self._line.where,
                remedy="Let only one process work on a run.",
            )

    async def withdraw(self, offer: Offer) -> None:
        """Nothing is wanted any more."""
        await self._read()
        await self._put("withdrawal", offer)

    async def change(self, longest_s: float) -> None:
        """Until some run wants something else."""
        await self._read()
        self._changed.clear()
        try:
            async with asyncio.timeout(longest_s):
                await self._changed.wait()
        except TimeoutError:
            return

    def lease_s(self, run: str, usual_s: float) -> float:
        """The lease of a run's items."""
        entry = self._entries.get(run)
        return usual_s if entry is None else entry.offer.lease_s

    def keys(self, run: str) -> set[str]:
        """Of all models that a run has wanted."""
        entry = self._entries.get(run)
        return set() if entry is None else entry.keys

    async def _read(self) -> None:
        """See that everything is read that stands in the stream, from now on as it comes."""
        async with self._reading:
            if self._channel is not None and not self._channel.is_closed and self._channel.connection.is_opened:
                return
            self._entries, self._strange, self._is_past = {}, {}, True
            await self._line.make(STREAM, ARGUMENTS)
            self._time += 1
            channel = await self._line.channel(f"offers {self._time}")
            await channel.basic_qos(prefetch_count=_AT_ONCE)
            take = partial(self._take, self._time)
            await channel.basic_consume(STREAM, take, arguments={"x-stream-offset": "first"})
            await self._put("mark", None)
            self._channel, self._is_past = channel, False

    async def _put(self, kind: str, offer: Offer | None) -> None:
        """Put something into the stream and wait until it is read here."""
        identity = token_hex(12)
        read = self._awaited[identity] = asyncio.get_running_loop().create_future()
        try:
            body = b"" if offer is None else offer_to(offer)
            if not await self._line.publish(STREAM, body, kind=kind, identity=identity):
                self._channel = None  # somebody has deleted the stream: it is made anew
                raise ConnectionResetError(f"{STREAM} is not there")
            await read
        finally:
            del self._awaited[identity]

    async def _take(self, time: int, message: DeliveredMessage) -> None:
        if time != self._time:
            return  # it is read anew
        properties = message.header.properties
        if properties.message_type in ("offer", "withdrawal"):
            self._fold(properties.message_type, message.body)
            self._changed.set()
        awaited = self._awaited.get(properties.message_id or "")
        if awaited is not None and not awaited.done():
            awaited.set_result(None)
        with suppress(Exception):  # a channel that is closed is read anew
            await message.channel.basic_ack(message.delivery_tag or 0)

    def _fold(self, kind: str, body: bytes) -> None:
        offer = offer_from(body)
        if isinstance(offer, Unreadable):
            if len(self._strange) < _MOST_STRANGE:
                self._strange[offer.sender] = offer
            return
        entry = self._entries.get(offer.run)
        if kind == "withdrawal":
            if entry is not None and entry.offer.epoch <= offer.epoch:
                del self._entries[offer.run]
            return
        heard_at = float("-inf") if self._is_past else asyncio.get_running_loop().time()
        keys = {wanted.key for wanted in offer.wanted if wanted.identity}
        if entry is None:
            self._entries[offer.run] = _Entry(offer, heard_at, keys)
        elif offer.coordinator == entry.offer.coordinator or offer.epoch > entry.offer.epoch:
            entry.offer, entry.heard_at = offer, heard_at
            entry.keys |= keys


def reports_name(run: str) -> str:
    """The queue of what workers send to a run; it is there while the run is."""
    return f"gss.{run}.reports"

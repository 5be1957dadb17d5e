"""Openings over a Redis broker: told at once to the runs that wait, or kept for the next one that does.

A waiting run listens to the signal `gss:opening:CHANNEL`, and to the channel itself, on which the original's own
`seed_conversation.py` and `redis-cli publish` speak. What a run says of itself there is never taken for an opening.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Sequence
from contextlib import aclosing, asynccontextmanager
from typing import Any, Final

from genai_social_sim.broadcast.connection import SILENCE_S, connected_async, faults, unreachable, why_away
from genai_social_sim.broadcast.hearing import OURS
from genai_social_sim.broadcast.message import Malformed, read, written_opening
from genai_social_sim.domain.ids import ChannelId
from genai_social_sim.domain.plan import Opening
from genai_social_sim.ports import Clock, Letter, Posted

KEPT_S: Final = 24 * 3600  # for which the broker keeps an opening that nobody waited for
_PAUSE_S: Final = 1.0
_LISTEN_S: Final = 1.0  # until it looks whether somebody wants to stop
# Whoever waits subscribed before it looks at what is kept; so an opening is either told or found.
_POST: Final = """
redis.call('PUBLISH', KEYS[1], ARGV[1])
local waiting = redis.call('PUBSUB', 'NUMSUB', KEYS[1])[2]
if waiting > 0 then return {waiting, 0} end
local replaced = redis.call('EXISTS', KEYS[1])
redis.call('SET', KEYS[1], ARGV[1], 'EX', ARGV[2])
return {0, replaced}
"""


class RedisLetterbox:
    """A letterbox on a broker. `note` is told when the broker goes away or something cannot be read."""

    def __init__(self, url: str, *, clock: Clock, note: Callable[[str], None] = lambda words: None) -> None:
        self._url = url
        self._clock = clock
        self._note = note
        self._client = connected_async(url)

    async def post(self, channel: ChannelId, opening: Opening) -> Posted:
        """See `Letterbox.post`; raises BrokerError."""
        message = written_opening(channel, opening, self._clock.now())
        try:
            waiting, replaced = await self._client.eval(_POST, 1, _signal(channel), message, KEPT_S)
        except faults() as fault:
            raise unreachable(self._url, fault) from fault
        return Posted(waiting=waiting, replaced=bool(replaced))

    @asynccontextmanager
    async def letters(self, channels: Sequence[ChannelId]) -> AsyncIterator[AsyncIterator[Letter]]:
        """See `Letterbox.letters`; raises BrokerError if the broker is not there to begin with."""
        subscription = self._client.pubsub()
        try:
            try:
                await self._listen(subscription, channels)
            except faults() as fault:
                raise unreachable(self._url, fault) from fault
            async with aclosing(self._came(subscription, channels)) as letters:
                yield letters
        finally:
            await subscription.aclose()

    async def close(self) -> None:
        """See `Letterbox.close`."""
        await self._client.aclose()

    async def _listen(self, subscription: Any, channels: Sequence[ChannelId]) -> None:
        """Subscribe, and wait until the broker has said that it did."""
        names = [*map(_signal, channels), *channels]
        await subscription.subscribe(*names)
        for _ in names:
            await subscription.get_message(timeout=SILENCE_S)

    async def _came(self, subscription: Any, channels: Sequence[ChannelId]) -> AsyncGenerator[Letter, None]:
        while True:
            try:
                for channel in channels:
                    kept = await self._client.getdel(_signal(channel))
                    _heed_cancellation()
                    if kept is not None and (opening := self._opening(channel, kept)):
                        yield Letter(channel, opening)
                async for letter in self._told(subscription):
                    yield letter
            except faults() as fault:
                self._note(f"the broker is away ({why_away(fault)}); waiting for it")
                await self._listen_again(subscription, channels)
                self._note("the broker is back")

    async def _told(self, subscription: Any) -> AsyncGenerator[Letter, None]:
        while True:
            found = await subscription.get_message(ignore_subscribe_messages=True, timeout=_LISTEN_S)
            _heed_cancellation()
            if found is None or found["type"] != "message":
                continue
            channel = ChannelId(found["channel"].decode().removeprefix(_signal(ChannelId(""))))
            if opening := self._opening(channel, found["data"]):
                yield Letter(channel, opening)

    async def _listen_again(self, subscription: Any, channels: Sequence[ChannelId]) -> None:
        while True:
            await asyncio.sleep(_PAUSE_S)
            try:
                await subscription.aclose()
                await self._listen(subscription, channels)
            except faults():
                continue
            return

    def _opening(self, channel: ChannelId, data: bytes) -> Opening | None:
        message = read(channel, data)
        if isinstance(message, Malformed):
            self._note(f"a message on {channel} is left out, since {message.why}: {message.begins}")
            return None
        return None if message.run else Opening(speaker=message.sender, text=message.text)


def _heed_cancellation() -> None:
    """The client now and then swallows a cancellation that comes while it looks for what has already arrived."""
    task = asyncio.current_task()
    if task is not None and task.cancelling():
        raise asyncio.CancelledError


def _signal(channel: ChannelId) -> str:
    return f"{OURS}opening:{channel}"

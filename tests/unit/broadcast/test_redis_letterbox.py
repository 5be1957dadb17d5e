"""Waiting for an opening over a broker that goes away, and being told to stop at any moment."""

from __future__ import annotations

import asyncio

import pytest
from tests.support.brokers import BrokerServer

from genai_social_sim.broadcast.redis_letterbox import RedisLetterbox
from genai_social_sim.domain.ids import ChannelId
from genai_social_sim.domain.plan import Opening
from genai_social_sim.engine.clock import SystemClock
from genai_social_sim.errors import BrokerError

HALL, YARD = ChannelId("hall"), ChannelId("yard")
BEGIN = Opening(speaker="system", text="Begin.")


async def test_a_run_that_waits_goes_on_waiting_while_the_broker_is_away(valkey: BrokerServer) -> None:
    notes: asyncio.Queue[str] = asyncio.Queue()
    box = RedisLetterbox(valkey.url, clock=SystemClock(), note=notes.put_nowait)
    async with asyncio.timeout(30), box.letters([HALL]) as letters:
        letter = asyncio.ensure_future(anext(letters))
        await asyncio.sleep(0)
        valkey.stop()
        assert "away" in await notes.get()
        valkey.start()
        assert "back" in await notes.get()
        assert (await box.post(HALL, BEGIN)).waiting == 1
        assert await letter == (HALL, BEGIN)
    await box.close()


@pytest.mark.parametrize("steps", range(12))
async def test_a_run_that_waits_stops_whenever_it_is_told_to(valkey: BrokerServer, steps: int) -> None:
    box = RedisLetterbox(valkey.url, clock=SystemClock())
    await box.post(HALL, BEGIN)
    came = asyncio.Event()

    async def wait() -> None:
        async with box.letters([HALL, YARD]) as letters:
            async for _ in letters:
                came.set()

    waiting = asyncio.create_task(wait())
    await came.wait()
    for _ in range(steps):  # so many steps of the loop after the first opening has come
        await asyncio.sleep(0)
    waiting.cancel()
    done, _ = await asyncio.wait([waiting], timeout=20)
    assert done
    assert waiting.cancelled()
    await box.close()


async def test_a_broker_that_was_never_there_is_an_error() -> None:
    box = RedisLetterbox("redis://127.0.0.1:1", clock=SystemClock())
    with pytest.raises(BrokerError, match="does not answer"):
        async with box.letters([HALL]):
            pass
    with pytest.raises(BrokerError, match="does not answer"):
        await box.post(HALL, BEGIN)
    await box.close()

"""Every transport sits the same examination, the one inside the process in virtual time."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager

import pytest
from tests.support.brokers import BROKERS, BrokerServer
from tests.support.virtual_time import LoopClock, in_virtual_time

from genai_social_sim.ports import Transport
from genai_social_sim.testing.transports import CHECKS, TIMED_CHECKS
from genai_social_sim.workers.local import LocalTransport
from genai_social_sim.workers.transports import open_transport

Check = Callable[..., Awaitable[None]]


@contextmanager
def broker(name: str, request: pytest.FixtureRequest) -> Iterator[Callable[[], Transport]]:
    server: BrokerServer = request.getfixturevalue(name)
    yield lambda: open_transport(server.url)


async def _examined(opened: Callable[[], Transport], check: Check, *given: object) -> None:
    transport = opened()
    try:
        await check(transport, *given)
    finally:
        await transport.close()


@pytest.mark.parametrize("check", CHECKS)
@pytest.mark.parametrize("name", BROKERS)
def test_a_broker(name: str, check: Check, request: pytest.FixtureRequest) -> None:
    with broker(name, request) as opened:
        asyncio.run(_examined(opened, check))


@pytest.mark.parametrize("check", TIMED_CHECKS)
@pytest.mark.parametrize("name", BROKERS)
def test_a_broker_and_its_leases(name: str, check: Check, request: pytest.FixtureRequest) -> None:
    with broker(name, request) as opened:
        asyncio.run(_examined(opened, check, asyncio.sleep))


@pytest.mark.parametrize("check", CHECKS)
def test_the_broker_inside_the_process(check: Check) -> None:
    in_virtual_time(_examined(lambda: LocalTransport(LoopClock()), check))


@pytest.mark.parametrize("check", TIMED_CHECKS)
def test_the_broker_inside_the_process_and_its_leases(check: Check) -> None:
    in_virtual_time(_examined(lambda: LocalTransport(LoopClock()), check, asyncio.sleep))

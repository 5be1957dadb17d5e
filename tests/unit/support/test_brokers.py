"""The brokers that the tests stand on are real: they forget when they are wiped and remember when they are not."""

import asyncio

import pytest
from redis import Redis
from tests.support.brokers import BrokerServer


@pytest.mark.parametrize("wiped", [False, True])
def test_a_valkey_remembers_over_a_restart_unless_it_is_wiped(valkey: BrokerServer, *, wiped: bool) -> None:
    with Redis.from_url(valkey.url) as client:
        client.xadd("stream", {"a": "b"})
        client.config_set("appendfsync", "always")
        client.xadd("stream", {"c": "d"})
        port = valkey.port
        valkey.restart(wiped=wiped)
        assert (client.xlen("stream"), valkey.port) == (0 if wiped else 2, port)


def test_a_nats_server_has_jetstream(nats: BrokerServer) -> None:
    import nats as client

    async def ask() -> int:
        connection = await client.connect(nats.url)
        try:
            return (await connection.jetstream().account_info()).streams
        finally:
            await connection.close()

    assert asyncio.run(ask()) == 0

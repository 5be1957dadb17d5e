"""Makes a broker refuse what is sent to it, for a while, as one whose memory is full."""

from __future__ import annotations

import asyncio
import threading
import time
from typing import Any

import nats as nats_client
from nats.js import api
from redis import Redis
from tests.support.brokers import BrokerServer, RabbitServer


def fill(broker: BrokerServer, seconds: float) -> None:
    """It takes nothing any more when this returns, and takes it again after so many seconds."""
    full = {"redis": _redis, "nats": _nats, "amqp": _amqp}[broker.scheme]
    _elsewhere(lambda: full(broker, is_full=True)).join()

    def again() -> None:
        time.sleep(seconds)
        full(broker, is_full=False)

    _elsewhere(again)


def _elsewhere(work: Any) -> threading.Thread:
    """In a thread of its own: in this one an event loop may run."""
    thread = threading.Thread(target=work)
    thread.start()
    return thread


def _redis(broker: BrokerServer, *, is_full: bool) -> None:
    with Redis.from_url(broker.url) as client:
        client.config_set("maxmemory", "1" if is_full else "0")


def _nats(broker: BrokerServer, *, is_full: bool) -> None:
    async def limited() -> None:
        client = await nats_client.connect(broker.url)
        js: Any = client.jetstream()
        for about in await js.streams_info():
            if about.config.name.startswith("GSS_"):
                about.config.max_msgs = 1 if is_full else -1
                about.config.discard = api.DiscardPolicy.NEW
                if not is_full and about.config.name.endswith("_REPORTS"):
                    about.config.discard = api.DiscardPolicy.OLD
                await js.update_stream(about.config)
        await client.close()

    asyncio.run(limited())


def _amqp(broker: BrokerServer, *, is_full: bool) -> None:
    if not isinstance(broker, RabbitServer):
        raise TypeError("this is no RabbitMQ")
    broker.control("set_vm_memory_high_watermark", *(["absolute", "1MB"] if is_full else ["0.4"]))

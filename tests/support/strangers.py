"""Somebody who can reach a broker and sends what is none of ours, under every name of every run."""

from __future__ import annotations

import asyncio
import threading
from typing import Any

import aiormq
import nats as nats_client
from redis import Redis
from tests.support.brokers import BrokerServer

from genai_social_sim.ports import PROTOCOL, Offer
from genai_social_sim.workers.offer_stream import STREAM, reports_name
from genai_social_sim.workers.quorum_queues import jobs_name
from genai_social_sim.workers.transports import open_transport

JUNK = (b"", b"junk", b"\xff\x00", b'{"protocol":%d,"worker":"new"}' % (PROTOCOL + 1), b'{"protocol":%d}' % PROTOCOL)
OTHER_OFFER = b'{"protocol":9,"run":"nobody","package":"9.0"}'


def disturb(broker: BrokerServer) -> None:
    """Send junk under every name; it is sent when this returns, also where an event loop runs in this thread."""
    work = {"redis": _redis, "nats": _nats, "amqp": _amqp}[broker.scheme]
    sending = threading.Thread(target=lambda: asyncio.run(work(broker.url)))
    sending.start()
    sending.join()


async def _redis(url: str) -> None:
    with Redis.from_url(url) as client:
        for name in client.scan_iter("gss:*"):
            for junk in JUNK * 4:
                if client.type(name) == b"stream":
                    client.xadd(name, {"m": junk})
        client.sadd("gss:runs", "nobody", b"\xff")
        client.set("gss:{nobody}:offer", OTHER_OFFER)


async def _nats(url: str) -> None:
    client = await nats_client.connect(url)
    js: Any = client.jetstream()
    for about in await js.streams_info():
        if about.config.name.startswith("GSS_"):
            token = about.config.name.split("_")[1]
            keys = [each.name for each in await js.consumers_info(about.config.name)]
            jobs = [f"gss.{token}.jobs.{key}" for key in keys if key != "coordinator"]
            for number, junk in enumerate(JUNK * 4):
                await js.publish(f"gss.{token}.reports", junk)
                for subject in jobs:
                    await js.publish(f"{subject}.junk-{number}", junk)
    await (await js.key_value("gss-offers")).put("nobody", OTHER_OFFER)
    await client.close()


async def _amqp(url: str) -> None:
    transport = open_transport(url)
    offers = [each for each in await transport.serve("stranger").offers() if isinstance(each, Offer)]
    await transport.close()
    connection = await aiormq.connect(url)
    channel = await connection.channel()
    properties = aiormq.spec.Basic.Properties(message_type="offer")
    for offer in offers:
        for queue in (reports_name(offer.run), *(jobs_name(offer.run, wanted.key) for wanted in offer.wanted)):
            for junk in JUNK * 4:
                await channel.basic_publish(junk, routing_key=queue)
    await channel.basic_publish(OTHER_OFFER, routing_key=STREAM, properties=properties)
    await connection.close()

"""What a RabbitMQ should be like for runs, and whether it is."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from secrets import token_hex
from typing import Any, Final

from aiormq.exceptions import AMQPError, ChannelAccessRefused, DeliveryError

from genai_social_sim.ports import Health
from genai_social_sim.workers.amqp_line import Line
from genai_social_sim.workers.offer_stream import ARGUMENTS, STREAM

_OLDEST: Final = (3, 10)
_TOLD_BY_QUEUE: Final = (3, 12)  # since then a queue says itself how long an answer may take
_CONFIRMED_S: Final = 3.0
_REMEDY: Final = (
    "Give this user its names: rabbitmqctl set_permissions -p VHOST USER '^gss\\.' '^(gss\\.|amq\\.default)' '^gss\\.'"
)


async def examined(line: Line) -> list[Health]:
    """Everything about one server."""
    about = await line.about()
    version = _version(about)
    shown = f"{about.get('product', 'AMQP')} {about.get('version', '')} at {line.where}"
    if about.get("product") == "RabbitMQ" and version < _OLDEST:
        return [Health(what="broker", state="broken", found=shown, remedy="Use RabbitMQ 3.10 or newer.")]
    state = Health(what="broker", state="ok", found=shown)
    return [state, *await _queues(line), _answers(version)]


async def _queues(line: Line) -> list[Health]:
    """Do what a run does, on a name of our own."""
    probe = f"gss.doctor.{token_hex(4)}"
    for what, name, arguments in (
        ("quorum queues", probe, {"x-queue-type": "quorum", "x-expires": 60_000}),
        ("streams", STREAM, ARGUMENTS),
    ):
        try:
            await line.make(name, arguments)
        except ChannelAccessRefused as fault:
            return [
                Health(what="rights", state="broken", found=f"it refuses what a run needs ({fault})", remedy=_REMEDY)
            ]
        except AMQPError as fault:
            remedy = "rabbitmqctl enable_feature_flag all; hosted brokers without streams cannot be used."
            return [Health(what=what, state="broken", found=f"it does not make one ({fault})", remedy=remedy)]
    try:
        return [
            Health(what="queues", state="ok", found="quorum queues and streams may be made"),
            await _alarm(line, probe),
        ]
    finally:
        await line.remove(probe)


async def _alarm(line: Line, probe: str) -> Health:
    """A server whose memory or disk is full reads from nobody who publishes."""
    try:
        async with asyncio.timeout(_CONFIRMED_S):
            await line.publish(probe, b"probe")
    except TimeoutError:
        return Health(
            what="room",
            state="broken",
            found="it takes no message now: an alarm is on, for its memory or its disk",
            remedy="rabbitmq-diagnostics alarms; free some, or raise vm_memory_high_watermark or disk_free_limit",
        )
    except ChannelAccessRefused as fault:
        return Health(what="rights", state="broken", found=f"it refuses a message ({fault})", remedy=_REMEDY)
    except DeliveryError as fault:
        return Health(
            what="room", state="broken", found=f"it refuses a message ({fault})", remedy="Ask whoever runs it."
        )
    return Health(what="room", state="ok", found="no alarm for memory or disk")


def _answers(version: tuple[int, ...]) -> Health:
    """How long an answer may take: the server takes back what nobody has acknowledged for longer."""
    if version >= _TOLD_BY_QUEUE:
        return Health(what="longest answer", state="ok", found="a day: each queue says so")
    return Health(
        what="longest answer",
        state="ok",
        found="consumer_timeout in its configuration, half an hour unless it says another; this release does not tell",
        remedy="For longer answers: consumer_timeout = 86400000 in rabbitmq.conf",
    )


def _version(about: Mapping[str, Any]) -> tuple[int, ...]:
    parts = str(about.get("version", "")).split(".")[:2]
    return tuple([int(part) for part in parts if part.isdigit()])

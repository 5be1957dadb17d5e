"""Finds the transport for a broker's address: ours, or one that an installed package offers as an entry point.

A transport is a module with `open_transport(url) -> Transport`, named by the scheme of its addresses.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib import import_module
from importlib.metadata import entry_points
from typing import Final, cast
from urllib.parse import urlsplit

from genai_social_sim.errors import RequestError
from genai_social_sim.ports import Transport

TRANSPORTS: Final[Mapping[str, tuple[str, str]]] = {  # scheme: module, extra that it needs
    "redis": ("genai_social_sim.workers.redis_streams", "redis"),
    "rediss": ("genai_social_sim.workers.redis_streams", "redis"),
    "nats": ("genai_social_sim.workers.jetstream", "nats"),
    "tls": ("genai_social_sim.workers.jetstream", "nats"),
    "amqp": ("genai_social_sim.workers.quorum_queues", "rabbitmq"),
    "amqps": ("genai_social_sim.workers.quorum_queues", "rabbitmq"),
    "unix": ("genai_social_sim.workers.redis_streams", "redis"),
}
ENTRY_POINTS: Final = "genai_social_sim.transports"
OpenTransport = Callable[[str], Transport]


def schemes() -> list[str]:
    """The schemes of all addresses that can be used here."""
    return sorted({*TRANSPORTS, *(point.name for point in entry_points(group=ENTRY_POINTS))})


def open_transport(url: str) -> Transport:
    """The transport for a broker's address; raises RequestError if there is none, or its client is not installed."""
    scheme = urlsplit(url).scheme
    if scheme in TRANSPORTS:
        name, extra = TRANSPORTS[scheme]
        try:
            module = import_module(name)
        except ModuleNotFoundError as fault:
            raise RequestError(
                f"the client for {scheme}:// is not installed ({fault.name} is missing)",
                remedy=f"pip install 'genai-social-sim[{extra}]'",
            ) from fault
    else:
        points = list(entry_points(group=ENTRY_POINTS, name=scheme))
        if not points:
            raise RequestError(
                f"{scheme or 'nothing'}:// is no address of a broker",
                where=url.rpartition("@")[2],
                remedy=f"Its scheme is one of: {', '.join(schemes())}. For example: redis://localhost:6379/0",
            )
        module = import_module(points[0].module)
    return cast("OpenTransport", module.open_transport)(url)

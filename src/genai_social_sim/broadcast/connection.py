"""Connections to a Redis or Valkey that the live channel uses, and what to say when there is none."""

from __future__ import annotations

from importlib import import_module
from typing import Any, Final
from urllib.parse import urlsplit

from genai_social_sim.errors import BrokerError, RequestError

SCHEMES: Final = ("redis", "rediss", "unix")
CONNECT_S: Final = 3.0
SILENCE_S: Final = 10.0  # without an answer, after which a broker counts as away


def connected(url: str) -> Any:
    """A client for code that waits in a thread; it connects when it is first used."""
    return _module("redis", url).Redis.from_url(url, **_settings())


def connected_async(url: str) -> Any:
    """A client for code on an event loop; it connects when it is first used."""
    return _module("redis.asyncio", url).Redis.from_url(url, **_settings())


def shown(url: str) -> str:
    """The address without credentials."""
    parts = urlsplit(url)
    return parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()


def why_away(fault: BaseException) -> str:
    """A fault of the connection in words."""
    return str(fault).rstrip(".") or type(fault).__name__


def unreachable(url: str, fault: BaseException) -> BrokerError:
    """The error for a broker that was never there."""
    return BrokerError(
        f"the broker does not answer ({why_away(fault)})",
        where=shown(url),
        remedy="Start it, or check the address: gss doctor --broker URL",
    )


def faults() -> tuple[type[BaseException], ...]:
    """What a broker that is away, or does not want, raises."""
    return (import_module("redis.exceptions").RedisError, OSError, TimeoutError)


def _module(name: str, url: str) -> Any:
    scheme = urlsplit(url).scheme
    if scheme not in SCHEMES:
        raise RequestError(
            f"the live channel needs Redis or Valkey, not {scheme or 'an address without a scheme'}",
            where=shown(url),
            remedy="Write redis://HOST:PORT.",
        )
    try:
        return import_module(name)
    except ModuleNotFoundError as fault:
        remedy = "Install its client: pip install 'genai-social-sim[redis]'"
        raise BrokerError("the client for Redis is not installed", remedy=remedy) from fault


def _settings() -> dict[str, Any]:
    from redis.backoff import NoBackoff
    from redis.retry import Retry

    return {
        "socket_connect_timeout": CONNECT_S,
        "socket_timeout": SILENCE_S,
        "retry": Retry(NoBackoff(), 0),  # whoever uses it tries again in its own way, and says so
    }

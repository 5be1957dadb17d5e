"""How much of a run a broker holds, asked of the broker: one that was named, or one that a run of this user started."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from threading import Lock
from typing import Final

from genai_social_sim.errors import BrokerError, RequestError, SocialSimError
from genai_social_sim.ports import Holding, HoldingTransport

_PATIENCE_S: Final = 3.0
_FRESH_S: Final = 1.0
_KEPT: Final = 256  # runs


class Holdings:
    """Answers of brokers, each for a second. No address is taken from a record: it may come from anybody.

    Args:
        url: The broker that was named; empty for none.
        elapsed: Seconds on a clock that never goes back.
    """

    def __init__(self, url: str, elapsed: Callable[[], float]) -> None:
        self._url = url
        self._elapsed = elapsed
        self._known: dict[str, tuple[float, Holding | str]] = {}
        self._lock = Lock()

    def of(self, run: str, *, own: bool) -> Holding | str:
        """What is held of a run, by its name at the broker, or why that is not known. `own`: at a broker of its own."""
        with self._lock:
            now = self._elapsed()
            at, known = self._known.get(run, (float("-inf"), ""))
            if now - at > _FRESH_S:
                known = self._asked(run, own=own)
                if len(self._known) >= _KEPT:
                    self._known.clear()
                self._known[run] = (self._elapsed(), known)
            return known

    def _asked(self, run: str, *, own: bool) -> Holding | str:
        from genai_social_sim.workers.crew import own_brokers

        urls = own_brokers() if own else [self._url] if self._url else []
        if not urls:
            return "" if own else "gss serve --broker URL tells how much it holds"
        return asyncio.run(_first(urls, run))


async def _first(urls: Sequence[str], run: str) -> Holding | str:
    """Of the first broker that knows the run."""
    why = "the broker does not know this run"
    for url in urls:
        try:
            async with asyncio.timeout(_PATIENCE_S):
                found = await _held(url, run)
        except (BrokerError, RequestError, TimeoutError) as fault:
            why = fault.problem if isinstance(fault, SocialSimError) else "no answer from the broker"
            continue
        if found is not None:
            return found
    return why


async def _held(url: str, run: str) -> Holding | None:
    from genai_social_sim.workers.transports import open_transport

    transport = open_transport(url)
    try:
        return await transport.holding(run) if isinstance(transport, HoldingTransport) else None
    finally:
        await transport.close()

"""A loop in which waiting costs nothing: time jumps to the next timer. Nothing sleeps, nothing depends on load."""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")
LONGEST_REAL_WAIT_S = 20.0  # for a worker thread; nothing else is waited for


class _Skipping:
    """A selector that moves the loop's time instead of waiting for a timer."""

    def __init__(self, inner: selectors.BaseSelector, loop: VirtualTimeLoop) -> None:
        self._inner = inner
        self._loop = loop

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if timeout is None:
            events = self._inner.select(LONGEST_REAL_WAIT_S)
            if not events:
                raise RuntimeError("everybody waits and nothing will ever happen")
            return events
        events = self._inner.select(0)
        if not events:
            self._loop.now += max(timeout, 0.0)
        return events

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)


class VirtualTimeLoop(asyncio.SelectorEventLoop):
    """Its clock stands still while code runs."""

    def __init__(self) -> None:
        self.now = 0.0
        super().__init__()
        self._clock_resolution = 1e-6  # so that time moves on also where it counts in billions
        inner: selectors.BaseSelector = vars(self)["_selector"]
        self._selector = _Skipping(inner, self)

    def time(self) -> float:
        return self.now


class LoopClock:
    """The engine's clock, showing the loop's time."""

    def now(self) -> float:
        return 1_700_000_000.0 + self.elapsed()

    def elapsed(self) -> float:
        try:
            return asyncio.get_running_loop().time()
        except RuntimeError:
            return 0.0


def in_virtual_time(work: Coroutine[Any, Any, T]) -> T:
    """The result of `work`, however long it takes on its own clock."""
    with asyncio.Runner(loop_factory=VirtualTimeLoop) as runner:
        return runner.run(work)

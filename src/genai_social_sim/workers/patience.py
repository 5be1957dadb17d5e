"""Goes on trying while the broker is away, and says once that it is away and once that it is back."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final, TypeVar

from genai_social_sim.errors import BrokerError

T = TypeVar("T")
_FIRST_S: Final = 0.05
_LONGEST_S: Final = 2.0


class Patience:
    """What all loops of one process know of the broker.

    Args:
        away: Told why, when the first of them fails.
        back: Told when the last of those that failed works again.
    """

    def __init__(self, *, away: Callable[[BrokerError], None], back: Callable[[], None]) -> None:
        self._tell_away = away
        self._tell_back = back
        self._failing: set[str] = set()

    @property
    def is_away(self) -> bool:
        """Whether something has failed and not worked since."""
        return bool(self._failing)

    async def until_it_works(self, what: str, work: Callable[[], Awaitable[T]]) -> T:
        """The result of `work`, begun anew after each `BrokerError`, with pauses that grow up to two seconds."""
        pause = _FIRST_S
        while True:
            try:
                result = await work()
            except BrokerError as fault:
                self._fails(what, fault)
                await asyncio.sleep(pause)
                pause = min(_LONGEST_S, 2 * pause)
            else:
                _heed_cancellation()
                self._works(what)
                return result

    def _fails(self, what: str, fault: BrokerError) -> None:
        first = not self._failing
        self._failing.add(what)
        if first:
            self._tell_away(fault)

    def _works(self, what: str) -> None:
        if what in self._failing:
            self._failing.discard(what)
            if not self._failing:
                self._tell_back()


def _heed_cancellation() -> None:
    """A client now and then swallows a cancellation that comes while it reads; whoever waits for us would wait on."""
    task = asyncio.current_task()
    if task is not None and task.cancelling():
        raise asyncio.CancelledError

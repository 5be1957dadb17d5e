"""An observer that tells how many turns a run has committed, a few times a second."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

from genai_social_sim.domain.events import Event, FellSilent, Spoke
from genai_social_sim.engine.clock import SystemClock

_PAUSE_S: Final = 0.25


class Counting:
    """Counts turns.

    Args:
        tell: Called with the number of turns committed so far.
        turns: Committed before this session.
    """

    def __init__(self, tell: Callable[[int], None], *, turns: int) -> None:
        self._tell = tell
        self._turns = turns
        self._now = SystemClock().elapsed
        self._told_at = -_PAUSE_S

    def saw(self, events: Sequence[Event]) -> None:
        """See `Observer.saw`."""
        self._turns += sum(isinstance(event, Spoke | FellSilent) for event in events)
        if self._now() - self._told_at >= _PAUSE_S:
            self._told_at = self._now()
            self._tell(self._turns)

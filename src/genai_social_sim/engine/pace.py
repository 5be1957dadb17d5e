"""How many calls a model server is given at once, and whether it is given any: adapted to how it copes.

Additive increase, multiplicative decrease: each answer makes room for a little more, at most the bound; an overload
halves it, at most once in the time of one call. After several failures in a row without one answer the circuit opens:
the server is left alone for a while, then tried with one call. Of failures that say that somebody was there (too late,
an error, no sense), those that were under way together count once: a server that is given too much fails in this way,
and is asked less. It knows no calls, only numbers.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Literal

from genai_social_sim.domain.events import Cause

OVERLOADED: Final[frozenset[Cause]] = frozenset({"timeout", "unreachable", "error"})
_OPENS_AT: Final = 5  # what failures in a row have to come to
_COUNTS: Final[Mapping[Cause, int]] = {"unreachable": 1, "error": 1, "garbled": 1, "timeout": 2}  # in a row
_TURNS_AWAY_AT: Final = 10  # refusals in a row
_FIRST_REST_S: Final = 0.5
_LONGEST_REST_S: Final = 30.0
_SLOW: Final = 3.0  # times the usual latency of a call that count as overload
_SMOOTH: Final = 0.1  # weight of a new latency in the usual one

Change = Literal["server_down", "server_up", ""]


class Pace:
    """The pace at which one server is asked; `bound` is the most calls at once."""

    def __init__(self, bound: int) -> None:
        self._bound = bound
        self.limit = float(bound)
        self.rests_until = 0.0  # no call before that time
        self._usual_s = 0.0
        self._quiet_until = 0.0  # no further decrease before that time
        self._in_a_row = 0  # what failures since the last answer come to
        self._counted_at = 0.0  # when the last of them came
        self._rest_s = _FIRST_REST_S
        self._refusals = 0  # since the last answer; those of calls that were under way together count once
        self._refused_at = 0.0  # when the last of them came

    @property
    def turns_away(self) -> bool:
        """Whether it has refused so many calls, and answered none in between, that it seems to refuse them all."""
        return self._refusals >= _TURNS_AWAY_AT

    @property
    def is_down(self) -> bool:
        """Whether the circuit is open: one call at a time, and none before `rests_until`."""
        return self._in_a_row >= _OPENS_AT

    def has_room(self, running: int, now: float) -> bool:
        """Whether another call may begin."""
        if now < self.rests_until:
            return False
        return running < 1 if self.is_down else running < int(self.limit)

    def answered(self, seconds: float, now: float) -> Change:
        """A call was answered after so many seconds."""
        change, self._refusals = self._answers(), 0
        if self._usual_s and seconds > _SLOW * self._usual_s and self.limit > 1:
            self._decrease(now, seconds)
        else:
            self.limit = min(self._bound, self.limit + 1 / self.limit)
        self._usual_s = seconds if not self._usual_s else self._usual_s + _SMOOTH * (seconds - self._usual_s)
        return change

    def failed(self, cause: Cause, seconds: float, now: float, *, peace_s: float = 0.0) -> Change:
        """A call failed after so many seconds; `peace_s` is how long the server asks to be left alone."""
        was_down = self.is_down
        if cause in OVERLOADED:
            self._decrease(now, seconds)
        self.rests_until = max(self.rests_until, now + peace_s)
        if cause == "refused" and now - seconds >= self._refused_at:
            self._refusals += 1
            self._refused_at = now
        if cause not in _COUNTS:
            return self._answers()
        if cause == "unreachable" or now - seconds >= self._counted_at:
            self._in_a_row += _COUNTS[cause]
            self._counted_at = now
        if not self.is_down:
            return ""
        self.rests_until = max(self.rests_until, now + self._rest_s)
        self._rest_s = min(_LONGEST_REST_S, 2 * self._rest_s)
        return "" if was_down else "server_down"

    def _answers(self) -> Change:
        """The server does its work, be it that it refuses a call as it is."""
        was_down, self._in_a_row, self._rest_s = self.is_down, 0, _FIRST_REST_S
        return "server_up" if was_down else ""

    def _decrease(self, now: float, seconds: float) -> None:
        if now >= self._quiet_until:
            self.limit = max(1.0, self.limit / 2)
            self._quiet_until = now + max(seconds, self._usual_s)

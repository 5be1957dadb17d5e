"""Intervals of means over runs, each of which is one observation."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from math import atan, cos, pi, sin, sqrt
from typing import Final, NamedTuple

CONFIDENCE: Final = 0.95
_HALVINGS: Final = 80


class Interval(NamedTuple):
    """A mean and the ends of its interval; None where there are too few observations."""

    mean: float
    low: float | None
    high: float | None


def interval(values: Sequence[float]) -> Interval:
    """The mean of at least one independent observation, with Student's t interval of 95 %."""
    count = len(values)
    mean = sum(values) / count
    if count == 1:
        return Interval(mean, None, None)
    variance = sum((value - mean) ** 2 for value in values) / (count - 1)
    half = _quantile(count - 1) * sqrt(variance / count)
    return Interval(mean, mean - half, mean + half)


@lru_cache(maxsize=1024)
def _quantile(degrees: int) -> float:
    """T between whose negative and which 95 % lie."""
    low, high = 0.0, 100.0
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        low, high = (middle, high) if _within(middle, degrees) < CONFIDENCE else (low, middle)
    return high


def _within(t: float, degrees: int) -> float:
    """The probability between -t and t.

    Source: Abramowitz and Stegun (1964), 26.7.3 and 26.7.4.
    """
    angle = atan(t / sqrt(degrees))
    odd = degrees % 2
    term, total = (cos(angle) if odd else 1.0), 0.0
    for place in range(degrees // 2):
        total += term
        step = 2 * place + 1 + odd
        term *= cos(angle) ** 2 * step / (step + 1)
    total *= sin(angle)
    return 2 / pi * (angle + total) if odd else total

"""Measures of the opinions that agents hold at one time. It knows nothing of how they were stated."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from math import fsum, sqrt
from typing import Final

GAP: Final = 0.05  # of the scale: what parts two camps
SMALLEST: Final = 0.05  # of all: a camp that holds fewer does not count


def mean(opinions: Sequence[float]) -> float | None:
    """Their mean, in the scale's units; None without any. The "bias" B of Chuang et al. (2024).

    >>> mean([-2, -1, 0, 1, 2])
    0.0
    """
    return fsum(opinions) / len(opinions) if opinions else None


def spread(opinions: Sequence[float]) -> float | None:
    """Their sample standard deviation (ddof 1), in the scale's units; None for fewer than two.

    Source: the "diversity" D of Chuang et al. (2024), arXiv:2311.09618.

    >>> round(spread([-2, -2, -1, -1, 0, 0, 1, 1, 2, 2]), 2)
    1.49
    """
    return sqrt(_squares(opinions) / (len(opinions) - 1)) if len(opinions) > 1 else None


def dispersion(opinions: Sequence[float]) -> float | None:
    """Mean squared distance of opinions from their mean, in squared units of the scale; None without any.

    Source: population variance; the "dispersion" sense in Bramson et al. (2016).

    >>> dispersion([-1, -1, 1, 1])
    1.0
    """
    return _squares(opinions) / len(opinions) if opinions else None


def polarisation(opinions: Sequence[float], low: float, high: float) -> float | None:
    """Dispersion as a share of the most that a scale from `low` to `high` allows, on [0, 1]; None without opinions.

    0 is consensus, 1 two equal camps at the ends. Source: Bramson et al. (2016) for the sense; Popoviciu (1935) for the
    bound, a quarter of the squared width.

    >>> polarisation([1, 1, 5, 5], 1, 5)
    1.0
    """
    varied = dispersion(opinions)
    return None if varied is None or high <= low else 4 * varied / (high - low) ** 2


def bimodality(opinions: Sequence[float]) -> float | None:
    """Sarle's coefficient of bimodality, dimensionless; None for fewer than four opinions or when all are the same.

    (g1² + 1) / (g2 + 3 (n - 1)² / ((n - 2) (n - 3))), with skewness g1 and excess kurtosis g2 corrected for the size of
    the sample. A uniform distribution has 5/9; above that it speaks for two camps, or for skew.
    Source: SAS Institute (1990); Pfister et al. (2013), doi:10.3389/fpsyg.2013.00700.
    """
    n = len(opinions)
    if n < 4 or _squares(opinions) <= 0:  # noqa: PLR2004 (the correction divides by n - 3)
        return None
    centre = fsum(opinions) / n
    m2, m3, m4 = (fsum([(each - centre) ** power for each in opinions]) / n for power in (2, 3, 4))
    if not m2 * m2:  # differences too small for their squares
        return None
    skew: float = m3 / (m2 * sqrt(m2)) * sqrt(n * (n - 1)) / (n - 2)
    kurtosis: float = (n - 1) / ((n - 2) * (n - 3)) * ((n + 1) * (m4 / (m2 * m2) - 3) + 6)
    return (skew * skew + 1) / (kurtosis + 3 * (n - 1) ** 2 / ((n - 2) * (n - 3)))


def clusters(opinions: Sequence[float], *, gap: float, smallest: float = SMALLEST) -> int | None:
    """How many camps hold at least the share `smallest` of all: opinions in order, parted by gaps wider than `gap`.

    None without opinions. Source: the count of clusters in Deffuant et al. (2000), small ones left out.

    >>> clusters([0.1, 0.12, 0.5, 0.9], gap=0.05)
    3
    """
    if not opinions:
        return None
    sizes = [1]
    for one, other in pairwise(sorted(opinions)):
        if other - one > gap:
            sizes.append(0)
        sizes[-1] += 1
    return sum(size >= smallest * len(opinions) for size in sizes)


def agreement(counts: Mapping[str, int], of: int) -> float | None:
    """The share of `of` agents that hold what most of them do, on [0, 1]; None without agents.

    Source: the share by which the stopping rule `consensus` goes; the order parameter of voter models.
    """
    return max(counts.values(), default=0) / of if of else None


def held(counts: Mapping[str, int]) -> float | None:
    """The effective number of different opinions, from 1; None without any: 1 / sum of squared shares.

    Source: Laakso & Taagepera (1979), the inverse of Simpson's (1949) index.

    >>> held({"red": 5, "blue": 5})
    2.0
    """
    total = sum(counts.values())
    return total**2 / sum([count**2 for count in counts.values()]) if total else None


def _squares(opinions: Sequence[float]) -> float:
    """Sum of the squared distances from the mean."""
    if not opinions:
        return 0.0
    centre = fsum(opinions) / len(opinions)
    return fsum([(each - centre) ** 2 for each in opinions])

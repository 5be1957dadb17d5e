"""Sums over a stream of numbers: means, slopes and shares of variance. It keeps no number."""

from __future__ import annotations

from typing import NamedTuple


class Mean:
    """A mean in the making."""

    __slots__ = ("count", "total")

    def __init__(self) -> None:
        self.count, self.total = 0, 0.0

    def add(self, value: float | None) -> None:
        """One more number; None is none."""
        if value is not None:
            self.count += 1
            self.total += value

    @property
    def value(self) -> float | None:
        """The mean; None without numbers."""
        return self.total / self.count if self.count else None


class Slope:
    """The slope of y over x by ordinary least squares, updated pair by pair (Welford's way, so that it stays exact)."""

    def __init__(self) -> None:
        self._n, self._x, self._y, self._xx, self._xy = 0, 0.0, 0.0, 0.0, 0.0

    def add(self, x: float, y: float) -> None:
        """One more pair."""
        self._n += 1
        away = x - self._x
        self._x += away / self._n
        self._y += (y - self._y) / self._n
        self._xx += away * (x - self._x)
        self._xy += away * (y - self._y)

    @property
    def value(self) -> float | None:
        """Y per x; None as long as all x are the same."""
        return self._xy / self._xx if self._xx > 0 else None


class _Group(NamedTuple):
    size: int = 0
    mean: float = 0.0
    squares: float = 0.0  # of the distances from the mean


class Between:
    """How much of the variance of numbers lies between groups rather than within them."""

    def __init__(self) -> None:
        self._groups: dict[str, _Group] = {}

    def add(self, group: str, value: float) -> None:
        """One more number of a group."""
        size, mean, squares = self._groups.get(group, _Group())
        away = value - mean
        mean += away / (size + 1)
        self._groups[group] = _Group(size + 1, mean, squares + away * (value - mean))

    @property
    def share(self) -> float | None:
        """Eta squared less what it comes to if numbers are shuffled over groups, as a share of the rest.

        Over all ways to shuffle, eta squared is (k - 1) / (n - 1) on average, with k groups of any sizes and n numbers:
        exactly, whatever their distribution, so that nothing is drawn. So 0 is what chance
        gives, 1 is all, and a little below 0 can happen. None without two groups, without a second number in any, or
        if all are the same. Source: epsilon squared, Kelley (1935), doi:10.1073/pnas.21.9.554.
        """
        n, k = sum([group.size for group in self._groups.values()]), len(self._groups)
        if k < 2 or n <= k:  # noqa: PLR2004 (a variance between groups takes two)
            return None
        centre = sum([group.size * group.mean for group in self._groups.values()]) / n
        between = sum([group.size * (group.mean - centre) ** 2 for group in self._groups.values()])
        within = sum([group.squares for group in self._groups.values()])
        total = between + within
        chance = (k - 1) / (n - 1)
        return (between / total - chance) / (1 - chance) if total > 0 else None

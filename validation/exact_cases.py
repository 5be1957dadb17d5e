"""Cases whose answers are known exactly: averaging, thresholds."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from validation.findings import Finding, exact
from validation.playing import Said, played, states

# Golub and Jackson (2010): powers of W = [[0, .5, .5], [1, 0, 0], [0, 1, 0]] from (1, 0, 0).
_POWERS: Final = {1: (0, 1, 0), 2: (0.5, 0, 1), 3: (0.5, 0.5, 0), 10: (0.40625, 0.375, 0.4375), 100: (0.4, 0.4, 0.4)}
_RING: Final = (1, 3, 5, 7, 9, 11, 13, 15, 17, 19, 21, 21)
_LATTICE: Final = (2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 20, 20)


def degroot() -> Iterator[Finding]:
    """Averaging all at once, in place, and without a limit."""
    (said,) = played("degroot")
    for step, expected in _POWERS.items():
        yield exact("degroot", f"x({step}), largest deviation", _deviation(said, step, expected), 0)
    (said,) = played("degroot-in-place")
    yield exact("degroot-in-place", "x(1), largest deviation from 0", _deviation(said, 1, (0, 0, 0)), 0)
    (said,) = played("degroot-oscillation")
    yield exact("degroot-oscillation", "x(99), largest deviation from (0, 1)", _deviation(said, 99, (0, 1)), 0)
    yield exact("degroot-oscillation", "x(100), largest deviation from (1, 0)", _deviation(said, 100, (1, 0)), 0)


def thresholds() -> Iterator[Finding]:
    """How far a change of mind spreads."""
    (said,) = played("threshold-ring")
    yield exact("threshold-ring", "rounds as 1, 3, ..., 21", _agreement(said, _RING), len(_RING))
    (said,) = played("threshold-ring", "model.threshold=0.6")
    yield exact("threshold-ring", "active in the end, fraction .6", _active(said, 11), 1)
    (said,) = played("threshold-lattice")
    yield exact("threshold-lattice", "rounds as 2, 4, ..., 20", _agreement(said, _LATTICE), len(_LATTICE))
    (said,) = played("threshold-lattice", "model.attribute=apart")
    yield exact("threshold-lattice", "active in the end, seeds apart", _active(said, 11), 2)
    (said,) = played("granovetter")
    yield exact("granovetter", "active in the end", _active(said, 101), 100)
    (said,) = played("granovetter", 'population.attributes.limit.number="{{ 2 if number == 2 else number - 1 }}"')
    yield exact("granovetter", "active in the end, the 1 made a 2", _active(said, 101), 1)


def _deviation(said: list[Said], step: int, expected: tuple[float, ...]) -> float:
    found = [float(text) for _, text in sorted(states(said, step).items())]
    return max(abs(value - known) for value, known in zip(found, expected, strict=True))


def _active(said: list[Said], round_no: int) -> int:
    return [*states(said, round_no).values()].count("1")


def _agreement(said: list[Said], expected: tuple[int, ...]) -> int:
    """In how many rounds, from the first on, as many are active as expected."""
    return sum(_active(said, round_no) == count for round_no, count in enumerate(expected))

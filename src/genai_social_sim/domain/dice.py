"""Chance as an argument: every draw comes from a stream named by what it decides.

A stream is keyed by (seed, name, logical position), so a new draw shifts no old one and any machine
derives the same numbers. It knows nothing of what is drawn.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from hashlib import sha256
from typing import Final, TypeVar

T = TypeVar("T")
_SPAN: Final = 1 << 64
MAX_CALL_SEED: Final = 2**31 - 1  # every known backend takes a seed in [0, 2^31)


class Dice:
    """A stream of draws that depends on its key alone.

    The n-th block is SHA-256(key, n), read as four unsigned 64-bit integers; integers below a bound
    are drawn by rejection, so that no side is favoured.
    """

    __slots__ = ("_block", "_count", "_key")

    def __init__(self, seed: int, *name: str | int) -> None:
        self._key = "\x1f".join([str(seed), *map(str, name)]).encode()
        self._count = 0
        self._block: list[int] = []

    def word(self) -> int:
        """The next integer, uniform on [0, 2^64)."""
        if not self._block:
            raw = sha256(self._key + b"\x1e" + str(self._count).encode()).digest()
            self._count += 1
            self._block = [int.from_bytes(raw[at : at + 8], "big") for at in (24, 16, 8, 0)]
        return self._block.pop()

    def below(self, bound: int) -> int:
        """An integer uniform on [0, bound); `bound` from 1 to 2^64."""
        if not 1 <= bound <= _SPAN:
            raise ValueError(f"bound must lie in [1, 2^64], not {bound}")
        limit = _SPAN - _SPAN % bound
        while (word := self.word()) >= limit:
            pass
        return word % bound

    def unit(self) -> float:
        """A float uniform on [0, 1), with 53 bits."""
        return (self.word() >> 11) / (1 << 53)

    def between(self) -> float:
        """A float uniform on (0, 1), with 52 bits, as likely above 1/2 by some amount as below it."""
        return ((self.word() >> 12) + 0.5) / (1 << 52)

    def choice(self, options: Sequence[T]) -> T:
        """One of `options`, each equally likely; raises ValueError if there are none."""
        return options[self.below(len(options))]

    def weighed(self, sums: Sequence[float]) -> int:
        """A position, each with a chance in proportion to its weight; `sums` are the weights added up so far."""
        if not sums[-1] > 0:
            raise ValueError("the weights must add up to more than 0")
        return min(bisect_right(sums, self.unit() * sums[-1]), len(sums) - 1)

    def shuffled(self, items: Sequence[T]) -> tuple[T, ...]:
        """`items` in an order drawn uniformly (Fisher-Yates)."""
        order = list(items)
        for last in range(len(order) - 1, 0, -1):
            pick = self.below(last + 1)
            order[last], order[pick] = order[pick], order[last]
        return tuple(order)


def call_seed(seed: int, *, channel: str, round_no: int, agent: str, again: int) -> int:
    """The seed of one model call, on [0, 2^31 - 1): the same for every attempt at it and on any machine.

    `again` tells apart the calls of an agent that has several turns in one round.
    """
    raw = sha256(f"{seed}\x1fcall\x1f{channel}\x1f{round_no}\x1f{agent}\x1f{again}".encode()).digest()
    return int.from_bytes(raw[:8], "big") % MAX_CALL_SEED

"""Words of texts and numbers about them: diversity, overlap, similarity. It knows nothing of who says them."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Mapping, Sequence
from functools import lru_cache
from math import sqrt
from typing import Final

_WORD: Final = re.compile(r"[^\W_]+(?:['\u2019-][^\W_]+)*")
_FACTOR: Final = 0.72  # the ratio of types to tokens at which a stretch of MTLD ends
_THANKS: Final = re.compile(
    r"\b(?:thanks?|thank(?:ed|ing|ful|fully)|gratitude|grateful(?:ly)?|appreciat\w+|you(?:'|\u2019)re (?:very )?welcome"
    r"|you are (?:very )?welcome|my pleasure|good-?bye|farewell)\b",
    re.IGNORECASE,
)


@lru_cache(maxsize=16)  # several measures ask for the same utterance's
def words(text: str) -> tuple[str, ...]:
    """The words of a text, folded to one case: letters and digits, with apostrophes and hyphens inside.

    >>> words("Well-known: it's ADA, 3 times.")
    ('well-known', "it's", 'ada', '3', 'times')
    """
    return tuple(_WORD.findall(text.casefold()))


@lru_cache(maxsize=16)
def trigrams(text: str) -> frozenset[tuple[str, ...]]:
    """The sets of three words in a row; those of a shorter text are all its words together."""
    found = words(text)
    if len(found) < 3:  # noqa: PLR2004 (a trigram has three)
        return frozenset([found]) if found else frozenset()
    return frozenset(zip(found, found[1:], found[2:], strict=False))


def thanks(text: str) -> bool:
    """Whether it thanks, or takes leave, in English."""
    return _THANKS.search(text) is not None


def mtld(tokens: Sequence[str]) -> float | None:
    """Measure of textual lexical diversity: words a stretch keeps its type-token ratio above 0.72, both ways.

    None where no word comes twice, for which it is not defined. Below about 100 words it says little.

    Source: McCarthy & Jarvis (2010), doi:10.3758/BRM.42.2.381.

    >>> mtld("of the people by the people for the people".split())
    9.0
    """
    factors = [_factors(tokens), _factors(tokens[::-1])]
    return sum([len(tokens) / each for each in factors]) / 2 if all(factors) else None


def _factors(tokens: Sequence[str]) -> float:
    """How many stretches end in the tokens, the last one counted in proportion."""
    count, length = 0.0, 0
    seen: set[str] = set()
    for token in tokens:
        length += 1
        seen.add(token)
        if len(seen) < _FACTOR * length:
            count, length = count + 1, 0
            seen.clear()
    return count + ((1 - len(seen) / length) / (1 - _FACTOR) if length else 0.0)


class MovingRatio:
    """The mean ratio of types to tokens over all windows of so many words in a row, in a stream of words.

    Source: MATTR of Covington & McFall (2010), doi:10.1080/09296171003643098.
    """

    def __init__(self, window: int) -> None:
        self._window = window
        self._held: deque[str] = deque()
        self._counts: dict[str, int] = {}
        self._sum = self._windows = 0
        self._told = (0, 0)  # both, when it was last asked for what came since

    def read(self, tokens: Sequence[str]) -> None:
        """Some more words."""
        held, counts, window = self._held, self._counts, self._window
        for token in tokens:
            held.append(token)
            counts[token] = counts.get(token, 0) + 1
            if len(held) > window:
                oldest = held.popleft()
                left = counts[oldest] - 1
                if left:
                    counts[oldest] = left
                else:
                    del counts[oldest]
            if len(held) == window:
                self._sum += len(counts)
                self._windows += 1

    @property
    def value(self) -> float | None:
        """On (0, 1]; None as long as no window is full."""
        return self._sum / self._windows / self._window if self._windows else None

    def since(self) -> float | None:
        """The mean over the windows that ended since this was last asked; None without any."""
        total, windows = self._sum - self._told[0], self._windows - self._told[1]
        self._told = (self._sum, self._windows)
        return total / windows / self._window if windows else None


class Bag:
    """Words with their weights, and what a cosine needs of them."""

    __slots__ = ("squared", "weights")

    def __init__(self, weights: Mapping[str, float]) -> None:
        self.weights = weights
        self.squared = sum([weight * weight for weight in weights.values()])


def overlap(mine: frozenset[tuple[str, ...]], others: frozenset[tuple[str, ...]]) -> float:
    """Jaccard's index of two sets, on [0, 1]; 0 for two empty ones. Source: Jaccard (1912)."""
    either = len(mine | others)
    return len(mine & others) / either if either else 0.0


def cosine(one: Bag, other: Bag) -> float | None:
    """Cosine of the angle between two vectors of word weights, on [0, 1]; None if one is empty.

    Source: Salton & McGill (1983).

    >>> cosine(Bag({"a": 1, "b": 1}), Bag({"a": 1, "b": 1})), cosine(Bag({"a": 1}), Bag({"b": 1}))
    (1.0, 0.0)
    """
    norms = one.squared * other.squared
    if not norms:
        return None
    mine, theirs = one.weights, other.weights
    product = sum([mine[word] * theirs[word] for word in mine.keys() & theirs.keys()])
    return min(1.0, product / sqrt(norms))

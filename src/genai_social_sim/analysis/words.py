"""Words of texts and numbers about them: diversity, overlap, similarity. It knows nothing of who says them."""

from __future__ import annotations

import re
from collections import Counter, deque
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
        if len(seen) / length < _FACTOR:
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
        self._counts: Counter[str] = Counter()
        self._sum = 0
        self._windows = 0

    def read(self, tokens: Sequence[str]) -> None:
        """Some more words."""
        for token in tokens:
            self._held.append(token)
            self._counts[token] += 1
            if len(self._held) > self._window:
                oldest = self._held.popleft()
                self._counts[oldest] -= 1
                if not self._counts[oldest]:
                    del self._counts[oldest]
            if len(self._held) == self._window:
                self._sum += len(self._counts)
                self._windows += 1

    @property
    def value(self) -> float | None:
        """On (0, 1]; None as long as no window is full."""
        return self._sum / self._windows / self._window if self._windows else None


def overlap(mine: frozenset[tuple[str, ...]], others: frozenset[tuple[str, ...]]) -> float:
    """Jaccard's index of two sets, on [0, 1]; 0 for two empty ones. Source: Jaccard (1912)."""
    either = len(mine | others)
    return len(mine & others) / either if either else 0.0


def cosine(one: Mapping[str, float], other: Mapping[str, float]) -> float | None:
    """Cosine of the angle between two vectors of word weights, on [0, 1]; None if one is empty.

    Source: Salton & McGill (1983).

    >>> cosine({"a": 1, "b": 1}, {"a": 1, "b": 1}), cosine({"a": 1}, {"b": 1})
    (1.0, 0.0)
    """
    norms = sum([weight**2 for weight in one.values()]) * sum([weight**2 for weight in other.values()])
    if not norms:
        return None
    product = sum([weight * other[word] for word, weight in one.items() if word in other])
    return min(1.0, product / sqrt(norms))

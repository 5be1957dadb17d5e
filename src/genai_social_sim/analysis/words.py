"""Words of texts and numbers about them: diversity, overlap, similarity. It knows nothing of who says them."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Mapping, Sequence
from fractions import Fraction
from functools import lru_cache
from math import sqrt
from typing import Final

_WORD: Final = re.compile(r"[^\W_]+(?:['\u2019-][^\W_]+)*")
_FACTOR: Final = Fraction("0.72")  # the ratio of types to tokens below which a stretch of MTLD ends
_THANKS: Final = re.compile(
    r"\b(?:thanks?|thank(?:ed|ing|ful|fully)|gratitude|grateful(?:ly)?|appreciat\w+|you(?:'|\u2019)re (?:very )?welcome"
    r"|you are (?:very )?welcome|my pleasure|good-?bye|farewell)\b",
    re.IGNORECASE,
)
_MOST_WORDS: Final = 10_000  # that a moving ratio keeps the places of
_THANKS_PARTS: Final = ("thank", "grat", "apprec", "welcome", "pleasure", "bye", "farewell")  # of what it looks for


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
    folded = text.casefold()
    there = any(part in folded for part in _THANKS_PARTS)  # a tenth of the time of the expression
    return there and _THANKS.search(text) is not None


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
    """How many stretches end in the tokens, the last one counted in proportion.

    A stretch ends with the word at which types / words < 0.72: with one that came before, at `end` or after it.
    """
    part, of = _FACTOR.as_integer_ratio()
    count = start = end = 0
    seen: set[str] = set()
    for at, token in enumerate(tokens):
        if token not in seen:
            seen.add(token)
            end = start + len(seen) * of // part
        elif at >= end:
            count, start = count + 1, at + 1
            seen.clear()
    rest = len(tokens) - start
    return count + ((1 - len(seen) / rest) / (1 - float(_FACTOR)) if rest else 0.0)


class MovingRatio:
    """The mean ratio of types to tokens over all windows of so many words in a row, in a stream of words.

    A word is a type of each window that holds it and not the same word before it: of as many windows as it is words
    away from that one, and of `window` at most. So types are summed up word by word, and over all windows at once.

    Source: MATTR of Covington & McFall (2010), doi:10.1080/09296171003643098.
    """

    def __init__(self, window: int) -> None:
        self._window = window
        self._read = 0  # words
        self._at: dict[str, int] = {}  # where each word came last, from 1; older ones than a window may be left out
        self._sum = 0  # types, over all windows that begin with a word read
        self._last: deque[str] = deque(maxlen=window - 1)  # words with which windows begin that are not full yet
        self._told = (0, 0)  # types and windows, when it was last asked for what came since

    def read(self, tokens: Sequence[str]) -> None:
        """Some more words."""
        at, window, before, total = self._at, self._window, self._at.get, self._sum
        for number, token in enumerate(tokens, self._read + 1):
            away = number - before(token, 0)
            total += away if away < window else window
            at[token] = number
        self._sum = total
        self._read += len(tokens)
        self._last.extend(tokens)
        if len(at) > _MOST_WORDS:
            self._at = {token: number for token, number in at.items() if number > self._read - window}

    @property
    def value(self) -> float | None:
        """On (0, 1]; None as long as no window is full."""
        types, windows = self._full()
        return types / windows / self._window if windows else None

    def since(self) -> float | None:
        """The mean over the windows that ended since this was last asked; None without any."""
        full = self._full()
        types, windows = full[0] - self._told[0], full[1] - self._told[1]
        self._told = full
        return types / windows / self._window if windows else None

    def _full(self) -> tuple[int, int]:
        """The types of all full windows, and how many these are."""
        windows = max(0, self._read - self._window + 1)
        before: dict[str, int] = {}
        others = 0  # types of the windows that are not full
        for number, token in enumerate(self._last, 1):
            others += number - before.get(token, 0)
            before[token] = number
        return (self._sum - others if windows else 0), windows


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

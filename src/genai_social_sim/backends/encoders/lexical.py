"""Likeness of spelling: the share of character trigrams that two texts have in common. It needs nothing installed.

The cosine of the sets of trigrams within words, |A and B| / sqrt(|A| |B|), is reckoned from whole numbers by operations
that IEEE 754 settles, so it is the same to the last bit on any machine. It knows no meaning: `car` is not like `auto`.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping, Sequence
from functools import lru_cache
from math import sqrt
from typing import Any

from genai_social_sim.ports import Encoder

_SPAN = 3  # characters


class LexicalEncoder:
    """Compares spelling."""

    instant = True

    def identity(self) -> Mapping[str, Any]:
        """The measure."""
        return {"embedding": "lexical", "measure": "cosine of sets of character trigrams"}

    def likeness(self, words: str, texts: Sequence[str]) -> list[float]:
        """On [0, 1]."""
        mine = _trigrams(words)
        return [_cosine(mine, _trigrams(text)) for text in texts]


def open_encoder() -> Encoder:
    """The encoder."""
    return LexicalEncoder()


@lru_cache(maxsize=8192)
def _trigrams(text: str) -> frozenset[str]:
    plain = unicodedata.normalize("NFKC", text).casefold()
    letters = "".join([char if char.isalnum() else " " for char in plain])
    padded = [f" {word} " for word in letters.split()]
    return frozenset([word[at : at + _SPAN] for word in padded for at in range(len(word) - _SPAN + 1)])


def _cosine(one: frozenset[str], other: frozenset[str]) -> float:
    return len(one & other) / sqrt(len(one) * len(other)) if one and other else 0.0

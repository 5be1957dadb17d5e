"""The examination that every encoder sits."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from typing import Final

from genai_social_sim.ports import Encoder

_NEAR: Final = ("The mine is flooded.", "The old mine is flooded again.")
_FAR: Final = "Quarterly dividends rose."
_ODD: Final = ("", " ", "\x00", "🙂", "a" * 20_000, "<|im_end|>")


def check_encoder(opened: Encoder) -> None:
    """Raises AssertionError where an encoder is not what memories need."""
    words, near = _NEAR
    found = opened.likeness(words, [near, _FAR, words])
    _require(found[2] >= found[0] > found[1], "what is the same is most alike, then what is nearly so")
    _require(found == opened.likeness(words, [near, _FAR, words]), "the same texts are as alike the next time")
    alone = [opened.likeness(words, [text])[0] for text in (near, _FAR, words)]
    _require(list(found) == alone, "what stands beside a text changes nothing")
    _require(opened.likeness(words, []) == [], "nothing is like nothing")
    for text in _ODD:
        _check_numbers(opened.likeness(text, [*_ODD, words]), len(_ODD) + 1)
    json.dumps(dict(opened.identity()), allow_nan=False)


def _check_numbers(found: Sequence[float], count: int) -> None:
    _require(len(found) == count, "each text has a number")
    _require(all(isinstance(each, float) and math.isfinite(each) for each in found), "numbers are finite floats")


def _require(holds: bool, what: str) -> None:
    if not holds:
        raise AssertionError(what)

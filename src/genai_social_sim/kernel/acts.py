"""Acts: which options a turn is shown, drawn where the study wants them drawn, and which one an answer names.

A raw answer is read once, here, whichever backend gave it. Knows nothing of what follows from a choice.
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Mapping, Sequence
from decimal import Decimal
from functools import lru_cache
from typing import Any, Final, assert_never

from genai_social_sim.domain.act import LETTERS, PASS, Act, Choose, Number, Offer, Rate, Say
from genai_social_sim.domain.dice import Dice
from genai_social_sim.domain.number import plain

KEY: Final = "answer"  # of the JSON object in which servers that constrain objects only give an answer
_MOST_READ: Final = 10_000  # characters of an answer; a longer one names no option
_NUMBER: Final = re.compile(r"[+-]?(?:[0-9]{1,30}(?:\.[0-9]{0,30})?|\.[0-9]{1,30})")
_EXACT: Final = re.compile(rf"{_NUMBER.pattern}(?:e[+-]?[0-9]{{1,2}})?", re.ASCII)
_MARKS: Final = " \t\r\n\"'`*_():\u201c\u201d\u2018\u2019\u00ab\u00bb"  # that may stand around an answer


def is_drawn(act: Act) -> bool:
    """Whether what is shown differs from turn to turn."""
    match act:
        case Choose():
            return act.shuffle or act.labels
        case Rate():
            return act.flip or act.labels
        case Say() | Number():
            return False
        case _ as unknown:
            assert_never(unknown)


def offer_of(act: Act, seed: int, *where: str | int) -> Offer | None:
    """What the turn at the logical position `where` can be answered with; None if anything can be said."""
    match act:
        case Say():
            return None
        case Number(range=legal, may_pass=may_pass):
            return Offer((), may_pass=may_pass, told=legal.told, number=Number(range=legal, may_pass=may_pass))
        case Rate(options=options):
            flipped = act.flip and Dice(seed, "flip", *where).below(2)
            order, anchors = (options[::-1], act.anchors[::-1]) if flipped else (options, act.anchors)
            named = _lettered(options, seed, *where) if act.labels else {}
            letters = tuple([named[option] for option in order]) if act.labels else ()
            return Offer(order, letters, act.may_pass, act.told, anchors)
        case Choose(options=options):
            named = _lettered(options, seed, *where) if act.labels else {}
            order = Dice(seed, "options", *where).shuffled(options) if act.shuffle else options
            return Offer(order, tuple([named[option] for option in order]) if act.labels else (), act.may_pass)
        case _ as unknown:
            assert_never(unknown)


def _lettered(options: Sequence[str], seed: int, *where: str | int) -> Mapping[str, str]:
    """A letter for each of at most 26 options."""
    return dict(zip(options, Dice(seed, "labels", *where).shuffled(LETTERS[: len(options)]), strict=False))


def option_in(raw: str, offer: Offer) -> str | None:
    """Which of an offer's meanings `raw` names; None if it names none, or more than one.

    It may be a letter, an option or both as they were shown; stand in JSON, quotes or emphasis; end with a full stop;
    and differ in case, look-alike forms and the way to write a number, where that leaves one.
    """
    if len(raw) > _MOST_READ:
        return None
    said = _out_of_json(raw.strip())
    if offer.number is not None:
        return _number_of(offer.number, said)
    for words in (offer.answers, offer.meanings):
        if said in words:
            return offer.meanings[words.index(said)]
    readings = _readings(offer)
    return readings.get(bare(said)) or readings.get(_number(said))


def _number_of(number: Number, said: str) -> str | None:
    """A number of the range as it is recorded, or a pass."""
    words = bare(said).replace("\u2212", "-")
    if number.may_pass and words == PASS:
        return PASS
    if not _EXACT.fullmatch(words):
        return None
    value = Decimal(words)
    return plain(value) if number.range.holds(value) else None


def is_pass(words: str) -> bool:
    """Whether an utterance is the one word by which an agent passes."""
    return len(words) <= 2 * len(PASS) and bare(words) == PASS


def bare(words: str) -> str:
    """`words` as they are compared: without case, look-alike forms and marks around them."""
    plain = unicodedata.normalize("NFKC", words).strip(_MARKS).rstrip(_MARKS + ".")
    return " ".join(plain.casefold().split())


@lru_cache(maxsize=4096)
def _readings(offer: Offer) -> Mapping[str | float | None, str | None]:
    """From each form of an answer to what it means; None for a form that would mean two things."""
    found: dict[str | float | None, str | None] = {}
    seen = () if offer.told else offer.shown
    for words, form in ((offer.answers, bare), (offer.meanings, bare), (seen, bare), (offer.meanings, _number)):
        for word, meaning in zip(words, offer.meanings, strict=False):  # a pass is not among what is shown
            key = form(word)
            found[key] = meaning if found.get(key, meaning) == meaning else None
    return found | {"": None, None: None}


def _out_of_json(said: str) -> str:
    if said[:1] not in ("{", '"'):
        return said
    try:
        value: Any = json.loads(said)
    except (ValueError, RecursionError):
        return said
    if isinstance(value, Mapping):
        value = value.get(KEY, said)
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _number(words: str) -> float | None:
    plain = bare(words).replace("\u2212", "-")
    return float(plain) if _NUMBER.fullmatch(plain) else None

"""Answers from a list, a generator of words or a Python function, with latencies and faults drawn by seed.

For tests, demonstrations and benchmarks: what it does follows from the request alone. Options in a study file:

    answers: [text, ...]     the answer in round r is answers[r modulo their number]
    words: N                 N words drawn by the call's seed
    choose: true             one of the options, drawn by the call's seed; where there are none, one of the above, if
                             given beside it, else it passes
    function: NAME           a function given in Python: (Request) -> text, None (it passes) or Answer
    latency: S or [S, S]     seconds until it answers, or bounds of a uniform draw
    faults: {error: P, hang: P, empty: P}     chance of each per attempt
    slots: N                 calls at once (64)
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from genai_social_sim.backends.options import checked as checked_options
from genai_social_sim.backends.registry import Function, Surroundings
from genai_social_sim.domain.dice import Dice
from genai_social_sim.domain.number import Range, plain
from genai_social_sim.errors import CompletionError, RequestError
from genai_social_sim.ports import Answer, LanguageModel, Request

_WORDS: Final = [
    "the",
    "of",
    "to",
    "and",
    "a",
    "in",
    "is",
    "that",
    "for",
    "it",
    "as",
    "with",
    "on",
    "be",
    "by",
    "at",
    "this",
    "from",
    "are",
    "or",
    "an",
    "we",
    "can",
    "not",
    "but",
    "they",
    "which",
    "one",
    "more",
    "when",
    "what",
    "some",
    "about",
    "other",
    "than",
    "into",
    "its",
    "people",
    "time",
    "market",
    "price",
    "supply",
    "water",
    "trade",
    "region",
    "report",
    "mine",
    "deal",
    "risk",
    "share",
    "offer",
    "open",
    "clear",
    "often",
    "still",
    "after",
    "before",
    "between",
    "because",
    "however",
]


LONGEST_S: Final = 1e6


class Faults(BaseModel):
    """Chances, each on [0, 1], together at most 1."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    error: float = Field(0.0, ge=0, le=1)
    hang: float = Field(0.0, ge=0, le=1)
    empty: float = Field(0.0, ge=0, le=1)

    @model_validator(mode="after")
    def _at_most_one(self) -> Faults:
        if self.error + self.hang + self.empty > 1:
            raise ValueError("the chances come to more than 1")
        return self


class Options(BaseModel):
    """The options of `backend: scripted`."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    answers: tuple[str, ...] | None = Field(None, min_length=1)
    words: int | None = Field(None, ge=1, le=10_000)
    choose: Literal[True] | None = None
    function: str | None = None
    latency: float | tuple[float, float] = Field(0.0, examples=[0.5])
    faults: Faults = Field(default_factory=lambda: Faults.model_validate({}))
    slots: int = Field(64, ge=1, le=100_000)

    @field_validator("latency")
    @classmethod
    def _in_order(cls, latency: float | tuple[float, float]) -> float | tuple[float, float]:
        low, high = latency if isinstance(latency, tuple) else (latency, latency)
        if not 0 <= low <= high <= LONGEST_S:
            raise ValueError(f"seconds from 0 to {LONGEST_S:g}, the lower bound first")
        return latency


def check_options(options: Mapping[str, Any]) -> None:
    """Raises RequestError if a study's options make no sense."""
    _checked(options)


def open_backend(options: Mapping[str, Any], surroundings: Surroundings) -> LanguageModel:
    """A scripted backend; one without latency or hangs answers at once."""
    checked = _checked(options)
    function = None
    if checked.function is not None:
        if checked.function not in surroundings.functions:
            raise RequestError(
                f"there is no function {checked.function!r} for backend scripted",
                remedy="Give it in Python: study.run(functions={...}).",
            )
        function = surroundings.functions[checked.function]
    waits = checked.latency != 0.0 or checked.faults.hang > 0
    return ScriptedModel(checked, function) if waits else InstantScriptedModel(checked, function)


def _checked(options: Mapping[str, Any]) -> Options:
    checked = checked_options(Options, options, backend="scripted")
    given = [name for name in ("answers", "words", "choose", "function") if getattr(checked, name) is not None]
    if len(given) != 1 and (checked.choose is None or checked.function is not None or len(given) != 2):  # noqa: PLR2004
        found = " and ".join(given) or "none of them"
        raise RequestError(
            f"backend scripted takes one of answers, words, choose and function, not {found}",
            remedy='For example: {backend: scripted, answers: ["Hello.", "Goodbye."]}; only choose may have answers or '
            "words beside it.",
        )
    return checked


class ScriptedModel:
    """Answers after a pause."""

    def __init__(self, options: Options, function: Function | None) -> None:
        self._options = options
        self._function = function
        self.slots = options.slots

    def identity(self) -> Mapping[str, Any]:
        """Its options."""
        return {"backend": "scripted", **self._options.model_dump(mode="json", exclude_defaults=True)}

    async def complete(self, request: Request) -> Answer:
        """Wait as long as was drawn, then answer or fail as was drawn."""
        dice = Dice(request.seed, "scripted", request.attempt)
        latency = self._options.latency
        low, high = latency if isinstance(latency, tuple) else (latency, latency)
        pause = low + (high - low) * dice.unit() if high > low else low
        if self._options.faults.hang and dice.unit() < self._options.faults.hang:
            pause = 1e9
        await asyncio.sleep(pause)
        return self.spoken(request)

    async def close(self) -> None:
        """Nothing to give back."""

    def spoken(self, request: Request) -> Answer:
        """The answer, or the fault drawn in its place."""
        faults = self._options.faults
        if faults.error or faults.empty:
            draw = Dice(request.seed, "fault", request.attempt).unit()
            if draw < faults.error:
                raise CompletionError("a scripted fault", cause="error")
            if draw < faults.error + faults.empty:
                return Answer(text="", by="scripted")
        text = self._text(request)
        if isinstance(text, Answer):
            return text
        if text is None:
            return Answer(text="", finish="passed", by="scripted")
        return Answer(text=text, answer_tokens=text.count(" ") + 1, by="scripted")

    def _text(self, request: Request) -> Any:
        options = self._options
        if options.choose:
            if request.number is not None:
                return _drawn(request.number.range, request.seed)
            if request.choices:
                return Dice(request.seed, "choose").choice(request.choices)
            if options.answers is None and options.words is None:
                return None
        if options.answers is not None:
            return options.answers[request.round % len(options.answers)]
        if options.words is not None:
            return _babble(request.seed, options.words)
        if self._function is None:
            raise TypeError("a scripted backend without anything to answer with")
        return self._function(request)


class InstantScriptedModel(ScriptedModel):
    """Answers at once."""

    def answer(self, request: Request) -> Answer:
        """The answer, or the fault drawn in its place."""
        return self.spoken(request)


def _drawn(legal: Range, seed: int) -> str:
    """One of its numbers."""
    low, high = Decimal(str(legal.low)), Decimal(str(legal.high))
    step = Decimal(1).scaleb(-legal.decimals) if legal.step is None else Decimal(str(legal.step))
    return plain(low + step * Dice(seed, "choose").below(int((high - low) / step) + 1))


def _babble(seed: int, words: int) -> str:
    state, spoken = seed + 1, []
    for _ in range(words):
        state = (state * 48271) % 2147483647
        spoken.append(_WORDS[state % len(_WORDS)])
    return " ".join(spoken).capitalize() + "."

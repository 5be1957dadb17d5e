"""Conditions on measures of a run as checked documents, and as values of a plan."""

from __future__ import annotations

from typing import Annotated, Final, Self

from pydantic import Field, model_validator

from genai_social_sim.domain.trigger import Measured, Several, Trigger
from genai_social_sim.study.base import Doc, RoundCount, Slug
from genai_social_sim.study.words import refusal

_OF: Final = "The probe whose answers count, those that each gave last; what each said last in its turns if left out."
_KEYS: Final = ("consensus", "share", "mean", "spread", "silence", "messages", "tokens", "any_of", "all_of")


class AgreedDoc(Doc):
    """So many said or answered the same last."""

    share: float = Field(gt=0, le=1, description="The share of all agents, or of all who are asked.", examples=[0.8])
    of: Slug | None = Field(default=None, description=_OF, examples=["stance"])


class _BetweenDoc(Doc):
    low: float | None = Field(default=None, alias="min", description="At least this.", examples=[0.5])
    high: float | None = Field(default=None, alias="max", description="At most this.", examples=[0.9])

    @model_validator(mode="after")
    def _some_bound(self) -> Self:
        if self.low is None and self.high is None:
            raise refusal("it is not said how much", "Add `min: 0.5`, `max: 0.9`, or both.")
        if self.low is not None and self.high is not None and self.low > self.high:
            raise refusal(f"nothing lies between {self.low:g} and {self.high:g}", "Write the smaller number as `min`.")
        return self


class ShareDoc(_BetweenDoc):
    """The share that said or answered one thing last, on [0, 1]."""

    option: str = Field(min_length=1, description="What they said or chose, word for word.", examples=["yes"])
    of: Slug | None = Field(default=None, description=_OF, examples=["stance"])


class NumberOfDoc(_BetweenDoc):
    """A number that follows from those that were said or answered last; without any of them it does not hold."""

    of: Slug | None = Field(default=None, description=_OF, examples=["stance"])


class WhenDoc(Doc):
    """What must hold. One key; several triggers stand under `all` or `any`."""

    consensus: AgreedDoc | None = Field(
        default=None, description="So many said the same last.", examples=[{"share": 0.8}]
    )
    share: ShareDoc | None = Field(
        default=None,
        description="The share that chose or said one thing last.",
        examples=[{"option": "yes", "min": 0.5}],
    )
    mean: NumberOfDoc | None = Field(
        default=None, description="The mean of ratings or other numbers.", examples=[{"of": "stance", "min": 1}]
    )
    spread: NumberOfDoc | None = Field(
        default=None,
        description="Their spread: the population standard deviation.",
        examples=[{"of": "stance", "max": 0.5}],
    )
    silence: RoundCount | None = Field(
        default=None, description="Nobody has said anything for so long.", examples=["2 rounds"]
    )
    messages: int | None = Field(
        default=None, ge=1, description="So many utterances of agents have been made.", examples=[40]
    )
    tokens: int | None = Field(
        default=None, ge=1, description="Prompts and answers have come to so many tokens.", examples=[100_000]
    )
    any_of: Annotated[tuple[WhenDoc, ...], Field(strict=False, min_length=1)] | None = Field(
        default=None, alias="any", description="One of these holds.", examples=[[{"silence": "2 rounds"}]]
    )
    all_of: Annotated[tuple[WhenDoc, ...], Field(strict=False, min_length=1)] | None = Field(
        default=None, alias="all", description="All of these hold.", examples=[[{"messages": 40}]]
    )

    @model_validator(mode="after")
    def _one_key(self) -> Self:
        given = [name.removesuffix("_of") for name in _KEYS if getattr(self, name) is not None]
        if len(given) > 1:
            words = f"`{given[0]}` and `{given[1]}` stand side by side"
            raise refusal(words, "Write `all: [{...}, {...}]` if both must hold, else `any: [...]`.")
        if not given:
            raise refusal("it is not said what must hold", "Write for example `when: {consensus: {share: 0.8}}`.")
        return self


def trigger_of(doc: WhenDoc | None) -> Trigger | None:
    """What must hold."""
    return None if doc is None else _trigger(doc)


def _trigger(doc: WhenDoc) -> Trigger:
    if doc.any_of is not None or doc.all_of is not None:
        parts = doc.any_of or doc.all_of or ()
        return Several(triggers=tuple(map(_trigger, parts)), every=doc.any_of is None)
    if doc.consensus is not None:
        return Measured(measure="consensus", low=doc.consensus.share, of=doc.consensus.of)
    if doc.share is not None:
        share = doc.share
        return Measured(measure="share", low=share.low, high=share.high, of=share.of, option=share.option)
    if doc.mean is not None:
        return Measured(measure="mean", low=doc.mean.low, high=doc.mean.high, of=doc.mean.of)
    if doc.spread is not None:
        return Measured(measure="spread", low=doc.spread.low, high=doc.spread.high, of=doc.spread.of)
    return _counted(doc)


def _counted(doc: WhenDoc) -> Trigger:
    if doc.silence is not None:
        return Measured(measure="silence", low=doc.silence)
    if doc.messages is not None:
        return Measured(measure="messages", low=doc.messages)
    return Measured(measure="tokens", low=doc.tokens)

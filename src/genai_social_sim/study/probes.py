"""Probes as checked documents: what agents are asked aside. Who is who, `planned` looks up."""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import BeforeValidator, Field, model_validator

from genai_social_sim.study.acts import (
    ActDoc,
    ChooseDoc,
    NumberDoc,
    Options,
    RangeDoc,
    RateDoc,
    Scale,
    SpeakDoc,
    can_be_answered,
)
from genai_social_sim.study.base import AnyName, Slug, Spoken
from genai_social_sim.study.population import Members
from genai_social_sim.study.timing import TimedDoc
from genai_social_sim.study.words import refusal

_Names = Annotated[
    tuple[Slug, ...],
    Field(strict=False, min_length=1),
    BeforeValidator(
        lambda value: [value] if isinstance(value, str) else value, json_schema_input_type=Slug | tuple[Slug, ...]
    ),
]


class ProbeDoc(TimedDoc):
    """A question that agents are asked aside: nobody hears the answer, and nobody remembers it."""

    name: Slug = Field(description="Names the probe in tables.", examples=["stance"])
    text: Spoken = Field(
        description="The question: a template, with the values that `prompt` knows.",
        examples=["Privately: where do you stand?"],
    )
    act: ActDoc | None = Field(
        default=None,
        description="How it is answered; anything can be said if left out.",
        examples=[{"kind": "rate", "scale": [-2, -1, 0, 1, 2]}],
    )
    scale: Scale | None = Field(
        default=None, description="In place of `act`: rate with one of these numbers.", examples=[[-2, -1, 0, 1, 2]]
    )
    number: RangeDoc | None = Field(
        default=None,
        description="In place of `act`: answer with a number of a range.",
        examples=[{"min": 0, "max": 100}],
    )
    choose: Options | None = Field(
        default=None, description="In place of `act`: choose one of these options.", examples=[["yes", "no"]]
    )
    shuffle: bool = Field(
        default=False, description="With `choose`: whether their order is drawn each time.", examples=[True]
    )
    labels: bool = Field(
        default=False, description="With `choose`: whether they stand under letters, drawn each time.", examples=[True]
    )
    may_pass: bool = Field(
        default=False, description="Without `act`: whether an agent may answer with a pass.", examples=[True]
    )
    to: Members | None = Field(
        default=None,
        description="Who is asked: names of agents, or a description of them; if left out, all who are in a channel.",
        examples=[["BOT1"]],
    )
    sample: int | None = Field(default=None, ge=1, description="So many of them are drawn each time.", examples=[10])
    after: _Names | None = Field(
        default=None,
        description="In place of a time: after each intervention of one of these names.",
        examples=[["fact-check"]],
    )
    channel: AnyName | None = Field(
        default=None,
        description="In which channel, whose conversation the question follows; an agent's first one if left out.",
        examples=["general"],
    )

    @property
    def is_timed(self) -> bool:
        """Whether it says when it is due."""
        return super().is_timed or self.after is not None

    @model_validator(mode="after")
    def _one_time(self) -> Self:
        if self.after is not None and super().is_timed:
            raise refusal("`after` stands in place of a time", "Delete it, or `every`, `at` and `when`.")
        return self

    @model_validator(mode="after")
    def _one_act(self) -> Self:
        given = [name for name in ("act", "scale", "number", "choose") if getattr(self, name) is not None]
        if len(given) > 1:
            raise refusal(f"`{given[0]}` and `{given[1]}` both say how to answer", "Delete one of the two.")
        for name in ("shuffle", "labels"):
            if getattr(self, name) and self.choose is None:
                raise refusal(f"`{name}` stands beside `choose` only", "Delete it, or add `choose: [yes, no]`.")
        if self.may_pass and self.act is not None:
            raise refusal("`may_pass` stands beside `act`", "Put it into `act: {...}`.")
        if self.choose is not None:
            can_be_answered(self.choose, labels=self.labels, may_pass=self.may_pass)
        return self

    @property
    def asks_for(self) -> ActDoc:
        """The act, whichever way it is written."""
        if self.act is not None:
            return self.act
        if self.scale is not None:
            return RateDoc(kind="rate", scale=self.scale, may_pass=self.may_pass)
        if self.number is not None:
            number = self.number
            if number.is_long:
                return NumberDoc(kind="number", may_pass=self.may_pass, **number.model_dump(by_alias=True))
            return RateDoc(kind="rate", scale=number.scale, may_pass=self.may_pass, told=number.told)
        if self.choose is None:
            return SpeakDoc(kind="say", may_pass=self.may_pass)
        drawn = {"shuffle": self.shuffle, "labels": self.labels}
        return ChooseDoc(kind="choose", options=self.choose, may_pass=self.may_pass, **drawn)

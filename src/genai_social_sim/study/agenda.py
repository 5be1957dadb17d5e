"""Probes and interventions as checked documents: what is planned beside the turns. Who is who, `planned` looks up."""

from __future__ import annotations

from typing import Annotated, Final, Literal, Self

from pydantic import BeforeValidator, Field, WithJsonSchema, model_validator

from genai_social_sim.study import words
from genai_social_sim.study.acts import ActDoc, ChooseDoc, Options, RateDoc, Scale, SpeakDoc, can_be_answered
from genai_social_sim.study.base import AnyName, Doc, Slug, Spoken
from genai_social_sim.study.population import Members
from genai_social_sim.study.words import refusal

_PERIOD: Final = {"type": "string", "pattern": "^[1-9][0-9]* (round|turn)s?$"}
_MOMENT: Final = {"type": "string", "pattern": "^(start|end|(round|turn) [1-9][0-9]*)$"}
Period = Annotated[str, BeforeValidator(words.period), WithJsonSchema(_PERIOD)]
Moment = Annotated[str, BeforeValidator(words.moment), WithJsonSchema(_MOMENT)]
Moments = Annotated[
    tuple[Moment, ...],
    Field(strict=False, min_length=1),
    BeforeValidator(lambda value: [value] if isinstance(value, str) else value),
    WithJsonSchema({"anyOf": [_MOMENT, {"type": "array", "items": _MOMENT, "minItems": 1}]}),
]
Channels = Annotated[tuple[AnyName, ...], Field(strict=False, min_length=1)]


class TimedDoc(Doc):
    """Something that happens between turns, at points of the run counted over all channels."""

    every: Period | None = Field(
        default=None,
        description="After each so many rounds or turns, such as `5 rounds` or `10 turns`.",
        examples=["5 rounds"],
    )
    at: Moments | None = Field(
        default=None,
        description="`start`, `end`, after so many rounds or turns (`round 10`, `turn 40`), or a list of these.",
        examples=["round 10"],
    )

    @model_validator(mode="after")
    def _is_due(self) -> Self:
        if self.every is None and not self.at:
            raise refusal("it is not said when", "Add `every: 5 rounds`, or `at:` with `start` or `round 10`.")
        return self


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
    channel: AnyName | None = Field(
        default=None,
        description="In which channel, whose conversation the question follows; an agent's first one if left out.",
        examples=["general"],
    )

    @model_validator(mode="after")
    def _one_act(self) -> Self:
        given = [name for name in ("act", "scale", "choose") if getattr(self, name) is not None]
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
        if self.choose is None:
            return SpeakDoc(kind="say", may_pass=self.may_pass)
        drawn = {"shuffle": self.shuffle, "labels": self.labels}
        return ChooseDoc(kind="choose", options=self.choose, may_pass=self.may_pass, **drawn)


class ChangeDoc(TimedDoc):
    """A planned change."""

    @model_validator(mode="after")
    def _before_the_end(self) -> Self:
        if "end" in (self.at or ()):
            raise refusal("nothing is changed any more at the end", "Write `start`, `round 10` or `turn 40`.")
        return self


class BroadcastDoc(ChangeDoc):
    """A text is put into channels, as if somebody had said it."""

    kind: Literal["broadcast"] = Field(description="The kind of intervention.", examples=["broadcast"])
    speaker: AnyName = Field(
        default="system", alias="from", description="Whose name stands before it.", examples=["system"]
    )
    text: Spoken = Field(description="What is said.", examples=["A fact check: ..."])
    channels: Channels | None = Field(
        default=None, description="In which channels; in all if left out.", examples=[["general"]]
    )


class PresenceDoc(ChangeDoc):
    """Agents lose their voice or get it back, leave or join."""

    kind: Literal["mute", "unmute", "remove", "admit"] = Field(
        description="`mute`: they listen and have no turn, until `unmute`; `remove`: they have left; `admit`: they "
        "join, and have no turn before; who was removed is back.",
        examples=["mute"],
    )
    agents: Members = Field(description="Names of agents, or a description of them.", examples=[["BOT1"]])


class PersonaDoc(ChangeDoc):
    """Agents are described to their models in another way from then on."""

    kind: Literal["persona"] = Field(description="The kind of intervention.", examples=["persona"])
    agents: Members = Field(description="Names of agents, or a description of them.", examples=[["BOT1"]])
    persona: str = Field(
        description="The new persona: a template over `name` and the agent's attributes.",
        examples=["You are {{ name }}, and you have changed your mind."],
    )


class TopicDoc(ChangeDoc):
    """Templates are told another topic from then on."""

    kind: Literal["topic"] = Field(description="The kind of intervention.", examples=["topic"])
    topic: Spoken = Field(description="The new topic.", examples=["Recycling"])
    channels: Channels | None = Field(
        default=None, description="In which channels; in all if left out.", examples=[["general"]]
    )


class SamplingDoc(ChangeDoc):
    """Agents' models are asked with other decoding options from then on; those left out stay as they are."""

    kind: Literal["sampling"] = Field(description="The kind of intervention.", examples=["sampling"])
    agents: Members = Field(description="Names of agents, or a description of them.", examples=[["BOT1"]])
    temperature: float | None = Field(default=None, ge=0, description="As in `model`.", examples=[0.2])
    top_p: float | None = Field(default=None, ge=0, le=1, description="As in `model`.", examples=[0.9])
    top_k: int | None = Field(default=None, ge=0, description="As in `model`.", examples=[40])
    min_p: float | None = Field(default=None, ge=0, le=1, description="As in `model`.", examples=[0.05])
    repeat_penalty: float | None = Field(default=None, gt=0, le=1000, description="As in `model`.", examples=[1.1])
    max_tokens: int | None = Field(default=None, ge=1, le=1_000_000, description="As in `model`.", examples=[60])

    @property
    def options(self) -> dict[str, float | int | None]:
        """What is changed."""
        names = ("temperature", "top_p", "top_k", "min_p", "repeat_penalty", "max_tokens")
        return {name: getattr(self, name) for name in names if getattr(self, name) is not None}

    @model_validator(mode="after")
    def _changes_something(self) -> Self:
        if not self.options:
            raise refusal("no option is changed", "Add one, for example `temperature: 0.2`.")
        return self


InterventionDoc = Annotated[
    BroadcastDoc | PresenceDoc | PersonaDoc | TopicDoc | SamplingDoc, Field(discriminator="kind")
]

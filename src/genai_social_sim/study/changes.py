"""Interventions as checked documents: what is planned to change. Who is who, `planned_changes` looks up."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import BeforeValidator, Discriminator, Field, Tag, model_validator

from genai_social_sim.study.base import LIST, MAPPING, AnyName, Doc, Slug, Spoken, form_of
from genai_social_sim.study.models import ModelDoc
from genai_social_sim.study.networks import Edges, NetworkDoc
from genai_social_sim.study.people import Authority, RoleName
from genai_social_sim.study.population import Members, MembersDoc
from genai_social_sim.study.timing import TimedDoc
from genai_social_sim.study.words import refusal

Channels = Annotated[tuple[AnyName, ...], Field(strict=False, min_length=1)]


class ChangeDoc(TimedDoc):
    """A planned change."""

    name: Slug | None = Field(
        default=None, description="By which a probe may follow it (`after`).", examples=["fact-check"]
    )

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


class InjectDoc(ChangeDoc):
    """Words are put into an agent's mouth. The record and its tables tell them from what it says itself."""

    kind: Literal["inject"] = Field(description="The kind of intervention.", examples=["inject"])
    agent: AnyName = Field(description="Who is made to say it; whoever hears it, hears it.", examples=["BOT1"])
    text: Spoken = Field(description="What it is made to say.", examples=["I have changed my mind."])
    channel: AnyName | None = Field(
        default=None, description="In which channel of its own; in its first one if left out.", examples=["general"]
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


class RoleChangeDoc(ChangeDoc):
    """Agents take on another role or authority."""

    kind: Literal["role"] = Field(description="The kind of intervention.", examples=["role"])
    agents: Members = Field(description="Names of agents, or a description of them.", examples=[["BOT1"]])
    role: RoleName | None = Field(
        default=None,
        description="One of those under `roles`; with it comes its authority. The role stays if left out.",
        examples=["chair"],
    )
    authority: Authority | None = Field(
        default=None, description="In place of the role's; it stays if both are left out.", examples=[3.0]
    )

    @model_validator(mode="after")
    def _changes_something(self) -> Self:
        if self.role is None and self.authority is None:
            raise refusal("neither role nor authority is changed", "Add `role: chair` or `authority: 3`.")
        return self


class ModelChangeDoc(ChangeDoc):
    """Another model answers for agents from then on."""

    kind: Literal["model"] = Field(description="The kind of intervention.", examples=["model"])
    agents: Members = Field(description="Names of agents, or a description of them.", examples=[["BOT1"]])
    model: ModelDoc = Field(
        description="As in `agents`: keys left out come from the agent's own model, or from the study's.",
        examples=[{"temperature": 0.2}],
    )

    @model_validator(mode="after")
    def _changes_something(self) -> Self:
        if not self.model.model_fields_set | self.model.options.keys():
            raise refusal("nothing is said of the new model", "Add a key, for example `model: {temperature: 0.2}`.")
        return self


def _one_word(value: object) -> object:
    return [value] if isinstance(value, str) else value


_Words = Annotated[tuple[AnyName, ...], Field(strict=False, min_length=1)]
GroupDoc = Annotated[
    Annotated[MembersDoc, Tag(MAPPING)] | Annotated[_Words, Tag(LIST)],
    Discriminator(form_of),
    BeforeValidator(_one_word, json_schema_input_type=AnyName | _Words | MembersDoc),
]
_Pair = Annotated[tuple[GroupDoc, ...], Field(strict=False, min_length=2, max_length=2)]


class EdgesWhereDoc(Doc):
    """Edges by whom they join. A group is a word (an agent, a role, or a value of an attribute), or a description."""

    between: _Pair | None = Field(
        default=None,
        description="Those between a member of one group and one of another, whoever hears whom.",
        examples=[["left", "right"]],
    )
    within: GroupDoc | None = Field(default=None, description="Those between members of one group.", examples=["left"])
    of: GroupDoc | None = Field(
        default=None, description="Those between a member of a group and anybody.", examples=["HUB"]
    )

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        given = [name for name in ("between", "within", "of") if getattr(self, name) is not None]
        if len(given) != 1:
            raise refusal(
                f"`{given[0]}` and `{given[1]}` both say which edges" if given else "it is not said which edges",
                "Write one of `between: [left, right]`, `within: left` and `of: HUB`.",
            )
        return self


class EdgesChangeDoc(ChangeDoc):
    """Edges of networks are added or removed: those that are named, or those (or a share of them) between groups."""

    kind: Literal["add_edges", "remove_edges"] = Field(
        description="Whether they are there or gone from then on. Without a network all edges are there.",
        examples=["remove_edges"],
    )
    edges: Edges | None = Field(
        default=None,
        description="Each `[SPEAKER, LISTENER]`; one that is added may have a weight.",
        examples=[[["ADA", "BO"]]],
    )
    where: EdgesWhereDoc | None = Field(
        default=None,
        description="In place of `edges`: those that are there (or are not, to be added) between these agents.",
        examples=[{"between": ["left", "right"]}],
    )
    share: float | None = Field(
        default=None, gt=0, le=1, description="With `where`: only this share of them, drawn then.", examples=[0.5]
    )
    weight: float | None = Field(
        default=None, ge=0, description="With `where`: the weight of edges that are added.", examples=[0.5]
    )
    channels: Channels | None = Field(
        default=None, description="In which channels; in all if left out.", examples=[["general"]]
    )

    @model_validator(mode="after")
    def _which(self) -> Self:
        if (self.edges is None) == (self.where is None):
            text = "it is not said which edges" if self.edges is None else "`edges` and `where` both say which edges"
            raise refusal(text, "Write `edges: [[ADA, BO]]` or `where: {between: [left, right]}`.")
        if self.edges == ():
            raise refusal("there are no edges here", "Name some: `edges: [[ADA, BO]]`.")
        for name in ("share", "weight"):
            if getattr(self, name) is not None and self.where is None:
                raise refusal(f"`{name}` stands beside `where` only", "Delete it, or name edges by `where`.")
        if self.kind == "remove_edges" and (
            self.weight is not None or any(row[2] is not None for row in self.edges or ())
        ):
            raise refusal("an edge that is removed has no weight", "Delete the weight.")
        return self


class NetworkChangeDoc(ChangeDoc):
    """A channel has another network from then on."""

    kind: Literal["network"] = Field(description="The kind of intervention.", examples=["network"])
    network: NetworkDoc = Field(description="As `network`.", examples=["ring"])
    channel: AnyName | None = Field(
        default=None, description="Which; may be left out if there is only one.", examples=["general"]
    )


class ChanceDoc(ChangeDoc):
    """Everything that is drawn from then on is drawn anew. Whose turn it is in a round that has begun stays."""

    kind: Literal["chance"] = Field(description="The kind of intervention.", examples=["chance"])
    draw: int = Field(
        default=1, ge=1, le=2**31, description="Which other chance: the same number draws the same.", examples=[1]
    )


InterventionDoc = Annotated[
    BroadcastDoc
    | InjectDoc
    | PresenceDoc
    | PersonaDoc
    | TopicDoc
    | SamplingDoc
    | RoleChangeDoc
    | ModelChangeDoc
    | EdgesChangeDoc
    | NetworkChangeDoc
    | ChanceDoc,
    Field(discriminator="kind"),
]

"""Protocols as checked documents."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field

from genai_social_sim.study.base import AnyName, Doc, Slug, from_word


class RoundRobinDoc(Doc):
    """Members speak one after the other, in their listed order."""

    kind: Literal["round_robin"] = Field(description="The kind of protocol.", examples=["round_robin"])
    first: AnyName | None = Field(
        default=None,
        description="Who opens each round; the first member if left out. `random`: drawn once for the run.",
        examples=["BOT1"],
    )


class RandomDoc(Doc):
    """Each turn's speaker is drawn."""

    kind: Literal["random"] = Field(description="The kind of protocol.", examples=["random"])
    repeat: bool = Field(
        default=False, description="Whether the same agent may be drawn twice in a row.", examples=[True]
    )


class SimultaneousDoc(Doc):
    """All members act at once and see what was said up to the previous round."""

    kind: Literal["simultaneous"] = Field(description="The kind of protocol.", examples=["simultaneous"])


class AuthorityDoc(Doc):
    """Each turn's speaker is drawn with a chance in proportion to its authority."""

    kind: Literal["authority"] = Field(description="The kind of protocol.", examples=["authority"])
    repeat: bool = Field(
        default=False, description="Whether the same agent may be drawn twice in a row.", examples=[True]
    )


class SequentialDoc(Doc):
    """Each member has one turn a round and hears what was just said; the order is drawn anew for each round."""

    kind: Literal["sequential"] = Field(description="The kind of protocol.", examples=["sequential"])


class PairwiseDoc(Doc):
    """Two members meet at a time, a speaker and a listener who hears it; what they say is heard by them alone."""

    kind: Literal["pairwise"] = Field(description="The kind of protocol.", examples=["pairwise"])
    pick: Literal["link", "speaker", "listener"] = Field(
        default="link",
        description="What is drawn, each as likely as the next: a `link` of the network; or first the `speaker` and "
        "then one who hears it; or first the `listener` and then one whom it hears. Weights of edges weigh links and "
        "partners.",
        examples=["listener"],
    )
    acts: Literal["listener", "both", "in_turn"] = Field(
        default="in_turn",
        description="Who has a turn: the `listener` alone; `both` at once; or both `in_turn`, the speaker first.",
        examples=["both"],
    )
    shows: Literal["partner", "nothing"] = Field(
        default="partner",
        description="What those who act before they hear the other are shown of it: what the `partner` said last, to "
        "whomever, or `nothing`.",
        examples=["nothing"],
    )
    announce: bool = Field(
        default=False,
        description="Whether the first round is one turn for each member, all at once and unheard, to say where it "
        "stands; meetings begin in the second.",
        examples=[True],
    )


class ModeratedDoc(Doc):
    """A moderator chooses who speaks next, then that member speaks."""

    kind: Literal["moderated"] = Field(description="The kind of protocol.", examples=["moderated"])
    moderator: AnyName = Field(
        description="The member that chooses. Its choice is a turn of its own, recorded and heard by nobody.",
        examples=["CHAIR"],
    )
    cue: str | None = Field(
        default=None,
        description="Jinja2 template of what comes after the conversation when it chooses, in place of the prompt's "
        "cue; `options` are the names.",
        examples=["{{ name }}, who speaks next? {{ options | join(', ') }}"],
    )


class OwnDoc(Doc):
    """A protocol of your own: a Python class that an installed package offers, or that was offered in Python."""

    kind: Literal["own"] = Field(description="The kind of protocol.", examples=["own"])
    name: Slug = Field(description="The name under which it is offered.", examples=["baton"])
    options: dict[str, Any] = Field(
        default_factory=dict, description="What it is made with.", examples=[{"stubbornness": 0.5}]
    )


AnyProtocol = Annotated[
    RoundRobinDoc | RandomDoc | SimultaneousDoc | AuthorityDoc | SequentialDoc | PairwiseDoc | ModeratedDoc | OwnDoc,
    Field(discriminator="kind"),
]
_Word = Literal["round_robin", "random", "simultaneous", "authority", "sequential", "pairwise"]
ProtocolDoc = Annotated[AnyProtocol, BeforeValidator(from_word, json_schema_input_type=AnyProtocol | _Word)]

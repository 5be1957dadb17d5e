"""Who takes part and in which role, as checked documents."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, Field

from genai_social_sim.domain.power import Power
from genai_social_sim.kernel.roles import DEFAULT_BRIEF
from genai_social_sim.study import words
from genai_social_sim.study.base import AgentName, AnyName, AttributeName, Doc, Scalar
from genai_social_sim.study.memory import MemoryDoc
from genai_social_sim.study.models import ModelDoc
from genai_social_sim.study.words import refusal

RoleName = AnyName


def _each_once(powers: tuple[Power, ...]) -> tuple[Power, ...]:
    twice = next((power for power in powers if powers.count(power) > 1), None)
    if twice is not None:
        raise refusal(f"`{twice}` is listed twice", "Delete one of the two.")
    return powers


Powers = Annotated[tuple[Power, ...], Field(strict=False), AfterValidator(_each_once)]
Authority = Annotated[float, Field(gt=0, le=1e9)]
Told = Annotated[str, AfterValidator(words.told)]


class RoleDoc(Doc):
    """What an agent is among the others. Texts may be templates over `name`, `role` and `authority`."""

    authority: Authority = Field(
        default=1.0, description="How much weight an agent in this role has beside others, who have 1.", examples=[3.0]
    )
    told: Told = Field(
        default="name",
        description="What others are told, in parentheses after the agent's name: `nothing`, the `name` of the role, "
        "that and the `authority`, or a text of your own.",
        examples=["an expert for {{ authority }} years"],
    )
    powers: Powers = Field(
        default=(),
        description="What an agent in this role may do in its channels. With `mute`, `close` and `choose_next` it is "
        "asked after each of its turns, unheard, whether it mutes somebody or lets them speak again, closes the "
        "conversation, or gives the floor to somebody (where the next speaker is drawn: `random`, `authority`). With "
        "`see_probes` its prompts show what others in its channels answered to probes.",
        examples=[["mute", "close"]],
    )
    brief: str = Field(
        default=DEFAULT_BRIEF,
        description="What the agent itself is told, after its persona; may be empty.",
        examples=["You chair the discussion and see that everybody is heard."],
    )


class AgentDoc(Doc):
    """Who takes part."""

    name: AgentName = Field(
        description="1 to 64 printable characters without a colon; unique whatever the case.", examples=["BOT1"]
    )
    persona: str = Field(
        "",
        description="Who the agent is: a text, or a Jinja2 template over `name` and the attributes. May be empty.",
        examples=["A cautious geologist who weighs evidence."],
    )
    attributes: dict[AttributeName, Scalar] = Field(
        default_factory=dict,
        description="Facts about the agent, for its persona and for analysis.",
        examples=[{"age": 52}],
    )
    role: RoleName | None = Field(
        default=None, description="The agent's role, one of those under `roles`.", examples=["chair"]
    )
    authority: Authority | None = Field(
        default=None, description="The agent's own authority, in place of its role's.", examples=[2.0]
    )
    model: ModelDoc | None = Field(
        default=None,
        description="What answers for this agent. Keys left out come from the study's model; if the backend is "
        "another one, only the sampling keys do.",
        examples=[{"temperature": 0.2}],
    )
    memory: MemoryDoc | None = Field(
        default=None,
        description="What this agent is shown of the past, in place of what its channels say.",
        examples=[{"kind": "summary", "utterances": 10}],
    )

"""The study file as checked documents: shapes, ranges and words. What refers to what is checked in `references`.

The descriptions are printed: they make the JSON schema for editors and the reference page.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field

from genai_social_sim.domain.plan import Layout
from genai_social_sim.study.acts import ActDoc, SpeakDoc
from genai_social_sim.study.base import (
    AnyName,
    Doc,
    RoundCount,
    Seconds,
    Slug,
    Spoken,
)
from genai_social_sim.study.changes import InterventionDoc
from genai_social_sim.study.design import MAX_REPLICATES, ConditionDoc, FactorDoc, FactorName, NullArmDocs
from genai_social_sim.study.memory import MemoryDoc, WindowDoc
from genai_social_sim.study.models import ModelDoc
from genai_social_sim.study.networks import NetworkDoc
from genai_social_sim.study.people import AgentDoc, RoleDoc, RoleName
from genai_social_sim.study.population import Members, PopulationDoc
from genai_social_sim.study.probes import ProbeDoc
from genai_social_sim.study.protocols import ProtocolDoc, RoundRobinDoc
from genai_social_sim.study.words import refusal


class OpeningDoc(Doc):
    """The first text of a channel."""

    speaker: AnyName = Field(
        default="system", alias="from", description="Whose name stands before it.", examples=["system"]
    )
    text: Spoken = Field(description="What is said first.", examples=["Discuss rare earth metals."])


class ChannelDoc(Doc):
    """A conversation."""

    members: Members | None = Field(
        default=None,
        description="Names of agents, or a description of them; all agents in their listed order if left out.",
        examples=[["BOT1", "BOT2"]],
    )
    protocol: ProtocolDoc | None = Field(
        default=None, description="Whose turn is next; the study's protocol if left out.", examples=["round_robin"]
    )
    network: NetworkDoc | None = Field(
        default=None, description="Who hears whom here; the study's network if left out.", examples=["ring"]
    )
    direct: bool = Field(
        default=False,
        description="Whether what begins with `@NAME:` is heard by that member alone.",
        examples=[True],
    )
    opening: OpeningDoc | None = Field(
        default=None,
        description="The first text. Without one, the first speaker begins.",
        examples=[{"text": "Discuss rare earth metals."}],
    )
    memory: MemoryDoc | None = Field(
        default=None,
        description="What agents are shown of the past here; the study's memory if left out.",
        examples=[{"kind": "window", "utterances": 20}],
    )
    act: ActDoc | None = Field(
        default=None,
        description="What agents do with their turns here; the study's act if left out.",
        examples=[{"kind": "choose", "options": ["for", "against"]}],
    )


class PromptDoc(Doc):
    """How prompts are laid out.

    The templates see name, persona, others, company, channel, topic and study; and of the act: options (as they are
    shown; none where anything can be said), letters (whether they stand under letters) and may_pass.
    """

    layout: Layout | None = Field(
        default=None,
        description="`script`: one text to be continued; `persona_first`, `transcript_first`: chat messages. "
        "Default: `transcript_first` if the embedded model that comes with the package answers for all agents, "
        "else `persona_first`.",
        examples=["persona_first"],
    )
    frame: str | None = Field(
        default=None,
        description="Jinja2 template of what comes before the conversation.",
        examples=["You are {{ name }}."],
    )
    cue: str | None = Field(
        default=None,
        description="Jinja2 template of what comes after the conversation. The default shows the options, if any.",
        examples=["Your turn, {{ name }}."],
    )
    lead: str | None = Field(
        default=None,
        description="Jinja2 template that begins the answer for the model, for backends that go on from there. "
        "Default: `{{ name }}:` for the embedded model that comes with the package, else empty.",
        examples=["{{ name }}:"],
    )


class ConsensusDoc(Doc):
    """Enough agents said the same last. In a channel with `act: choose` or `rate` that is what they chose."""

    share: float = Field(default=1.0, gt=0, le=1, description="The share of all agents.", examples=[0.98])
    for_rounds: RoundCount = Field(
        default=1, description="For how many rounds in a row, looked at when a round ends.", examples=[3]
    )


class StopDoc(Doc):
    """When the run ends. Several keys: as soon as any of them says so."""

    turns: int | None = Field(default=None, ge=1, description="After this many turns in all.", examples=[12])
    rounds: int | None = Field(default=None, ge=1, description="After this many rounds of all channels.", examples=[5])
    tokens: int | None = Field(
        default=None, ge=1, description="Once prompts and answers came to this many tokens.", examples=[2_000_000]
    )
    silence: RoundCount | None = Field(
        default=None,
        description="Once nobody said anything for so long, such as `2 rounds`.",
        examples=["2 rounds"],
    )
    consensus: ConsensusDoc | None = Field(
        default=None,
        description="Once so many agents said the same in their last turn.",
        examples=[{"share": 0.98, "for_rounds": 3}],
    )
    any_of: Annotated[tuple[StopDoc, ...], Field(strict=False, min_length=1)] | None = Field(
        default=None, alias="any", description="As soon as one of these rules says so.", examples=[[{"turns": 12}]]
    )
    all_of: Annotated[tuple[StopDoc, ...], Field(strict=False, min_length=1)] | None = Field(
        default=None,
        alias="all",
        description="Once all these rules say so at the same time.",
        examples=[[{"turns": 12}]],
    )


class SayDoc(Doc):
    """The agent is made to say something."""

    say: Spoken = Field(description="What the agent is made to say.", examples=["(no answer)"])


def _known_failure(value: Any) -> Any:
    if isinstance(value, str) and value not in ("skip", "stop"):
        raise refusal(f"found the text {value!r}", 'Write `skip`, `stop`, or `{say: "..."}`.')
    if not isinstance(value, (str, dict, SayDoc)):
        raise refusal("this is no way to go on after a failure", 'Write `skip`, `stop`, or `{say: "..."}`.')
    return SayDoc.model_validate(value) if isinstance(value, dict) else value


class TimeoutsDoc(Doc):
    """Limits of one turn, and what happens when they are reached."""

    answer: Seconds = Field(default=120.0, description="The longest wait for one answer.", examples=["120 s"])
    connect: Seconds | None = Field(
        default=None, description="The longest wait for a connection to a model server.", examples=["5 s"]
    )
    first_token: Seconds | None = Field(
        default=None, description="The longest wait for the first word of an answer.", examples=["30 s"]
    )
    turn: Seconds | None = Field(
        default=None,
        description="The longest time for a turn from its first attempt on, over all attempts and pauses.",
        examples=["5 min"],
    )
    attempts: int = Field(
        default=3, ge=1, le=100, description="How often an agent is asked before it counts as a failure."
    )
    backoff: Seconds = Field(
        default=0.5,
        description="The wait before the second attempt; it doubles for each further one, up to 60 s or `answer`.",
        examples=["0.5 s"],
    )
    on_failure: Annotated[
        Literal["skip", "stop"] | SayDoc,
        BeforeValidator(_known_failure, json_schema_input_type=Literal["skip", "stop"] | SayDoc),
    ] = Field(
        default="skip",
        description="After the last attempt: `skip` the turn, `stop` the run, or `{say: ...}` a text in its place.",
        examples=["skip"],
    )


class BudgetDoc(Doc):
    """What a run may use up before it is interrupted in good order, to be resumed with more."""

    tokens: int | None = Field(
        default=None, ge=1, description="Prompts and answers together, over all sessions.", examples=[1_000_000]
    )
    time: Seconds | None = Field(default=None, description="Of one session, by the clock.", examples=["2 h"])
    cost: float | None = Field(
        default=None,
        gt=0,
        description="Of all answers over all sessions, in the currency of the prices; every model needs a `price`.",
        examples=[5.0],
    )


class StudyDoc(Doc):
    """A study: who talks with whom, in which order, about what, and for how long."""

    name: Slug = Field(description="Names the study and its files.", examples=["rare-earths"])
    description: str | None = Field(
        default=None, description="What the study is about, for people.", examples=["A first try."]
    )
    seed: int = Field(default=0, ge=0, le=2**63 - 1, description="Decides all chance in the run.", examples=[42])
    model: ModelDoc = Field(
        default_factory=ModelDoc,
        description="What answers for all agents that do not say otherwise.",
        examples=[{"backend": "embedded", "temperature": 0.7}],
    )
    agents: Annotated[tuple[AgentDoc, ...], Field(strict=False)] = Field(
        default=(),
        description="Who takes part, one by one; needed if there is no population.",
        examples=[[{"name": "BOT1", "persona": "A cautious geologist."}]],
    )
    roles: dict[RoleName, RoleDoc] = Field(
        default_factory=dict,
        description="What agents are among the others, by name.",
        examples=[{"chair": {"authority": 3.0}}],
    )
    population: PopulationDoc | None = Field(
        default=None,
        description="Who takes part, by the thousand.",
        examples=[{"size": 1000, "attributes": {"opinion": {"uniform": [-1, 1]}}}],
    )
    channels: Annotated[dict[AnyName, ChannelDoc], Field(min_length=1)] = Field(
        description="The conversations, by name.", examples=[{"general": {"opening": {"text": "Hello."}}}]
    )
    protocol: ProtocolDoc = Field(
        default=RoundRobinDoc(kind="round_robin"),
        description="Whose turn is next, in channels that do not say otherwise.",
        examples=["round_robin"],
    )
    network: NetworkDoc | None = Field(
        default=None,
        description="Who hears whom, in channels that do not say otherwise; everybody everybody if left out.",
        examples=[{"kind": "watts_strogatz", "k": 8, "p": 0.1}],
    )
    memory: MemoryDoc = Field(
        default=WindowDoc(kind="window"),
        description="What agents are shown of the past, in channels that do not say otherwise.",
        examples=[{"kind": "window", "utterances": 20}],
    )
    act: ActDoc = Field(
        default=SpeakDoc(kind="say"),
        description="What agents do with their turns, in channels that do not say otherwise.",
        examples=["say"],
    )
    probes: Annotated[tuple[ProbeDoc, ...], Field(strict=False)] = Field(
        default=(),
        description="Questions that agents are asked aside, unheard by others and outside their memory.",
        examples=[[{"name": "stance", "every": "5 rounds", "scale": [-2, -1, 0, 1, 2], "text": "Where do you stand?"}]],
    )
    interventions: Annotated[tuple[InterventionDoc, ...], Field(strict=False)] = Field(
        default=(),
        description="Changes that are planned for some point of the run.",
        examples=[[{"at": "round 10", "kind": "broadcast", "text": "A fact check."}]],
    )
    prompt: PromptDoc = Field(
        default_factory=PromptDoc, description="How prompts are laid out.", examples=[{"layout": "persona_first"}]
    )
    stop: StopDoc = Field(description="When the run ends.", examples=[{"turns": 12}])
    timeouts: TimeoutsDoc = Field(
        default_factory=TimeoutsDoc, description="Limits of one turn.", examples=[{"answer": "120 s", "attempts": 3}]
    )
    factors: dict[FactorName, FactorDoc] = Field(
        default_factory=dict,
        description="What is varied, by name; the levels are crossed into conditions.",
        examples=[{"topology": {"path": "network.p", "values": [0.0, 0.1, 1.0]}}],
    )
    conditions: Annotated[tuple[ConditionDoc, ...], Field(strict=False)] = Field(
        default=(),
        description="The conditions one by one, where not all levels are to be crossed.",
        examples=[[{"name": "baseline"}, {"name": "alarmed", "levels": {"framing": "alarm"}}]],
    )
    null_arms: NullArmDocs | None = Field(
        default=None,
        description="Further conditions, of the study as it is written: nobody hears anybody (`no_interaction`), each "
        "takes another's place in the network (`shuffled_partners`), a rule answers for all (`rule_based`).",
        examples=["no_interaction"],
    )
    replicates: int = Field(
        default=1,
        ge=1,
        le=MAX_REPLICATES,
        description="How often each condition is played, each time with another seed.",
        examples=[10],
    )
    seeds: Literal["paired", "independent"] = Field(
        default="paired",
        description="`paired`: a replicate has the same seed in all conditions, so that they differ by what is varied "
        "alone (common random numbers); `independent`: all seeds differ.",
        examples=["paired"],
    )
    durability: Literal["full", "process"] = Field(
        default="full",
        description="What committed turns survive: `full` a power cut, `process` (faster) the end of the process.",
        examples=["full"],
    )
    budget: BudgetDoc = Field(
        default_factory=BudgetDoc,
        description="When to interrupt the run; unlike `stop` it does not end it. Never changes the result.",
        examples=[{"time": "2 h"}],
    )
    parallel: int | None = Field(
        default=None,
        ge=1,
        le=100_000,
        description="How many calls may be under way at once; never changes the result.",
        examples=[4],
    )

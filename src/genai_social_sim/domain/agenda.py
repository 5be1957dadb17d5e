"""What is planned beside the turns: probes, which ask aside, and interventions, which change something.

Both happen *between* turns, at a point of the run that the plan names: after so many turns or rounds of all channels.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from genai_social_sim.domain.act import Act, Say
from genai_social_sim.domain.ids import AgentId, ChannelId, RoleId
from genai_social_sim.domain.model import Model
from genai_social_sim.domain.network import Edge
from genai_social_sim.domain.trigger import Trigger

Unit = Literal["turns", "rounds"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Every:
    """After each `count` turns or rounds, never at the start."""

    count: int
    unit: Unit


@dataclass(frozen=True, slots=True, kw_only=True)
class After:
    """After `count` turns or rounds; 0 is the start, before the first turn."""

    count: int
    unit: Unit


@dataclass(frozen=True, slots=True, kw_only=True)
class AtEnd:
    """Once a stopping rule holds, before the run ends."""


When = Every | After | AtEnd


@dataclass(frozen=True, slots=True, kw_only=True)
class Probe:
    """A question that agents are asked aside: unheard by others and outside their memory.

    `text` is a template like those of prompts. `asked` are the agents in question, in the order of their names;
    with `sample`, so many of them are drawn each time. An agent is asked in `channel`, or in its first one.

    With `after` it is asked whenever one of these interventions, by their position in the plan, has taken effect. With
    a `trigger` it is asked at those moments only at which that holds: the first of them, or with `repeat` all.
    """

    name: str
    text: str
    when: tuple[When, ...]
    asked: tuple[AgentId, ...]
    act: Act = field(default_factory=Say)
    sample: int | None = None
    channel: ChannelId | None = None
    after: tuple[int, ...] = ()
    trigger: Trigger | None = None
    repeat: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Broadcast:
    """A text is put into channels as said by `speaker`; all their members hear it."""

    speaker: str
    text: str
    channels: tuple[ChannelId, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Inject:
    """Words are put into an agent's mouth: whoever hears it in `channel` hears them from it, and so does it itself.

    In a channel of pairs they are its last words, which it shows the next that it meets.
    """

    speaker: AgentId
    text: str
    channel: ChannelId


@dataclass(frozen=True, slots=True, kw_only=True)
class Mute:
    """Agents lose their voice, or with `lifted` get it back; they go on listening."""

    agents: tuple[AgentId, ...]
    lifted: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Remove:
    """Agents leave the society; what they said stays said."""

    agents: tuple[AgentId, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Admit:
    """Agents join who were absent until now: since they were removed or, if they never were, since the start."""

    agents: tuple[AgentId, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangePersona:
    """Agents become somebody else: their persona is `persona`, already rendered, from now on."""

    personas: tuple[tuple[AgentId, str], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeTopic:
    """What templates call the topic of `channels` is `topic` from now on."""

    channels: tuple[ChannelId, ...]
    topic: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeSampling:
    """Agents are asked with other decoding options from now on; those that are None stay as they are."""

    agents: tuple[AgentId, ...]
    temperature: float | None = None
    top_p: float | None = None
    top_k: int | None = None
    min_p: float | None = None
    repeat_penalty: float | None = None
    max_tokens: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeRole:
    """Agents take on a role, an authority, or both; what is None stays as it is."""

    agents: tuple[AgentId, ...]
    role: RoleId | None = None
    authority: float | None = None  # > 0


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeModel:
    """Another model answers for agents, with its own decoding options."""

    models: tuple[tuple[AgentId, Model], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class AddEdges:
    """Edges that are there from now on; one that was there gets the new weight."""

    edges: tuple[tuple[ChannelId, tuple[Edge, ...]], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoveEdges:
    """Edges, as speaker and listener, that are gone from now on."""

    edges: tuple[tuple[ChannelId, tuple[tuple[AgentId, AgentId], ...]], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeNetwork:
    """A channel has these edges and no others from now on."""

    channel: ChannelId
    edges: tuple[Edge, ...]
    directed: bool = False
    weighted: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeChance:
    """Everything that is drawn from now on is drawn anew; `draw`, from 1, tells apart other chances of one run.

    Who has the turn in a round that has begun stays as it was drawn.
    """

    draw: int


Change = (
    Broadcast
    | Inject
    | Mute
    | Remove
    | Admit
    | ChangePersona
    | ChangeTopic
    | ChangeSampling
    | ChangeRole
    | ChangeModel
    | AddEdges
    | RemoveEdges
    | ChangeNetwork
    | ChangeChance
)


@dataclass(frozen=True, slots=True, kw_only=True)
class EdgesBetween:
    """Which edges are added or removed follows from those that are there when it is due: it becomes one of the two.

    Those between a member in `one` and another in `other`, whoever is the speaker; of them a `share`, on (0, 1], that
    is drawn then. Edges that are added have the `weight`.
    """

    channels: tuple[ChannelId, ...]
    one: tuple[AgentId, ...]
    other: tuple[AgentId, ...]
    share: float = 1.0
    added: bool = False
    weight: float = 1.0


Planned = Change | EdgesBetween


@dataclass(frozen=True, slots=True, kw_only=True)
class Intervention:
    """A planned change; `trigger` and `repeat` as in probes."""

    when: tuple[When, ...]
    change: Planned
    trigger: Trigger | None = None
    repeat: bool = False

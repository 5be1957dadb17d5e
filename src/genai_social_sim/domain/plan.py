"""Everything that determines one run: agents, channels, rules, seed. It knows nothing of files or models."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final, Literal

from genai_social_sim.domain.act import Act, Say
from genai_social_sim.domain.ids import AgentId, ChannelId, RoleId

Json = None | bool | int | float | str | tuple["Json", ...] | tuple[tuple[str, "Json"], ...]
Layout = Literal["script", "persona_first", "transcript_first"]
LAYOUTS: Final[tuple[Layout, ...]] = ("script", "persona_first", "transcript_first")


@dataclass(frozen=True, slots=True, kw_only=True)
class Sampling:
    """Decoding options; None leaves one to the backend's own default.

    `temperature` >= 0, `top_p` and `min_p` on [0, 1], `top_k` >= 0 (0 is off), `repeat_penalty` > 0
    (1 is off), `max_tokens` >= 1.
    """

    temperature: float | None = None
    top_p: float | None = None
    top_k: int | None = None
    min_p: float | None = None
    repeat_penalty: float | None = None
    max_tokens: int = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Model:
    """Which backend answers and how it is asked.

    `options` are the backend's own keys as JSON text, so that equal models compare equal.
    """

    backend: str
    options: str = "{}"
    sampling: Sampling = Sampling()


@dataclass(frozen=True, slots=True, kw_only=True)
class Agent:
    """Who: a name, a persona (text, already rendered), the model that answers for it, and its role.

    `attributes` are in the order of their names. `authority` > 0 is the role's, or the agent's own.
    """

    name: AgentId
    persona: str
    model: Model
    role: RoleId | None = None
    authority: float = 1.0
    attributes: tuple[tuple[str, str | int | float | bool], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Role:
    """What an agent is among the others. `told` and `brief` are Jinja templates over `name`, `role` and `authority`.

    `told`: what its neighbours' prompts say of an agent in this role; empty: nothing. `brief`: what its own says.
    """

    name: RoleId
    authority: float = 1.0
    told: str
    brief: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RoundRobin:
    """In the order of the members, one after the other; `first` opens each round, or one `drawn` for the whole run."""

    first: AgentId | None = None
    drawn: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class RandomOrder:
    """Each turn's speaker is drawn uniformly; without `repeat`, not from who has just had the turn."""

    repeat: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Simultaneous:
    """All act at once and see what was said up to the previous round only."""


Protocol = RoundRobin | RandomOrder | Simultaneous


@dataclass(frozen=True, slots=True, kw_only=True)
class Opening:
    """The first text of a channel and whose name stands before it."""

    speaker: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Channel:
    """A conversation: members in their order, protocol, opening, how far back members remember, what they do."""

    name: ChannelId
    members: tuple[AgentId, ...]
    protocol: Protocol
    opening: Opening | None
    window: int  # utterances that a prompt shows; 0 is no memory
    act: Act = field(default_factory=Say)


@dataclass(frozen=True, slots=True, kw_only=True)
class Turns:
    """Stop after this many turns in all."""

    count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Rounds:
    """Stop after this many rounds of all channels."""

    count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Tokens:
    """Stop once prompts and answers together came to this many tokens."""

    count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Silence:
    """Stop once nobody said anything for this many rounds."""

    rounds: int


@dataclass(frozen=True, slots=True, kw_only=True)
class AnyOf:
    """Stop as soon as one of these rules says so."""

    rules: tuple[StopRule, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class AllOf:
    """Stop once each of these rules says so at the same time."""

    rules: tuple[StopRule, ...]


StopRule = Turns | Rounds | Tokens | Silence | AnyOf | AllOf


@dataclass(frozen=True, slots=True, kw_only=True)
class Timeouts:
    """Limits of one turn. Seconds. `on_failure` is what happens once the last attempt failed."""

    answer_s: float = 120.0  # of one attempt
    connect_s: float | None = None
    first_token_s: float | None = None
    turn_s: float | None = None  # from the first attempt's beginning over all attempts and pauses
    attempts: int = 3
    backoff_s: float = 0.5  # before the second attempt; doubles for each further one
    on_failure: Literal["skip", "stop", "say"] = "skip"
    say: str = ""  # with on_failure "say": what the agent is made to say


@dataclass(frozen=True, slots=True, kw_only=True)
class PromptStyle:
    """How prompts are laid out; `frame`, `cue` and `lead` are Jinja templates (see `kernel.prompts`)."""

    layout: Layout
    frame: str
    cue: str
    lead: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunPlan:
    """One run: a condition of a study, with its seed. Agents and channels stand in the order of their names."""

    name: str
    seed: int
    agents: tuple[Agent, ...]
    channels: tuple[Channel, ...]
    prompt: PromptStyle
    stop: StopRule
    timeouts: Timeouts
    roles: tuple[Role, ...] = ()  # in the order of their names
    round_size: int = field(init=False)  # turns in one round of all channels
    offsets: tuple[int, ...] = field(init=False)  # of each channel's first turn within a round

    def __post_init__(self) -> None:
        offsets, total = [], 0
        for channel in self.channels:
            offsets.append(total)
            total += len(channel.members)
        object.__setattr__(self, "round_size", total)
        object.__setattr__(self, "offsets", tuple(offsets))

"""Everything that determines one run: agents, channels, rules, seed. It knows nothing of files or models."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final, Literal, assert_never

from genai_social_sim.domain.act import Act, Say
from genai_social_sim.domain.agenda import ChangeModel, Intervention, Probe
from genai_social_sim.domain.ids import AgentId, ChannelId, RoleId
from genai_social_sim.domain.memory import Memory, Window
from genai_social_sim.domain.model import Model as Model  # noqa: PLC0414 (a part of plans: it can be had from here)
from genai_social_sim.domain.model import Sampling as Sampling  # noqa: PLC0414 (likewise)
from genai_social_sim.domain.network import Network
from genai_social_sim.domain.power import Power
from genai_social_sim.domain.taking import TurnTaking

Json = None | bool | int | float | str | tuple["Json", ...] | tuple[tuple[str, "Json"], ...]
Layout = Literal["script", "persona_first", "transcript_first"]
LAYOUTS: Final[tuple[Layout, ...]] = ("script", "persona_first", "transcript_first")


@dataclass(frozen=True, slots=True, kw_only=True)
class Agent:
    """Who: a name, a persona (text, already rendered), the model that answers for it, and its role.

    `attributes` are in the order of their names. `authority` > 0 is the role's, or the agent's own. `memory`: its own,
    in all its channels; None: that of each channel.
    """

    name: AgentId
    persona: str
    model: Model
    role: RoleId | None = None
    authority: float = 1.0
    attributes: tuple[tuple[str, str | int | float | bool], ...] = ()
    memory: Memory | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Role:
    """What an agent is among the others. `told` and `brief` are Jinja templates over `name`, `role` and `authority`.

    `told`: what its neighbours' prompts say of an agent in this role; empty: nothing. `brief`: what its own says.
    `powers`: what it may do beside speaking, in its channels.
    """

    name: RoleId
    authority: float = 1.0
    told: str
    brief: str
    powers: tuple[Power, ...] = ()


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


@dataclass(frozen=True, slots=True, kw_only=True)
class ByAuthority:
    """Each turn's speaker is drawn with a chance in proportion to authority; `repeat` as in `RandomOrder`."""

    repeat: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Sequential:
    """Each member has one turn a round, in an order drawn anew for each round, and hears what was just said."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pairwise:
    """Two members at a time, a speaker and a listener who hears it, drawn anew for each meeting.

    `pick` says what is drawn uniformly: a `link` of the network, or first the `speaker` or the `listener` and then one
    of those who hear it or whom it hears. Where edges have weights, links and partners are drawn in proportion.

    `acts` says who has a turn: the `listener` alone; `both` at once; or both `in_turn`, speaker first. `shows` says
    what those who act before hearing the other are shown beside their own past: what their `partner` said last, to
    whomever, or `nothing`. What is said is heard by the partner alone. With `announce` each member has a turn in the
    first round, all at once and unheard, to say where it stands; meetings begin in the second.
    """

    pick: Literal["link", "speaker", "listener"] = "link"
    acts: Literal["listener", "both", "in_turn"] = "in_turn"
    shows: Literal["partner", "nothing"] = "partner"
    announce: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Moderated:
    """The moderator chooses who speaks next, then that one speaks; a round is one speech for each other member.

    The choice is a turn of its own, recorded and unheard, asked for with the template `cue` in place of the prompt's.
    If it cannot be read, the speaker is drawn. The moderator has no other turns.
    """

    moderator: AgentId
    cue: str


Ranking = Literal["newest", "top", "hot", "random"]
PostingAct = Literal["post", "reply", "upvote", "downvote"]
POSTING_ACTS: Final[tuple[PostingAct, ...]] = ("post", "reply", "upvote", "downvote")


@dataclass(frozen=True, slots=True, kw_only=True)
class Forum:
    """Threads, replies and votes. In each round each member has two turns: an act, then its words, if it takes some.

    Before it acts it is shown a feed of `feed` threads in the order of `ranking`, each with its last `replies`; it
    chooses one of `acts`, on a post that it is shown, or passes. `decay`: for `hot`, rounds by which a new thread is
    worth ten times the votes. `simultaneous`: all are shown what was there when the round began; else members act in
    an order drawn for the round, and see what was done before in it. `frame`, `cue` (the act) and `words` are
    templates in place of the prompt's.
    """

    ranking: Ranking = "newest"
    feed: int = 5
    replies: int = 2
    decay: float = 5.0
    acts: tuple[PostingAct, ...] = POSTING_ACTS  # in this order
    may_pass: bool = True
    simultaneous: bool = False
    shows_votes: bool = True
    shuffle: bool = False
    labels: bool = False
    frame: str
    cue: str
    words: str


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnProtocol:
    """A user's protocol: its name, its options as JSON text, and what they made."""

    name: str
    taking: TurnTaking = field(compare=False)
    options: str = "{}"


Protocol = (
    RoundRobin | RandomOrder | Simultaneous | ByAuthority | Sequential | Pairwise | Moderated | Forum | OwnProtocol
)


def turns_of(protocol: Protocol, members: int) -> int:
    """Turns in one round of a channel of so many members."""
    match protocol:
        case Pairwise(acts="both" | "in_turn"):
            return 2 * (members // 2)
        case Moderated():
            return 2 * (members - 1)
        case Forum():
            return 2 * members
        case OwnProtocol(taking=taking):
            return taking.turns(members)
        case RoundRobin() | RandomOrder() | Simultaneous() | ByAuthority() | Sequential() | Pairwise():
            return members
        case _ as unknown:
            assert_never(unknown)


def waves_of(protocol: Protocol, members: int) -> tuple[int, int]:
    """Turns that are asked together: in the first round of a channel of so many members, and in any other."""
    match protocol:
        case Simultaneous() | Forum(simultaneous=True):
            return members, members
        case Pairwise(acts=acts, announce=announce):
            wave = 2 if acts == "both" else 1
            return members if announce else wave, wave
        case OwnProtocol(taking=taking):
            return taking.at_once(members), taking.at_once(members)
        case RoundRobin() | RandomOrder() | ByAuthority() | Sequential() | Moderated() | Forum():
            return 1, 1
        case _ as unknown:
            assert_never(unknown)


@dataclass(frozen=True, slots=True, kw_only=True)
class Opening:
    """The first text of a channel and whose name stands before it."""

    speaker: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Channel:
    """A conversation: members in their order, protocol, opening, how far back members remember, what they do.

    `network`: who hears whom; None: everybody hears everybody. `memory`: what members without one of their own are
    shown of the past; None: the last `window` utterances.
    """

    name: ChannelId
    members: tuple[AgentId, ...]
    protocol: Protocol
    opening: Opening | None
    window: int  # utterances that are kept for its members' memories; 0 is no memory
    act: Act = field(default_factory=Say)
    network: Network | None = None
    direct: bool = False  # whether what is said can be addressed to one member alone
    topic: str | None = None  # what templates call the topic; None: the text of the opening
    memory: Memory | None = None

    def memory_of(self, agent: Agent) -> Memory:
        """What `agent` is shown of the past here."""
        return agent.memory or self.memory or Window(utterances=self.window)

    @property
    def turns(self) -> int:
        """Turns in one round of it."""
        return turns_of(self.protocol, len(self.members))

    def is_led_by(self, agent: AgentId) -> bool:
        """Whether `agent` is its moderator, whose turns are choices of who speaks."""
        return isinstance(self.protocol, Moderated) and self.protocol.moderator == agent

    @property
    def waves(self) -> tuple[int, int]:
        """Turns of it that are asked together: in the first round, and in any other."""
        return waves_of(self.protocol, len(self.members))


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
class Consensus:
    """Stop once a `share` of all agents or more, on (0, 1], said the same last, at `rounds` ends of rounds in a row."""

    share: float
    rounds: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class AnyOf:
    """Stop as soon as one of these rules says so."""

    rules: tuple[StopRule, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class AllOf:
    """Stop once each of these rules says so at the same time."""

    rules: tuple[StopRule, ...]


StopRule = Turns | Rounds | Tokens | Silence | Consensus | AnyOf | AllOf


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
    probes: tuple[Probe, ...] = ()
    interventions: tuple[Intervention, ...] = ()
    seeds_of_rounds: tuple[
        tuple[int, int], ...
    ] = ()  # where chance changed: from which round on which seed picks turns
    round_size: int = field(init=False)  # turns in one round of all channels
    offsets: tuple[int, ...] = field(init=False)  # of each channel's first turn within a round

    @property
    def models(self) -> tuple[Model, ...]:
        """Each model that may answer in the run, those that interventions bring in last."""
        later = [
            model
            for each in self.interventions
            if isinstance(each.change, ChangeModel)
            for _, model in each.change.models
        ]
        return tuple(dict.fromkeys([*[agent.model for agent in self.agents], *later]))

    def __post_init__(self) -> None:
        offsets, total = [], 0
        for channel in self.channels:
            offsets.append(total)
            total += channel.turns
        object.__setattr__(self, "round_size", total)
        object.__setattr__(self, "offsets", tuple(offsets))

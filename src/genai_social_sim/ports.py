"""What the engine asks of the world. Each port has one to four verbs and one examination in `testing`."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any, Final, Literal, NamedTuple, Protocol, runtime_checkable

from genai_social_sim.domain.act import Number
from genai_social_sim.domain.events import Cause, Event, Finish, Noticed
from genai_social_sim.domain.feed import SeenPost
from genai_social_sim.domain.ids import AgentId, ChannelId
from genai_social_sim.domain.line import Line
from genai_social_sim.domain.plan import Opening, Sampling
from genai_social_sim.domain.prompt import Prompt


class Limits(NamedTuple):
    """How long a call may take, in seconds; None is no limit of its own. The engine itself holds `answer_s`."""

    answer_s: float = 120.0
    connect_s: float | None = None
    first_token_s: float | None = None


class Request(NamedTuple):
    """All that a backend needs for one call; a worker elsewhere derives the same answer from it."""

    turn: int
    attempt: int  # from 1
    channel: ChannelId
    round: int
    agent: AgentId
    persona: str
    heard: tuple[Line, ...]  # what the prompt shows of the conversation, oldest first
    prompt: Prompt
    sampling: Sampling
    stop: tuple[str, ...]
    seed: int
    limits: Limits = Limits()
    choices: tuple[str, ...] = ()  # the legal answers, if it has to choose; empty: it says what it likes
    meanings: tuple[str, ...] = ()  # what each of them stands for, in the study's words
    weights: tuple[float, ...] = ()  # of each line in `heard`, by the network; empty: its edges have none
    aside: str = ""  # the probe for which it is asked, unheard by others; empty in a turn
    attributes: tuple[tuple[str, str | int | float | bool], ...] = ()  # the agent's, in the order of their names
    feed: tuple[SeenPost, ...] = ()  # in a forum: the posts shown, the first first; they end `heard`, too
    doing: str = ""  # in a forum: `choose` if an act is asked for; else that whose words are, `post` or `reply to N`
    number: Number | None = None  # in place of `choices`, if it has to answer with a number of a range


_NO_NOTES: Final[Mapping[str, Any]] = {}  # of all answers that have none; plain, so that JSON takes it


class Answer(NamedTuple):
    """What a backend gives back; name its fields. `first_token_s`: seconds from the call; None where it cannot tell."""

    text: str
    finish: Finish = "stop"
    prompt_tokens: int = 0
    answer_tokens: int = 0
    first_token_s: float | None = None
    by: str = ""  # which server or function answered
    legal_mass: float | None = None  # probability on the choices before any constraint; None where it cannot be told
    notes: Mapping[str, Any] = _NO_NOTES


class LanguageModel(Protocol):
    """A backend, opened. Expected failures are `CompletionError`; others are bugs and end the run."""

    @property
    def slots(self) -> int:
        """Calls that it can work on at once."""

    def identity(self) -> Mapping[str, Any]:
        """What answers, for the record: names, digests, versions; JSON values."""

    async def complete(self, request: Request) -> Answer:
        """Answer one request. The caller sets the deadline and may cancel."""

    async def close(self) -> None:
        """Give back what it holds; calls in flight have ended before."""


class Encoder(Protocol):
    """Tells how alike texts are, for memories that look things up."""

    @property
    def instant(self) -> bool:
        """Whether it takes no time worth a thread."""

    def identity(self) -> Mapping[str, Any]:
        """What it is, for the record: names, digests, versions; JSON values."""

    def likeness(self, words: str, texts: Sequence[str]) -> Sequence[float]:
        """How like `words` each of `texts` is: finite, greater for what is more alike, whatever stands beside it."""


@runtime_checkable
class ServedModel(Protocol):
    """A backend that stands before servers: the engine adapts to how they cope, and says when they are down."""

    @property
    def where(self) -> str:
        """The servers' names, without credentials."""


@runtime_checkable
class PunctualModel(Protocol):
    """A backend that ends each call itself by `Request.limits.answer_s`; else the engine's watchdog gives it up."""

    ends_in_time: Literal[True]


@runtime_checkable
class InstantModel(Protocol):
    """A backend whose answers cost nothing to compute: the engine asks without a task."""

    def answer(self, request: Request) -> Answer:
        """Answer one request at once; raises `CompletionError` like `LanguageModel.complete`."""


@runtime_checkable
class DispatchedModel(Protocol):
    """A backend elsewhere: it holds the deadline of each call itself, since waiting for a worker does not count."""

    def report_to(self, notice: Callable[[Noticed], None]) -> None:
        """Where to say what a reader of the record has to know; called before the first request."""


class Entry(NamedTuple):
    """An event to be appended; a call's event brings its prompt along."""

    event: Event
    prompt: Prompt | None = None


class EventLog(Protocol):
    """The one writer of a run's record."""

    @property
    def digest(self) -> bytes:
        """Over the logical events so far."""

    def append(self, entries: Sequence[Entry]) -> None:
        """Append in this order, all or none; once it returns they are kept as `durability` promises."""

    def close(self) -> None:
        """Leave the file complete by itself."""


class Recorded(NamedTuple):
    """An event as it stands in the log. `at`: seconds since the epoch, UTC."""

    seq: int
    at: float
    event: Event


class EventReader(Protocol):
    """Reads a record while it is being written, too."""

    def events(self, *, after: int = -1) -> Iterator[Recorded]:
        """Events with `seq` > `after`, in order; those that exist when it gets there."""

    def prompt(self, turn: int) -> Prompt | None:
        """The prompt of a turn, rebuilt from the record; None for a turn without a call."""

    def close(self) -> None:
        """Let go of the file."""


class Observer(Protocol):
    """Watches a run and never changes it. It hears of an event once the log has it."""

    def saw(self, events: Sequence[Event]) -> None:
        """Events that were just appended."""


class Posted(NamedTuple):
    """What became of an opening that was posted."""

    waiting: int  # runs that take it up; 0: it is kept for the next one
    replaced: bool  # one that was kept lies there no longer


class Letter(NamedTuple):
    """An opening that came for a channel."""

    channel: ChannelId
    opening: Opening


class Letterbox(Protocol):
    """Through which openings come to runs that wait for one, whoever is there first."""

    async def post(self, channel: ChannelId, opening: Opening) -> Posted:
        """Hand it to the runs that wait, or keep it for the next one that does."""

    def letters(self, channels: Sequence[ChannelId]) -> AbstractAsyncContextManager[AsyncIterator[Letter]]:
        """What comes for `channels`, for ever; within the context, `post` sees that somebody waits."""

    async def close(self) -> None:
        """Let go; nobody waits any more."""


class Clock(Protocol):
    """Time as an argument."""

    def now(self) -> float:
        """Wall clock: seconds since the epoch, UTC."""

    def elapsed(self) -> float:
        """Seconds on a clock that never goes back."""


PROTOCOL: Final = 3  # of what coordinator and workers say to each other; raised with each change of its meaning


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """A model that workers are asked for. `identity` is the fingerprint that it has to have; empty: not known yet."""

    backend: str
    options: str
    identity: str = ""

    @property
    def key(self) -> str:
        """A name for it, the same for the same model."""
        return sha256(f"{self.backend}\n{self.options}\n{self.identity}".encode()).hexdigest()[:16]


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """What a run wants of workers. `coordinator` tells apart two that claim one run in one epoch."""

    run: str
    epoch: int
    coordinator: str
    lease_s: float  # how long a worker may say nothing before its work is given to another
    wanted: tuple[Wanted, ...]
    package: str
    protocol: int = PROTOCOL


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkItem:
    """One attempt at one turn, with all that a worker needs. `digest` is the SHA-256 of `body`, in hexadecimal."""

    run: str
    epoch: int
    turn: int
    attempt: int
    key: str  # of the model wanted
    deadline_s: float  # from the moment when a worker begins
    digest: str
    body: bytes  # the request


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """A `CompletionError` as a worker reports it."""

    problem: str
    cause: Cause = "error"
    remedy: str = ""
    retry: bool = True
    retry_after_s: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkResult:
    """What came of an item; it echoes which, and says who worked on it how long."""

    run: str
    epoch: int
    turn: int
    attempt: int
    digest: str
    identity: str  # fingerprint of the model that answered
    worker: str
    deliveries: int  # how often the item had been given to a worker
    worked_s: float
    outcome: Answer | Failure


@dataclass(frozen=True, slots=True, kw_only=True)
class Hello:
    """A worker tells a run that it serves one of its models, and as what; or why it does not (`refusal`)."""

    run: str
    worker: str
    key: str
    identity: Mapping[str, Any] = field(default_factory=dict)
    slots: int = 0
    refusal: str = ""
    package: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Unreadable:
    """A message that is none of ours, or of another version."""

    why: str
    sender: str = ""


Report = WorkResult | Hello
Arrival = WorkResult | Hello | Unreadable


class Delivery(NamedTuple):
    """An item in a worker's hands. `token` is what the broker knows it by."""

    item: WorkItem
    times: int  # how often it has been given to a worker, this time included
    token: Any = None


class CoordinatorEnd(Protocol):
    """A broker as the coordinator of one run sees it. Every verb raises `BrokerError` while the broker is away."""

    async def announce(self, offer: Offer) -> None:
        """Make known what the run wants, or that it still does; raises `FencedError` if another one took it over."""

    async def send(self, items: Sequence[WorkItem], *, again: bool = False) -> Sequence[WorkItem]:
        """Hand out items, and say which were: one that the broker still holds is left there.

        `again`: they were handed out before; one whose result may be on its way is left alone too.
        """

    async def receive(self, longest_s: float) -> Sequence[Arrival]:
        """What workers have sent since, at the latest after `longest_s`; empty if nothing came."""

    async def clear(self) -> None:
        """Remove every trace of the run from the broker."""


class WorkerEnd(Protocol):
    """A broker as one worker sees it. Every verb raises `BrokerError` while the broker is away."""

    async def offers(self) -> Sequence[Offer | Unreadable]:
        """What runs want now."""

    async def take(self, room: Mapping[tuple[str, str], int], longest_s: float) -> Sequence[Delivery | Unreadable]:
        """Items for the models with `room` (by run and key: how many), at the latest after `longest_s`.

        An item whose worker has said nothing for longer than the lease goes first.
        """

    async def renew(self, deliveries: Sequence[Delivery]) -> None:
        """Say that they are still worked on."""

    async def report(self, told: Sequence[tuple[Report, Delivery | None]]) -> Sequence[bool]:
        """Send reports; an item is done with its result, both or neither. False where the run is not there (now)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Health:
    """One thing about a broker, and what was found. `broken`: runs may not come to their end with it."""

    what: str
    state: Literal["ok", "doubtful", "broken"]
    found: str
    remedy: str = ""


class Transport(Protocol):
    """A broker: a pipe from coordinators to workers that may forget everything at any time."""

    def coordinate(self, run: str) -> CoordinatorEnd:
        """The coordinator's end for one run."""

    def serve(self, worker: str) -> WorkerEnd:
        """A worker's end."""

    async def health(self) -> Sequence[Health]:
        """What a broker of this kind should be like, and is; raises `BrokerError` if it cannot be reached."""

    async def close(self) -> None:
        """Let go of connections."""


class Holding(NamedTuple):
    """What a broker holds of a run: items that wait for a worker, and those that one has (None: it cannot tell)."""

    waiting: int
    in_hand: int | None


@runtime_checkable
class HoldingTransport(Protocol):
    """A transport whose broker can be asked how much of a run it holds."""

    async def holding(self, run: str) -> Holding | None:
        """None if the run is not there; raises `BrokerError` while the broker is away."""

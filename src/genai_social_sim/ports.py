"""What the engine asks of the world. Each port has one to four verbs and one examination in `testing`."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Protocol, runtime_checkable

from genai_social_sim.domain.events import Event, Finish
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What a backend gives back. `first_token_s`: seconds from the call; None where it cannot tell."""

    text: str
    finish: Finish = "stop"
    prompt_tokens: int = 0
    answer_tokens: int = 0
    first_token_s: float | None = None
    by: str = ""  # which server or function answered
    legal_mass: float | None = None  # probability on the choices before any constraint; None where it cannot be told
    notes: Mapping[str, Any] = field(default_factory=dict)


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


@runtime_checkable
class ServedModel(Protocol):
    """A backend that stands before servers: the engine adapts to how they cope, and says when they are down."""

    @property
    def where(self) -> str:
        """The servers' names, without credentials."""


@runtime_checkable
class InstantModel(Protocol):
    """A backend whose answers cost nothing to compute: the engine asks without a task."""

    def answer(self, request: Request) -> Answer:
        """Answer one request at once; raises `CompletionError` like `LanguageModel.complete`."""


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

"""What the page is given to read from; `api.page` puts it together. Here it is only described."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple, Protocol

from typing_extensions import TypedDict  # pydantic knows it on every Python

from genai_social_sim.domain.events import RunStarted
from genai_social_sim.domain.origin import Origin
from genai_social_sim.ports import Clock, Holding, Recorded


class Head(Protocol):
    """Where a log stands."""

    @property
    def seq(self) -> int:
        """Position of its last event."""

    @property
    def digest(self) -> bytes:
        """Over the logical events so far."""

    @property
    def turns(self) -> int:
        """Turns committed."""


class Record(Protocol):
    """A run file, open for reading, also while it is being written."""

    def head(self) -> Head:
        """Where its log stands."""

    def standing(self) -> str:
        """Its status."""

    def events(self, *, after: int = -1, kinds: str = "", upto: int = ...) -> Iterator[Recorded]:
        """Events with `after` < `seq` <= `upto`, in order; raises RecordError at the first that cannot be read."""

    def origin(self) -> Origin:
        """Its place in a design, and the run that it was forked from."""

    def query(self, sql: str, *values: object) -> Iterator[tuple[Any, ...]]:
        """Rows of a reading query; raises RecordError for what SQLite refuses."""

    def close(self) -> None:
        """Let go of the file."""


class AgentFacts(Protocol):
    """An agent as the study has it."""

    @property
    def name(self) -> str:
        """Its name."""

    @property
    def persona(self) -> str | None:
        """As its model is told."""

    @property
    def backend(self) -> str | None:
        """What answers for it."""

    @property
    def values(self) -> Mapping[str, Any]:
        """Its attributes."""

    @property
    def role(self) -> str | None:
        """Its role."""

    @property
    def authority(self) -> float:
        """Its own or its role's; 1 without either."""


class ChannelFacts(Protocol):
    """A channel as the study has it."""

    @property
    def name(self) -> str:
        """Its name."""

    @property
    def members(self) -> tuple[str, ...]:
        """Names, in their order."""

    @property
    def protocol(self) -> str | None:
        """Whose turn is next."""

    @property
    def act(self) -> str:
        """What agents do with a turn."""

    @property
    def network(self) -> str | None:
        """Kind of its network; None: everybody hears everybody."""


class EdgeFacts(Protocol):
    """Who hears whom."""

    @property
    def speaker(self) -> str:
        """Who is heard."""

    @property
    def listener(self) -> str:
        """By whom."""

    @property
    def directed(self) -> bool:
        """Whether it is not the other way round, too."""


class EdgeRow(NamedTuple):
    """An edge and the turns before which it came and went; `until` None: it never did."""

    speaker: str
    listener: str
    directed: bool
    since: int
    until: int | None


class Facts(Protocol):
    """A study as the record of its run has it."""

    @property
    def name(self) -> str | None:
        """The study's name."""

    @property
    def digest(self) -> str:
        """Of the study without what the seed drew: equal for runs of one study."""

    @property
    def names(self) -> Sequence[str]:
        """The agents' names, in their order."""

    def posts(self) -> Iterable[tuple[str, str | None, str | None]]:
        """Name, role and backend of each agent; quicker than all that `agents` tells."""

    def agents(self) -> Iterable[AgentFacts]:
        """In their order."""

    def channels(self) -> Iterable[ChannelFacts]:
        """In the order of their names."""

    def edges(self, channel: str) -> Iterable[EdgeFacts]:
        """Of a channel's network as the run began."""

    @property
    def edges_change(self) -> bool:
        """Whether an intervention is planned that changes edges."""


class Held(Protocol):
    """Asks a broker how much of a run it holds."""

    def __call__(self, run: str, *, own: bool) -> Holding | str:
        """By the run's name there, or why that is not known; `own`: at a broker that the run started itself."""


class MeasuredValue(TypedDict):
    """A value of a measure of the whole run; `of`: a channel or a probe, null for all."""

    measure: str
    of: str | None
    value: float


class MeasureDocument(TypedDict):
    """What a measure says."""

    about: str
    unit: str
    source: str


class Influence(TypedDict):
    """How far each agent of a channel moved others, by name; `left_out` says why that is not known, if so."""

    values: dict[str, float]
    about: MeasureDocument
    left_out: str


class Measured(TypedDict):
    """What was measured; `left_out` says why nothing was, if so."""

    values: list[MeasuredValue]
    known: dict[str, MeasureDocument]
    left_out: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Sources:
    """How run files are read.

    `turn(path, number, probe, agent)` gives all of a turn or, if `probe` is not empty, of a question aside. `due(path)`
    gives the turns that wait for an answer. `bound(started)` is the number of turns after which the run ends at the
    latest, if known. `measures(path)` measures the whole run, `influence(path, channel)` who moved whom in a channel.
    `edges(path)` gives, by channel, edges that come and go.
    """

    open: Callable[[Path], Record]
    facts: Callable[[RunStarted], Facts]
    turn: Callable[[Path, int, str, str], Mapping[str, Any]]
    due: Callable[[Path], Sequence[Mapping[str, Any]]]
    measures: Callable[[Path], Measured]
    influence: Callable[[Path, str], Influence]
    edges: Callable[[Path], Mapping[str, Sequence[EdgeRow]]]
    bound: Callable[[RunStarted], int | None]
    held: Held
    clock: Clock
    version: str  # of the package

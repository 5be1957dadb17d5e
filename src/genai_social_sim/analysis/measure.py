"""What a measure is: a name, a unit, a source, and values of a run. It knows no particular measure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from inspect import cleandoc
from typing import TYPE_CHECKING, ClassVar, Final, Literal, NamedTuple, TypeVar, get_args

from genai_social_sim.domain.events import Event

if TYPE_CHECKING:
    from genai_social_sim.analysis.reading import Reading
    from genai_social_sim.analysis.society import Society
    from genai_social_sim.export.source import Step

Scope = Literal["run", "round", "agent", "role", "pair"]
SCOPES: Final[tuple[Scope, ...]] = get_args(Scope)
Found = float | None | Mapping[str, float] | Mapping[int, float]
F = TypeVar("F", bound=Callable[..., object])


@dataclass(frozen=True, slots=True, kw_only=True)
class Measure:
    """What a number says of a run. `about`: the fact in a sentence; `source`: who defined it, or in which sense."""

    name: str
    about: str
    unit: str
    scopes: tuple[Scope, ...]
    source: str


class Value(NamedTuple):
    """One number. `of`: the channel, probe or role that it is about; None is the whole run.

    `other` is the second one of a pair, on whom `agent` acted.
    """

    measure: str
    scope: Scope
    value: float
    of: str | None = None
    round: int | None = None
    agent: str | None = None
    other: str | None = None


class Meter:
    """Reads the events of one run once, in order, and gives values of its measures.

    What it remembers is bounded by the number of agents and channels, not of turns.
    """

    measures: ClassVar[tuple[Measure, ...]] = ()

    def __init__(self, society: Society) -> None:
        self.society = society

    def take(self, event: Event, step: Step) -> Iterable[Value]:
        """The values that follow from one more event."""
        return ()

    def round_ended(self, number: int) -> Iterable[Value]:
        """The values of a round, from 0, after its last turn that was taken."""
        return ()

    def end(self) -> Iterable[Value]:
        """The values that only the whole run gives."""
        return ()


OwnMeasure = Callable[["Reading"], Found]
_MARK: Final = "_genai_social_sim_measure"


def measure(*, unit: str, scope: Literal["run", "round", "agent"] = "run", source: str = "") -> Callable[[F], F]:
    """Makes a function of a `Reading` a measure, called like the function; its docstring says what it is.

    Args:
        unit: What its values count, such as `share` or `words`.
        scope: `run`: the function returns a number; `agent`: a mapping of agents to numbers; `round`: one of rounds,
            from 0. None, or an agent or a round left out, is "no value".
        source: Who defined it.
    """

    def marked(function: F) -> F:
        words = cleandoc(function.__doc__ or "").partition("\n\n")[0].replace("\n", " ")
        name = str(getattr(function, "__name__", "measure"))
        found = Measure(name=name, about=words or name, unit=unit, scopes=(scope,), source=source)
        setattr(function, _MARK, found)
        return function

    return marked


def described(function: OwnMeasure) -> Measure:
    """What `measure` said of a function; one without it is a number about the run."""
    found = getattr(function, _MARK, None)
    return found if isinstance(found, Measure) else described(measure(unit="")(function))

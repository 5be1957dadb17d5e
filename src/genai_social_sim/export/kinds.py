"""What a kind of table is made of: its columns, and a fold that turns a run's steps into rows."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from itertools import chain
from typing import Final, Generic, TypeVar

from genai_social_sim.errors import RequestError
from genai_social_sim.export.source import Source, Step, steps
from genai_social_sim.export.tables import Column, Row, Table

_PEEKED_EVENTS: Final = 5_000


ASSIGNED: Final = (
    Column("condition", "text", "Name of the run's condition; no value for a study without conditions."),
    Column("replicate", "integer", "Which repetition of its condition the run is, from 0."),
)


class Fold:
    """Rows of one run: some after each step, the rest at its end. What it remembers is bounded by what is under way.

    `takes`: the kinds of events that it needs; NoneType stands for steps without one, None for all steps.
    """

    takes: tuple[type, ...] | None = None

    def __init__(self, source: Source) -> None:
        self.source = source
        self.run = source.run

    def take(self, step: Step) -> Iterable[Row]:
        """The rows that follow from one more step."""
        return ()

    def end(self) -> Iterable[Row]:
        """The rows that only the whole run gives."""
        return ()


T = TypeVar("T")


class Sorting(Generic[T]):
    """For each step the folds that need it, with what belongs to each."""

    def __init__(self, folds: Iterable[tuple[Fold, T]]) -> None:
        self._all = [*folds]
        self._by_kind: dict[type, list[tuple[Callable[[Step], Iterable[Row]], T]]] = {}

    def __call__(self, step: Step) -> list[tuple[Callable[[Step], Iterable[Row]], T]]:
        """What takes the step, and what belongs to it."""
        kind = type(step.recorded.event) if step.recorded is not None else type(None)
        found = self._by_kind.get(kind)
        if found is None:
            wanted = [each for each in self._all if each[0].takes is None or kind in each[0].takes]
            found = self._by_kind[kind] = [(fold.take, what) for fold, what in wanted]
        return found


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """A kind of table. `description`: what one row is."""

    name: str
    description: str
    columns: tuple[Column, ...]
    fold: Callable[[Source], Fold]
    over: Callable[[Kind, Sequence[Source]], Kind] = lambda kind, _: kind  # with columns that depend on the runs

    def table(self, *sources: Source) -> Table:
        """The table over some runs, one after the other."""
        kind = self.over(self, sources)

        def rows(most: int | None = None) -> Iterator[Row]:
            return chain.from_iterable(kind._rows(source, most) for source in sources)

        return Table(self.name, kind.columns, rows, description=self.description, peek=lambda: rows(_PEEKED_EVENTS))

    def _rows(self, source: Source, most: int | None) -> Iterator[Row]:
        fold = self.fold(source)
        takers = Sorting([(fold, None)])
        for step in steps(source, most=most):
            for take, _ in takers(step):
                yield from take(step)
        yield from fold.end()


def assigned(source: Source) -> tuple[str | None, int]:
    """The cells of `ASSIGNED`."""
    assignment = source.origin.assignment
    return assignment.condition or None, assignment.replicate


def named(kinds: Iterable[Kind], name: str) -> Kind:
    """The one of this name; raises RequestError if there is none."""
    by_name = {kind.name: kind for kind in kinds}
    if name not in by_name:
        raise RequestError(f"there is no table {name!r}", remedy=f"The tables are: {', '.join(by_name)}.")
    return by_name[name]


@lru_cache(maxsize=64)  # several tables ask for the same event's
def moment(at: float) -> str | None:
    """ISO 8601 in UTC with microseconds; None for what is no time."""
    try:
        return datetime.fromtimestamp(at, UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
    except (ValueError, OverflowError, OSError):
        return None

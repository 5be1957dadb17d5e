"""The table of measures: every value of every measure, a row each. It measures nothing itself."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from typing import Final

from genai_social_sim.analysis.measure import OwnMeasure, Value
from genai_social_sim.analysis.reading import Gauge
from genai_social_sim.analysis.registry import Chosen, chosen, measures
from genai_social_sim.export.kinds import ASSIGNED, Fold, Kind, assigned
from genai_social_sim.export.source import Source, Step
from genai_social_sim.export.tables import Cell, Column, Row, Table
from genai_social_sim.export.transcript import RUN


class _Measures(Fold):
    """`wanted` None: all that are known."""

    def __init__(self, source: Source, wanted: Chosen | None = None) -> None:
        super().__init__(source)
        wanted = wanted or chosen()
        self._names = wanted.names
        self._who = (source.run, *assigned(source))
        self._gauge = Gauge(source, wanted.meters, wanted.own)

    def take(self, step: Step) -> Iterable[Row]:
        values = self._gauge.take(step)
        return self._rows(values) if values else ()

    def end(self) -> Iterable[Row]:
        return self._rows(self._gauge.end())

    def _rows(self, values: Iterable[Value]) -> Iterator[Row]:
        for value in values:
            if value.measure in self._names:
                where: tuple[Cell, ...] = (value.of, value.round, value.agent, value.other)
                yield (*self._who, value.measure, value.scope, *where, value.value)


MEASURES: Final = Kind(
    name="measures",
    description="One row for each value of each measure: of the run, of a round, an agent, a role or a pair of agents.",
    columns=(
        RUN,
        *ASSIGNED,
        Column("measure", "text", "Name of the measure; table `measures_known` describes each."),
        Column("scope", "text", "What the value is about: run, round, agent, role or pair."),
        Column("of", "text", "The channel or the probe whose statements it is about, or the role; no value: all."),
        Column(
            "round",
            "integer",
            "After which round, from 0; of a probe: how many rounds had been completed. No value in other scopes.",
        ),
        Column("agent", "text", "Name of the agent; of a pair: the one that acts. No value in other scopes."),
        Column("other", "text", "Of a pair: on whom it acts."),
        Column("value", "number", "The value, in the measure's unit."),
    ),
    fold=_Measures,
)
KNOWN_COLUMNS: Final = (
    Column("measure", "text", "Name."),
    Column("about", "text", "What it says."),
    Column("unit", "text", "Unit of its values."),
    Column("scopes", "text", "What its values are about: run, round, agent, role, pair."),
    Column("source", "text", "Who defined it."),
)


def measured(*sources: Source, wanted: Sequence[str | OwnMeasure] = ()) -> Table:
    """The table over some runs, of the measures that are named or given as functions; of all if none is.

    Raises:
        RequestError: If there is no measure of a name.
    """
    if not wanted:
        return MEASURES.table(*sources)
    fold = partial(_Measures, wanted=chosen(wanted))
    return Kind(name=MEASURES.name, description=MEASURES.description, columns=MEASURES.columns, fold=fold).table(
        *sources
    )


def known() -> Table:
    """All measures that can be used here, a row each."""

    def rows() -> Iterator[Row]:
        return ((each.name, each.about, each.unit, ", ".join(each.scopes), each.source) for each in measures())

    return Table("measures_known", KNOWN_COLUMNS, rows, description="One row for each measure that is known.")

"""Conditions side by side: means over runs with intervals, the run being the unit. It draws nothing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from math import isnan, nan
from typing import Final, NamedTuple

from genai_social_sim.analysis.opinion_meter import REACHED, TIME
from genai_social_sim.analysis.statistics import CONFIDENCE, Estimate, mean_interval
from genai_social_sim.analysis.survival import horizon, restricted_mean
from genai_social_sim.errors import RequestError
from genai_social_sim.report.collecting import Series, Told, all_series
from genai_social_sim.report.drawing import Curve, Spread

ALL_RUNS: Final = "all runs"
_FEWEST: Final = 2  # rounds that make a curve


class Compared(NamedTuple):
    """One measure in all conditions. `note`: what its values are, if not those of whole runs and their mean."""

    series: Series
    spreads: tuple[Spread, ...]
    note: str = ""

    @property
    def words(self) -> str:
        """The measure and its note."""
        return f"{self.series.words}, {self.note}" if self.note else self.series.words


def estimate(values: Sequence[float]) -> Estimate:
    """The mean with Student's interval; without one where scipy is missing or there are too few runs."""
    try:
        return mean_interval(values)
    except RequestError:
        return Estimate(sum(values) / len(values) if values else nan, nan, nan)


def compared(conditions: Mapping[str, Sequence[Told]]) -> Iterator[Compared]:
    """What the runs of each condition came to, measure by measure, but for those that are `constant`.

    Measures that have no value of a run are compared by the one of its last round, and times to consensus, of which
    some may be censored, by restricted means, as `gss compare` does.
    """
    for series, last in _compared_series(conditions):
        if series.measure == TIME.name:
            yield from _times(conditions, series)
            continue
        spreads = []
        for name, those in conditions.items():
            values = [value for run in those if (value := _final(run, series)) is not None]
            if values:
                spreads.append(Spread(name or ALL_RUNS, *estimate(values), values))
        if len({value for each in spreads for value in each.values}) > 1:
            yield Compared(series, tuple(spreads), "last round" if last else "")


def _times(conditions: Mapping[str, Sequence[Told]], series: Series) -> Iterator[Compared]:
    """Nothing without the libraries: a mean that took censored times for times would be wrong."""
    seen = {name: _seen(those, series) for name, those in conditions.items()}
    groups = {name: group for name, group in seen.items() if group[0]}
    values = [time for times, _ in groups.values() for time in times]
    if len({*values}) < 2:  # noqa: PLR2004 (as above: the same in every run)
        return
    until = horizon([*groups.values()])
    censored = sum(reached.count(False) for _, reached in groups.values())
    try:
        spreads = [
            Spread(name or ALL_RUNS, *restricted_mean(times, reached, until=until), times)
            for name, (times, reached) in groups.items()
        ]
    except RequestError:
        return
    note = f"restricted mean up to {until:g} rounds; {censored} of {len(values)} runs never agreed"
    yield Compared(series, tuple(spreads), note)


def _seen(runs: Sequence[Told], series: Series) -> tuple[list[float], list[bool]]:
    """The times of some runs, and whether each came to agreement."""
    known = [run.whole for run in runs if series in run.whole]
    came = Series(REACHED.name, series.of)
    return [whole[series] for whole in known], [bool(whole.get(came)) for whole in known]


def _compared_series(conditions: Mapping[str, Sequence[Told]]) -> list[tuple[Series, bool]]:
    """Measures, and whether they have values of rounds alone."""
    runs = [run for those in conditions.values() for run in those]
    whole = [*all_series(runs, whole=True)]
    return [(each, False) for each in whole] + [
        (each, True) for each in all_series(runs, whole=False) if each not in whole
    ]


def _final(run: Told, series: Series) -> float | None:
    points = run.rounds.get(series)
    return run.whole.get(series, points[-1].value if points else None)


def curves(conditions: Mapping[str, Sequence[Told]], series: Series) -> list[Curve]:
    """A measure over rounds: for each condition the mean over its runs with an interval, and the runs themselves."""
    found = []
    for name, those in conditions.items():
        runs = [run.rounds[series] for run in those if series in run.rounds]
        at: dict[int, list[float]] = {}
        for points in runs:
            for point in points:
                at.setdefault(point.round or 0, []).append(point.value)
        if len(at) < _FEWEST:
            continue
        mean = [(float(number), estimate(at[number])) for number in sorted(at)]
        band = [(x, each.low, each.high) for x, each in mean if not isnan(each.low)]
        single = [[(float(point.round or 0), point.value) for point in points] for points in runs]
        label = f"{name or ALL_RUNS} (n={len(runs)})"
        found.append(Curve(label, [(x, each.value) for x, each in mean], band, single if len(single) > 1 else ()))
    return found


def constant(conditions: Mapping[str, Sequence[Told]]) -> list[tuple[Series, float]]:
    """The measures that came to the same in every run."""
    runs = [run for those in conditions.values() for run in those]
    found = []
    for series, _ in _compared_series(conditions):
        values = {value for run in runs if (value := _final(run, series)) is not None}
        if len(values) == 1:
            found.append((series, values.pop()))
    return found


def interval_words() -> str:
    """What the intervals are."""
    return f"Student's t interval of {CONFIDENCE:.0%} over runs; the run is the unit"

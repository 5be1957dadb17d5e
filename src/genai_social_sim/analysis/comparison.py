"""Compares groups of runs, such as the conditions of a study, by one number for each run. The run is the unit."""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass, replace
from math import isfinite, nan
from statistics import median, stdev
from typing import Final, NamedTuple

from genai_social_sim.analysis import statistics, survival
from genai_social_sim.analysis.run_value import RunValue
from genai_social_sim.analysis.statistics import CONFIDENCE, Estimate
from genai_social_sim.export.tables import Cell, Column, Row, Table

SEED: Final = 20_260_101  # of the bootstrap, unless another one is given: the same runs have the same intervals


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What is compared: numbers of runs; `baseline` is the group that others are compared with, None the first one."""

    measure: str
    values: tuple[RunValue, ...]
    of: str | None = None
    baseline: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Effect:
    """How a group differs from the baseline. `paired`: within pairs of the same replicate and seed.

    `p` is that of the test for the kind: t (of pairs, or Welch's), Fisher's exact, log-rank; of times with seeds in
    common: t.
    """

    difference: Estimate
    p: float
    paired: bool = False
    hedges_g: Estimate | None = None
    cliffs_delta: Estimate | None = None
    p_holm: float = nan


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """A group of runs, and how it differs from the baseline; None for the baseline itself.

    `kind`: `mean`; `share`, if all values are 0 or 1; `time`, if they may be censored: then `estimate` is the
    restricted mean up to the shortest of the groups' longest times, and the difference is one of these. Where runs of
    a group have chance in common, or have their counterparts in the other group, these go by pseudo-values.
    """

    question: Question
    group: str
    baseline: str
    runs: int
    observations: int  # less than runs where several have chance in common
    kind: str
    estimate: Estimate
    sd: float | None
    median: float | None
    effect: Effect | None


COLUMNS: Final = (
    Column("measure", "text", "Name of the measure."),
    Column("of", "text", "The channel or the probe that it is about; no value: the whole run."),
    Column("group", "text", "The condition, the level of the factor or the change of the forks."),
    Column("runs", "integer", "How many runs have a value."),
    Column("observations", "integer", "How many values that makes: runs of the group with the same seed, or forks of "
           "one run, are one, their mean."),
    Column("kind", "text", "mean; share, if all values are 0 or 1; time, if some may be censored."),
    Column("estimate", "number", "Mean, share or restricted mean time of the group's runs."),
    Column("low", "number", "Lower end of its interval: Student's, Wilson's or by Greenwood's variance; of times where "
           "several runs of the group are one observation: Student's, of pseudo-values."),
    Column("high", "number", "Upper end of its interval."),
    Column("sd", "number", "Sample standard deviation over the group's runs."),
    Column("median", "number", "Median over the group's runs; of times: of the survival curve, if it comes to a half."),
    Column("baseline", "text", "The group that it is compared with."),
    Column("difference", "number", "Estimate less the baseline's; within pairs where `paired` is true."),
    Column("difference_low", "number", "Lower end of its interval: Student's of pairs, Welch's, Newcombe's; of times "
           "without seeds in common: by Greenwood's variance, with: of pseudo-values."),
    Column("difference_high", "number", "Upper end of its interval."),
    Column("paired", "flag", "Whether each run was compared with the baseline's run of the same replicate and seed."),
    Column("hedges_g", "number", "Difference in pooled standard deviations, corrected for small samples."),
    Column("hedges_g_low", "number", "Lower end of its interval."),
    Column("hedges_g_high", "number", "Upper end of its interval."),
    Column("cliffs_delta", "number", "How much likelier a run is above one of the baseline's than below it."),
    Column("cliffs_delta_low", "number", "Lower end of its interval, by bootstrap."),
    Column("cliffs_delta_high", "number", "Upper end of its interval, by bootstrap."),
    Column("p", "number", "p-value of no difference: t (of pairs, or Welch's), Fisher's exact; of times without seeds "
           "in common: log-rank."),
    Column("p_holm", "number", "The same, adjusted by Holm for all differences in this table."),
)  # fmt: skip


def compare(questions: Sequence[Question], *, confidence: float = CONFIDENCE, seed: int = SEED) -> list[Compared]:
    """Each group of each question, its baseline first, with effects against it; p-values adjusted over all of them.

    `confidence` is that of all intervals, on (0, 1); `seed` is that of the bootstrap.
    """
    found = [row for question in questions for row in _answered(question, confidence, seed)]
    adjusted = iter(statistics.holm([row.effect.p for row in found if row.effect is not None]))
    return [
        row if row.effect is None else replace(row, effect=replace(row.effect, p_holm=next(adjusted))) for row in found
    ]


def table(rows: Sequence[Compared]) -> Table:
    """What `compare` found, a row for each group of each question."""
    words = "One row for each group of runs, and how it differs from the baseline."
    return Table("comparison", COLUMNS, lambda: map(_cells, rows), description=words)


def _answered(question: Question, confidence: float, seed: int) -> Iterator[Compared]:
    groups: dict[str, list[RunValue]] = {}
    for value in question.values:
        groups.setdefault(value.group, []).append(value)
    if not groups:
        return
    baseline = question.baseline if question.baseline in groups else next(iter(groups))
    kind = _kind(question.values)
    until = survival.horizon([*map(_times, groups.values())]) if kind == "time" else 0.0
    ruler = _Ruler(kind, until, confidence, seed)
    for name in (baseline, *[each for each in groups if each != baseline]):
        values = groups[name]
        yield Compared(
            question=question,
            group=name,
            baseline=baseline,
            runs=sum([value.runs for value in values]),
            observations=len(_by_seed(values)),
            kind=ruler.kind,
            estimate=ruler.estimate(values),
            sd=_sd([value.value for value in values]),
            median=ruler.median(values),
            effect=None if name == baseline else ruler.effect(values, groups[baseline]),
        )


def _kind(values: Sequence[RunValue]) -> str:
    if all(value.reached is not None for value in values):
        return "time"
    return "share" if all(value.value in (0.0, 1.0) for value in values) else "mean"


class _Ruler(NamedTuple):
    """What numbers of a kind are summed up and compared by."""

    kind: str
    until: float  # of times
    confidence: float
    seed: int

    def estimate(self, values: Sequence[RunValue]) -> Estimate:
        numbers = [value.value for value in values]
        if self.kind == "time":
            if len(_by_seed(values)) < len(values):
                numbers = [value.value for value in self._pseudo(values)]
                return statistics.mean_interval(numbers, confidence=self.confidence)
            return survival.restricted_mean(*_times(values), until=self.until, confidence=self.confidence)
        if self.kind == "share":
            return statistics.share_interval(int(sum(numbers)), len(numbers), confidence=self.confidence)
        return statistics.mean_interval(numbers, confidence=self.confidence)

    def median(self, values: Sequence[RunValue]) -> float:
        if self.kind == "time":
            return survival.median(*_times(values))
        return median([value.value for value in values])

    def effect(self, values: Sequence[RunValue], base: Sequence[RunValue]) -> Effect:
        if self.kind == "time":
            return self._of_times(values, base)
        one, other = ([value.value for value in each] for each in (values, base))
        if self.kind == "share":
            counts = [(int(sum(numbers)), len(numbers)) for numbers in (one, other)]
            difference, p = statistics.risk_difference(*counts, confidence=self.confidence)
            return Effect(difference=difference, p=p)
        difference, p, paired = self._of_means(values, base)
        rng = statistics.library("numpy").random.default_rng(self.seed)
        return Effect(
            difference=difference,
            p=p,
            paired=paired,
            hedges_g=statistics.hedges_g(one, other, confidence=self.confidence),
            cliffs_delta=statistics.cliffs_delta(one, other, rng=rng, confidence=self.confidence),
        )

    def _of_means(self, values: Sequence[RunValue], base: Sequence[RunValue]) -> tuple[Estimate, float, bool]:
        """The difference, its p-value, and whether it is one of pairs."""
        pairs = _pairs(values, base)
        if pairs is not None:
            return *statistics.paired_difference(pairs, confidence=self.confidence), True
        one, other = ([value.value for value in each] for each in (values, base))
        return *statistics.mean_difference(one, other, confidence=self.confidence), False

    def _of_times(self, values: Sequence[RunValue], base: Sequence[RunValue]) -> Effect:
        """By seeds where runs have them in common, within the group or with the other one; else by runs."""
        mine, theirs = _times(values), _times(base)
        seeds, of_base = _by_seed(values), _by_seed(base)
        if len(seeds) == len(values) and len(of_base) == len(base) and _pairs(values, base) is None:
            difference = survival.restricted_mean_difference(mine, theirs, until=self.until, confidence=self.confidence)
            return Effect(difference=difference, p=survival.logrank(mine, theirs)[1])
        difference, p, paired = self._of_means(self._pseudo(values), self._pseudo(base))
        return Effect(difference=difference, p=p, paired=paired)

    def _pseudo(self, values: Sequence[RunValue]) -> list[RunValue]:
        """What stands for each seed: a number without censoring."""
        seeds = _by_seed(values)
        found = survival.pseudo_times([_times(each) for each in seeds], until=self.until)
        return [replace(each[0], value=value) for each, value in zip(seeds, found, strict=True)]


def _by_seed(values: Sequence[RunValue]) -> list[list[RunValue]]:
    """The runs of each replicate and seed; one that has none in common with others stands alone."""
    found: dict[Hashable, list[RunValue]] = {}
    for at, value in enumerate(values):
        found.setdefault(at if value.pair is None else value.pair, []).append(value)
    return [*found.values()]


def _times(values: Sequence[RunValue]) -> tuple[list[float], list[bool]]:
    return [value.value for value in values], [bool(value.reached) for value in values]


def _pairs(values: Sequence[RunValue], base: Sequence[RunValue]) -> list[tuple[float, float]] | None:
    """Values of the same replicate and seed; None unless each of the smaller group has its counterpart."""
    theirs = {value.pair: value.value for value in base if value.pair is not None}
    mine = {value.pair: value.value for value in values if value.pair in theirs}
    if len(mine) < 2 or len(mine) < min(len(values), len(base)):  # noqa: PLR2004 (a variance takes two)
        return None
    return [(value, theirs[pair]) for pair, value in mine.items() if pair is not None]


def _sd(numbers: Sequence[float]) -> float | None:
    return stdev(numbers) if len(numbers) > 1 else None


def _cells(row: Compared) -> Row:
    effect = row.effect
    who: tuple[Cell, ...] = (row.question.measure, row.question.of, row.group, row.runs, row.observations, row.kind)
    alone = (*_three(row.estimate), _known(row.sd), _known(row.median))
    if effect is None:
        return (*who, *alone, *[None] * 13)
    against = (row.baseline, *_three(effect.difference), effect.paired)
    sizes = (*_three(effect.hedges_g), *_three(effect.cliffs_delta))
    return (*who, *alone, *against, *sizes, _known(effect.p), _known(effect.p_holm))


def _three(estimate: Estimate | None) -> tuple[Cell, Cell, Cell]:
    if estimate is None:
        return (None, None, None)
    return _known(estimate.value), _known(estimate.low), _known(estimate.high)


def _known(value: float | None) -> float | None:
    """None for what there is no number for."""
    return value if value is not None and isfinite(value) else None

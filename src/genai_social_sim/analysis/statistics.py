"""Intervals and effect sizes over runs, each of which is one observation; scipy and statsmodels do the mathematics.

It knows no measures. All need the extra `statistics`, which is imported when one of them is called; without it they
raise RequestError. `confidence` lies on (0, 1). Chance is an argument: `rng`, a seeded `numpy.random.Generator`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from importlib import import_module
from math import isnan, nan, sqrt
from typing import Any, Final, NamedTuple

from genai_social_sim.errors import RequestError

CONFIDENCE: Final = 0.95
RESAMPLES: Final = 2_000
_BATCH: Final = 100  # resamples at a time, so that thousands of runs need little memory


class Estimate(NamedTuple):
    """A number and its interval; the ends are NaN where there are too few observations for one."""

    value: float
    low: float
    high: float


def library(name: str) -> Any:
    """A module of the extra `statistics`; raises RequestError saying how to get it."""
    try:
        return import_module(name)
    except ImportError as fault:
        package = name.split(".", maxsplit=1)[0]
        remedy = "pip install 'genai-social-sim[statistics]'"
        raise RequestError(f"statistics need {package}, which is not installed", remedy=remedy) from fault


def mean_interval(values: Sequence[float], *, confidence: float = CONFIDENCE) -> Estimate:
    """The mean of independent observations, with Student's t interval.

    Source: Student (1908); `scipy.stats.ttest_1samp`.
    """
    if not values:
        return Estimate(nan, nan, nan)
    mean = sum(values) / len(values)
    if len(values) == 1:
        return Estimate(mean, nan, nan)
    if len({*values}) == 1:
        return Estimate(mean, mean, mean)
    found = library("scipy.stats").ttest_1samp(values, 0.0).confidence_interval(confidence)
    return Estimate(mean, float(found.low), float(found.high))


def share_interval(count: int, of: int, *, confidence: float = CONFIDENCE) -> Estimate:
    """A share of independent observations, with Wilson's interval.

    Source: Wilson (1927); `statsmodels.stats.proportion.proportion_confint`.
    """
    if not of:
        return Estimate(nan, nan, nan)
    proportion = library("statsmodels.stats.proportion")
    low, high = proportion.proportion_confint(count, of, alpha=1 - confidence, method="wilson")
    return Estimate(count / of, max(0.0, float(low)), min(1.0, float(high)))


def mean_difference(
    one: Sequence[float], other: Sequence[float], *, confidence: float = CONFIDENCE
) -> tuple[Estimate, float]:
    """Mean of `one` less mean of `other` for independent observations, with Welch's interval; and the p-value.

    Source: Welch (1947); `scipy.stats.ttest_ind`.
    """
    if not one or not other:
        return Estimate(nan, nan, nan), nan
    difference = sum(one) / len(one) - sum(other) / len(other)
    if min(len(one), len(other)) < 2:  # noqa: PLR2004 (a variance takes two)
        return Estimate(difference, nan, nan), nan
    if len({*one}) == len({*other}) == 1:
        return Estimate(difference, difference, difference), nan
    found = library("scipy.stats").ttest_ind(one, other, equal_var=False)
    interval = found.confidence_interval(confidence)
    return Estimate(difference, float(interval.low), float(interval.high)), float(found.pvalue)


def paired_difference(
    pairs: Sequence[tuple[float, float]], *, confidence: float = CONFIDENCE
) -> tuple[Estimate, float]:
    """Mean difference within pairs (first less second), such as forks and their parents; and the p-value.

    Source: Student (1908); `scipy.stats.ttest_1samp` of the differences.
    """
    differences = [first - second for first, second in pairs]
    found = mean_interval(differences, confidence=confidence)
    if isnan(found.low) or found.low == found.high:
        return found, nan
    return found, float(library("scipy.stats").ttest_1samp(differences, 0.0).pvalue)


def risk_difference(
    one: tuple[int, int], other: tuple[int, int], *, confidence: float = CONFIDENCE
) -> tuple[Estimate, float]:
    """A share less another, each given as (count, of), with Newcombe's interval; and Fisher's exact p-value.

    Source: Newcombe (1998), method 10; `statsmodels.stats.proportion.confint_proportions_2indep`,
    `scipy.stats.fisher_exact`.
    """
    if not one[1] or not other[1]:
        return Estimate(nan, nan, nan), nan
    proportion = library("statsmodels.stats.proportion")
    low, high = proportion.confint_proportions_2indep(
        *one, *other, method="newcomb", compare="diff", alpha=1 - confidence
    )
    table = [[count, of - count] for count, of in (one, other)]
    p = float(library("scipy.stats").fisher_exact(table).pvalue)
    return Estimate(one[0] / one[1] - other[0] / other[1], float(low), float(high)), p


def hedges_g(one: Sequence[float], other: Sequence[float], *, confidence: float = CONFIDENCE) -> Estimate:
    """The difference of two means in pooled standard deviations, corrected for small samples.

    NaN for fewer than two observations of either, or if neither varies. Source: Hedges (1981);
    `statsmodels.stats.meta_analysis.effectsize_smd`.
    """
    if min(len(one), len(other)) < 2 or len({*one}) == len({*other}) == 1:  # noqa: PLR2004 (a variance takes two)
        return Estimate(nan, nan, nan)
    numpy, stats = library("numpy"), library("scipy.stats")
    moments = [part for values in (one, other) for part in (numpy.mean(values), numpy.std(values, ddof=1), len(values))]
    g, variance = library("statsmodels.stats.meta_analysis").effectsize_smd(*moments)
    reach = float(stats.norm.ppf((1 + confidence) / 2)) * sqrt(float(variance))
    return Estimate(float(g), float(g) - reach, float(g) + reach)


def cliffs_delta(one: Sequence[float], other: Sequence[float], *, rng: Any, confidence: float = CONFIDENCE) -> Estimate:
    """How much likelier one of `one` is above one of `other` than below it, on [-1, 1]; interval by bootstrap.

    Source: Cliff (1993), from the U of `scipy.stats.mannwhitneyu`; percentiles of `scipy.stats.bootstrap`.
    """
    if not one or not other:
        return Estimate(nan, nan, nan)
    numpy, stats = library("numpy"), library("scipy.stats")

    def delta(first: Any, second: Any, axis: int = -1) -> Any:
        u = stats.mannwhitneyu(first, second, axis=axis, method="asymptotic").statistic
        return 2 * u / (first.shape[axis] * second.shape[axis]) - 1

    data = (numpy.asarray(one, dtype=float), numpy.asarray(other, dtype=float))
    found = float(delta(*data))
    if min(len(one), len(other)) < 2:  # noqa: PLR2004 (nothing to draw from)
        return Estimate(found, nan, nan)
    return Estimate(found, *_bootstrapped(data, delta, rng=rng, confidence=confidence, vectorized=True))


def bootstrap_interval(
    clusters: Sequence[Sequence[float]],
    statistic: Callable[[Any], float],
    *,
    rng: Any,
    confidence: float = CONFIDENCE,
) -> Estimate:
    """A statistic of all observations together; interval by drawing whole clusters, such as the agents of one run.

    Observations within a cluster may depend on each other; clusters may not. Source: Davison & Hinkley (1997),
    section 3.8; percentiles of `scipy.stats.bootstrap`.
    """
    numpy = library("numpy")
    held = [numpy.asarray(each, dtype=float) for each in clusters if len(each)]
    if not held:
        return Estimate(nan, nan, nan)
    found = float(statistic(numpy.concatenate(held)))
    if len(held) == 1:
        return Estimate(found, nan, nan)

    def redrawn(drawn: Any) -> float:
        return float(statistic(numpy.concatenate([held[each] for each in drawn])))

    return Estimate(found, *_bootstrapped((numpy.arange(len(held)),), redrawn, rng=rng, confidence=confidence))


def holm(p_values: Sequence[float]) -> list[float]:
    """p-values adjusted for how many there are, in their order; NaN stays and does not count.

    Source: Holm (1979); `statsmodels.stats.multitest.multipletests`.
    """
    counted = [p for p in p_values if not isnan(p)]
    if not counted:
        return [*p_values]
    adjusted = iter(library("statsmodels.stats.multitest").multipletests(counted, method="holm")[1])
    return [p if isnan(p) else float(next(adjusted)) for p in p_values]


def _bootstrapped(
    data: tuple[Any, ...], statistic: Callable[..., Any], *, rng: Any, confidence: float, vectorized: bool = False
) -> tuple[float, float]:
    found = library("scipy.stats").bootstrap(
        data,
        statistic,
        n_resamples=RESAMPLES,
        batch=_BATCH if vectorized else None,
        vectorized=vectorized,
        confidence_level=confidence,
        method="percentile",
        rng=rng,
    )
    return float(found.confidence_interval.low), float(found.confidence_interval.high)

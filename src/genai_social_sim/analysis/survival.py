"""Times until something happens, of which some were only seen in part: curves, restricted means, comparisons.

The run is the observation: `times` has one for each, `reached` whether it came to the event or was censored then.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import inf, nan, sqrt
from typing import Any, NamedTuple
from warnings import catch_warnings, simplefilter

from genai_social_sim.analysis.statistics import CONFIDENCE, Estimate, library


class Point(NamedTuple):
    """The share of runs that have not come to the event after `time`, with its interval; NaN where there is none."""

    time: float
    share: float
    low: float
    high: float


def curve(times: Sequence[float], reached: Sequence[bool], *, confidence: float = CONFIDENCE) -> list[Point]:
    """The survival curve: from (0, 1) on, a point for each time at which something happened or a run was censored.

    Source: Kaplan & Meier (1958), Greenwood's interval on the log-log scale; `scipy.stats.ecdf`.
    """
    if not times:
        return []
    found = _ecdf(times, reached).sf
    with catch_warnings():
        simplefilter("ignore", RuntimeWarning)  # where the share is 0 or 1 the formula gives NaN, as documented
        bounds = found.confidence_interval(confidence, method="log-log")
    rows = zip(found.quantiles, found.probabilities, bounds.low.probabilities, bounds.high.probabilities, strict=True)
    return [Point(0.0, 1.0, 1.0, 1.0), *[Point(*map(float, row)) for row in rows]]


def median(times: Sequence[float], reached: Sequence[bool]) -> float:
    """The first time after which at most half of the runs have not come to the event; infinite if there is none."""
    return next((point.time for point in curve(times, reached) if point.share <= 0.5), inf)  # noqa: PLR2004 (a half)


def horizon(groups: Sequence[tuple[Sequence[float], Sequence[bool]]]) -> float:
    """The last time up to which the curves of all groups, each as (times, reached), are known; 0 without any.

    A group whose last run came to the event has a curve of 0 from there on, and so is known for ever; one whose last
    run was censored is known up to then.

    Source: Tian et al. (2020), doi:10.1111/biom.13237.
    """
    last = [max(zip(times, [not each for each in reached], strict=True)) for times, reached in groups if times]
    censored = [time for time, is_censored in last if is_censored]
    return min(censored) if censored else max([time for time, _ in last], default=0.0)


def restricted_mean(
    times: Sequence[float], reached: Sequence[bool], *, until: float, confidence: float = CONFIDENCE
) -> Estimate:
    """The mean time to the event, or to `until` if that comes first: the area under the survival curve up to there.

    Source: Irwin (1949); Greenwood's variance of it in Klein & Moeschberger (2003), section 4.5, from the counts of
    `statsmodels.duration.survfunc.SurvfuncRight`; `until` should not lie beyond the last time that was seen.
    """
    if not times:
        return Estimate(nan, nan, nan)
    value, variance = _area(times, reached, until)
    reach = float(library("scipy.stats").norm.ppf((1 + confidence) / 2)) * sqrt(variance)
    return Estimate(value, value - reach, value + reach)


def restricted_mean_difference(
    one: tuple[Sequence[float], Sequence[bool]],
    other: tuple[Sequence[float], Sequence[bool]],
    *,
    until: float,
    confidence: float = CONFIDENCE,
) -> Estimate:
    """The restricted mean of `one` less that of `other`, each as (times, reached), for independent runs.

    Source: Royston & Parmar (2013), doi:10.1186/1471-2288-13-152.
    """
    if not one[0] or not other[0]:
        return Estimate(nan, nan, nan)
    (mine, variance), (theirs, variance_of_theirs) = (_area(*each, until) for each in (one, other))
    reach = float(library("scipy.stats").norm.ppf((1 + confidence) / 2)) * sqrt(variance + variance_of_theirs)
    return Estimate(mine - theirs, mine - theirs - reach, mine - theirs + reach)


def pseudo_times(clusters: Sequence[tuple[Sequence[float], Sequence[bool]]], *, until: float) -> list[float]:
    """One number for each cluster of runs that chance has in common: numbers whose mean is the restricted mean of all.

    Clusters are independent of each other where runs within one are not; so their pseudo-values can be compared like
    independent observations, or in pairs. That of a cluster is what it adds: n times the restricted mean of all runs
    less n - 1 times that without it, all of them moved so that their mean is the former. Without censored runs, and
    with as many runs in each, it is the mean of the cluster's times up to `until`.

    Source: Andersen, Hansen & Klein (2004), doi:10.1007/s10985-004-4771-0; whole clusters are left out as by Logan,
    Zhang & Klein (2011), doi:10.1111/j.1541-0420.2010.01416.x.
    """
    count = len(clusters)
    whole = _area(*_joined(clusters), until)[0]
    if count == 1:
        return [whole]
    without = [_area(*_joined([*clusters[:at], *clusters[at + 1 :]]), until)[0] for at in range(count)]
    mean = sum(without) / count
    return [whole - (count - 1) * (each - mean) for each in without]


def logrank(
    one: tuple[Sequence[float], Sequence[bool]], other: tuple[Sequence[float], Sequence[bool]]
) -> tuple[float, float]:
    """Chi squared (one degree of freedom) and p-value of no difference between two curves; NaN without an event.

    Source: Mantel (1966); `scipy.stats.logrank`.
    """
    if not any(one[1]) and not any(other[1]):
        return nan, nan
    found = library("scipy.stats").logrank(_censored(*one), _censored(*other))
    return float(found.statistic) ** 2, float(found.pvalue)


def _joined(clusters: Sequence[tuple[Sequence[float], Sequence[bool]]]) -> tuple[list[float], list[bool]]:
    return [time for times, _ in clusters for time in times], [each for _, reached in clusters for each in reached]


def _area(times: Sequence[float], reached: Sequence[bool], until: float) -> tuple[float, float]:
    """The area under the curve up to `until`, and its variance."""
    counted = library("statsmodels.duration.survfunc").SurvfuncRight([*times], [int(each) for each in reached])
    rows = [*zip(counted.surv_times, counted.surv_prob, counted.n_risk, counted.n_events, strict=True)]
    edges = [0.0, *[min(until, float(row[0])) for row in rows], until]
    heights = [1.0, *[float(row[1]) for row in rows]]
    areas = [height * max(0.0, edges[at + 1] - edges[at]) for at, height in enumerate(heights)]
    variance = 0.0
    for at, (time, _, risk, events) in enumerate(rows):
        if time <= until and risk > events:
            variance += sum(areas[at + 1 :]) ** 2 * float(events) / (float(risk) * float(risk - events))
    return sum(areas), variance


def _censored(times: Sequence[float], reached: Sequence[bool]) -> Any:
    return library("scipy.stats").CensoredData.right_censored([*times], [not each for each in reached])


def _ecdf(times: Sequence[float], reached: Sequence[bool]) -> Any:
    return library("scipy.stats").ecdf(_censored(times, reached))

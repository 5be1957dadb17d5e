"""Statistics against published examples: papers' tables, and what R's documentation prints."""

from __future__ import annotations

from math import inf, isnan, nan
from random import Random

import numpy as np
import pytest
import scipy.stats

from genai_social_sim.analysis import modelling, statistics, survival

# R's data set `sleep` (Student 1908): hours of extra sleep, ten people, two drugs.
FIRST = [0.7, -1.6, -0.2, -1.2, -0.1, 3.4, 3.7, 0.8, 0.0, 2.0]
SECOND = [1.9, 0.8, 1.1, 0.1, -0.1, 4.4, 5.5, 1.6, 4.6, 3.4]
# R's data set `survival::aml` (Miller 1997): weeks in remission, with and without maintenance; False is censored.
MAINTAINED = [9, 13, 13, 18, 23, 28, 31, 34, 45, 48, 161]
MAINTAINED_REACHED = [True, True, False, True, True, False, True, True, False, True, False]
NOT_MAINTAINED = [5, 5, 8, 8, 12, 16, 23, 27, 30, 33, 43, 45]
NOT_MAINTAINED_REACHED = [True] * 5 + [False] + [True] * 6


@pytest.mark.parametrize(
    ("count", "of", "low", "high"),  # Newcombe (1998), Statistics in Medicine 17, 857, table I, method 3
    [(81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0.0, 0.1611), (1, 29, 0.0061, 0.1718)],
)
def test_wilsons_interval_is_that_of_newcombes_table(count: int, of: int, low: float, high: float) -> None:
    found = statistics.share_interval(count, of)
    assert found == pytest.approx((count / of, low, high), abs=5e-5)


@pytest.mark.parametrize(
    ("one", "other", "low", "high"),  # Newcombe (1998), Statistics in Medicine 17, 873, table II, method 10
    [((56, 70), (48, 80), 0.0524, 0.3339), ((9, 10), (3, 10), 0.1705, 0.8090), ((6, 7), (2, 7), 0.0582, 0.8062)],
)
def test_a_risk_difference_is_that_of_newcombes_table(
    one: tuple[int, int], other: tuple[int, int], low: float, high: float
) -> None:
    found, _ = statistics.risk_difference(one, other)
    assert found[1:] == pytest.approx((low, high), abs=5e-5)


def test_fishers_exact_test_is_that_of_the_tea_taster() -> None:
    # R, ?fisher.test, "TeaTasting" two-sided: p = 0.4857.
    assert statistics.risk_difference((3, 4), (1, 4))[1] == pytest.approx(0.4857, abs=5e-5)


def test_welchs_interval_is_what_r_prints() -> None:
    # R: t.test(extra ~ group, data = sleep)
    found, p = statistics.mean_difference(FIRST, SECOND)
    assert found == pytest.approx((-1.58, -3.3654832, 0.2054832), abs=5e-8)
    assert p == pytest.approx(0.07939, abs=5e-6)


def test_a_paired_difference_is_what_r_prints() -> None:
    # R: t.test(sleep2$extra.1, sleep2$extra.2, paired = TRUE)
    found, p = statistics.paired_difference([*zip(FIRST, SECOND, strict=True)])
    assert found == pytest.approx((-1.58, -2.4598858, -0.7001142), abs=5e-8)
    assert p == pytest.approx(0.002833, abs=5e-7)


def test_hedges_g_is_that_of_the_textbook() -> None:
    # Borenstein et al. (2009), Introduction to Meta-Analysis, chapter 4: means 103 and 100, SD 5.5 and 4.5, 50 each.
    def exactly(mean: float, sd: float) -> list[float]:
        away = sd * (49 / 50) ** 0.5
        return [mean - away] * 25 + [mean + away] * 25

    found = statistics.hedges_g(exactly(103, 5.5), exactly(100, 4.5))
    assert found.value == pytest.approx(0.5924, abs=5e-5)
    assert (found.high - found.low) / 2 / 1.96 == pytest.approx(0.0411**0.5, rel=0.02)


def test_cliffs_delta_is_that_of_rs_example() -> None:
    # R, effsize, ?cliff.delta: -0.25, with the analytic interval (-0.727, 0.389).
    treated, control = [10, 10, 20, 20, 20, 30, 30, 30, 40, 50], [10, 20, 30, 40, 40, 50]
    found = statistics.cliffs_delta(treated, control, rng=np.random.default_rng(1))
    assert found.value == pytest.approx(-0.25)
    assert found.low == pytest.approx(-0.727, abs=0.15)
    assert found.high == pytest.approx(0.389, abs=0.15)


@pytest.mark.parametrize(("one", "other", "delta"), [([1, 2], [3, 4], -1), ([3, 4], [1, 2], 1), ([1, 2], [1, 2], 0)])
def test_cliffs_delta_of_samples_apart_is_all_or_nothing(one: list[float], other: list[float], delta: float) -> None:
    assert statistics.cliffs_delta(one, other, rng=np.random.default_rng(1)).value == delta


def test_holm_adjusts_as_r_does() -> None:
    # R: p.adjust(c(0.01, 0.02, 0.03, 0.04, 0.05), "holm")
    assert statistics.holm([0.01, 0.02, 0.03, 0.04, 0.05]) == pytest.approx([0.05, 0.08, 0.09, 0.09, 0.09])


def test_a_test_that_was_not_made_does_not_count_for_holm() -> None:
    found = statistics.holm([nan, 0.01, nan, 0.04])
    assert [isnan(p) for p in found] == [True, False, True, False]
    assert [found[1], found[3]] == pytest.approx([0.02, 0.04])


def test_an_interval_over_clusters_knows_that_their_members_are_alike() -> None:
    # 30 runs of 20 agents that all say the same: as good as 30 observations, not 600.
    draw = Random(1)
    runs = [[draw.gauss(0, 1)] * 20 for _ in range(30)]
    means = [run[0] for run in runs]
    found = statistics.bootstrap_interval(runs, np.mean, rng=np.random.default_rng(2))
    by_runs = statistics.mean_interval(means)
    assert found.value == pytest.approx(by_runs.value)
    assert found.high - found.low == pytest.approx(by_runs.high - by_runs.low, rel=0.15)


def test_the_same_generator_gives_the_same_interval() -> None:
    runs = [[1.0, 2.0], [2.0, 5.0], [0.0, 1.0]]
    one, other = (statistics.bootstrap_interval(runs, np.mean, rng=np.random.default_rng(7)) for _ in range(2))
    assert one == other


@pytest.mark.parametrize("values", [[], [3.0]])
def test_too_few_observations_have_no_interval(values: list[float]) -> None:
    found = statistics.mean_interval(values)
    assert all([isnan(found.low), isnan(found.high)])
    assert isnan(statistics.hedges_g(values, [1.0, 2.0]).value)
    assert isnan(statistics.mean_difference(values, [1.0, 2.0])[1])


def test_the_survival_curve_is_what_r_prints() -> None:
    # R: summary(survfit(Surv(time, status) ~ x, data = aml)), x = Maintained
    found = {point.time: point.share for point in survival.curve(MAINTAINED, MAINTAINED_REACHED)}
    printed = {0: 1, 9: 0.909, 13: 0.818, 18: 0.716, 23: 0.614, 31: 0.491, 34: 0.368, 48: 0.184}
    assert {time: found[time] for time in printed} == pytest.approx(printed, abs=5e-4)
    assert survival.median(MAINTAINED, MAINTAINED_REACHED) == 31
    assert survival.median(NOT_MAINTAINED, NOT_MAINTAINED_REACHED) == 23


def test_restricted_means_are_what_r_prints() -> None:
    # R: print(survfit(Surv(time, status) ~ x, data = aml), print.rmean = TRUE): 52.6 (19.83) and 22.7 (4.18), to 161
    for times, reached, mean, error in (
        (MAINTAINED, MAINTAINED_REACHED, 52.6, 19.83),
        (NOT_MAINTAINED, NOT_MAINTAINED_REACHED, 22.7, 4.18),
    ):
        found = survival.restricted_mean(times, reached, until=161)
        assert found.value == pytest.approx(mean, abs=0.05)
        assert (found.high - found.low) / 2 / scipy.stats.norm.ppf(0.975) == pytest.approx(error, abs=0.005)


def test_the_log_rank_test_is_what_r_prints() -> None:
    # R: survdiff(Surv(time, status) ~ x, data = aml): chi squared 3.4 on 1 degree of freedom, p = 0.07
    chi, p = survival.logrank((MAINTAINED, MAINTAINED_REACHED), (NOT_MAINTAINED, NOT_MAINTAINED_REACHED))
    assert chi == pytest.approx(3.4, abs=0.05)
    assert p == pytest.approx(0.07, abs=0.005)


def test_without_censoring_the_restricted_mean_is_the_mean_of_what_came_before() -> None:
    times = [2.0, 4.0, 6.0, 20.0]
    found = survival.restricted_mean(times, [True] * 4, until=10)
    assert found.value == pytest.approx((2 + 4 + 6 + 10) / 4)


def test_where_nothing_happens_there_is_no_median_and_no_test() -> None:
    assert survival.median([5, 5], [False, False]) == inf
    assert survival.restricted_mean([5, 5], [False, False], until=5) == (5, 5, 5)
    assert all(isnan(each) for each in survival.logrank(([5.0], [False]), ([5.0], [False])))


def test_a_mixed_model_parts_the_variance_as_the_analysis_of_variance_does() -> None:
    # Balanced, one way: the residual variance is the mean square within, that of groups (MSB - MSW) / n.
    draw, runs, agents = Random(8), 12, 6
    rows = []
    for run in range(runs):
        own = draw.gauss(0, 2)
        rows += [{"run": run, "value": 5 + own + draw.gauss(0, 1)} for _ in range(agents)]
    groups = [[row["value"] for row in rows if row["run"] == run] for run in range(runs)]
    within = np.mean([np.var(group, ddof=1) for group in groups])
    between = (agents * np.var([np.mean(group) for group in groups], ddof=1) - within) / agents
    found = modelling.mixed_model(rows, "value ~ 1")
    assert found.converged
    assert (found.within, found.between) == pytest.approx((within, between), rel=1e-3)
    assert found.effects["Intercept"].value == pytest.approx(np.mean([row["value"] for row in rows]), rel=1e-6)


def test_power_from_a_pilot_is_what_the_formula_gives() -> None:
    # Two normal samples half a standard deviation apart, 64 each: power .80 (Cohen 1988, table 2.3.5).
    quantiles = [float(each) for each in scipy.stats.norm.ppf((np.arange(400) + 0.5) / 400)]
    found = modelling.power(quantiles, [each + 0.5 for each in quantiles], replicates=64, rng=np.random.default_rng(3))
    assert found.low < 0.80 < found.high

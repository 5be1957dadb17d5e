"""Groups of runs compared: which numbers stand for a run, what is paired, and what comes of it."""

from __future__ import annotations

from dataclasses import replace
from math import isnan
from typing import Any

import numpy
import pytest
import scipy.stats
from tests.unit.analysis.runs import votes

from genai_social_sim.analysis import comparison, statistics, survival
from genai_social_sim.analysis.comparison import Question, compare
from genai_social_sim.analysis.run_value import RunValue, run_values
from genai_social_sim.domain.origin import Assignment, Origin, Parent
from genai_social_sim.errors import RequestError
from genai_social_sim.export.source import Source

SCALE = {"kind": "rate", "scale": [-2, -1, 0, 1, 2]}
RED, MIXED = [["red", "red", "red"]], [["red", "red", "blue"]]


def of(condition: str, replicate: int, source: Source, **levels: str) -> Source:
    assignment = Assignment(condition=condition, replicate=replicate, levels=levels)
    label = f"{condition}{replicate}{''.join(levels.values())}"
    return replace(source, run=label, origin=Origin(id=label, assignment=assignment))


def fork(label: str, parent: Source, source: Source, *changes: str) -> Source:
    made = Parent(id=parent.origin.id, run=parent.run, at_turn=1, changes=changes)
    return replace(source, run=label, origin=Origin(id=label, parent=made))


def values(sources: list[Source], measure: str = "agreement", **how: Any) -> list[Any]:
    (found,) = run_values(sources, [measure], **how).values()
    return [(each.group, each.value) for each in found]


def question(**groups: list[float]) -> Question:
    each = [RunValue(run="r", group=group, value=value) for group, found in groups.items() for value in found]
    return Question(measure="m", values=tuple(each))


def paired(one: list[float], other: list[float]) -> Question:
    made = [("one", one), ("other", other)]
    found = [
        RunValue(run="r", group=group, value=value, pair=(str(at),))
        for group, numbers in made
        for at, value in enumerate(numbers)
    ]
    return Question(measure="m", values=tuple(found))


def test_a_run_stands_in_the_group_of_its_condition() -> None:
    sources = [of("plain", 0, votes(RED)), of("loud", 0, votes(MIXED))]
    assert values(sources) == [("plain", 1), ("loud", pytest.approx(2 / 3))]


def test_runs_of_different_studies_are_not_pooled_for_their_conditions_name() -> None:
    one, other = of("plain", 0, votes(RED)), of("plain", 1, votes([["red", "blue"]], "ada bo"))
    (first, second) = run_values([one, other], ["agreement"])["agreement", "hall"]
    assert (first.group[:13], first.value) == ("plain (study ", 1)
    assert (second.group[:13], second.value) == ("plain (study ", 0.5)
    assert first.group != second.group


def test_the_last_round_stands_for_a_run_unless_another_one_is_named() -> None:
    sources = [of("plain", 0, votes([*MIXED, *RED, ["red", "blue", "green"]]))]
    assert values(sources) == [("plain", pytest.approx(1 / 3))]
    assert values(sources, at="first") == [("plain", pytest.approx(2 / 3))]
    assert values(sources, at=1) == [("plain", 1)]
    assert values(sources, at="mean") == [("plain", pytest.approx(2 / 3))]


def test_agents_values_are_averaged() -> None:
    sources = [of("plain", 0, votes([["1", "2", "0"], ["2", "2", "0"]], act=SCALE))]
    assert values(sources, "opinion_shift") == [("plain", pytest.approx(1 / 3))]


def test_levels_of_a_factor_are_groups_and_runs_of_one_seed_one_observation() -> None:
    sources = [
        of("ab", 0, votes(RED), framing="a", network="b"),
        of("ac", 0, votes(MIXED), framing="a", network="c"),
        of("db", 0, votes(MIXED), framing="d", network="b"),
    ]
    (found,) = run_values(sources, ["agreement"], by="framing").values()
    assert [(each.group, each.runs) for each in found] == [("a", 2), ("d", 1)]
    assert [each.value for each in found] == pytest.approx([5 / 6, 2 / 3])


def test_a_factor_that_is_not_there_is_told_with_those_that_are() -> None:
    with pytest.raises(RequestError, match=r"no factor 'frame'.*The factors are: framing"):
        values([of("a", 0, votes(RED), framing="a")], by="frame")


def test_a_run_without_the_factor_stands_behind_the_levels_in_the_group_of_its_condition() -> None:
    sources = [of("no_interaction", 0, votes(MIXED)), of("framing=a", 0, votes(RED), framing="a")]
    assert values(sources, by="framing") == [("a", 1), ("no_interaction", pytest.approx(2 / 3))]


def test_levels_of_different_studies_are_not_pooled() -> None:
    one, other = (of("x", at, votes([["red", "red"]], who), framing="a") for at, who in enumerate(["ada bo", "ada cy"]))
    with pytest.raises(RequestError, match=r"different studies: x0a of .*, x1a of .*leave --by out"):
        values([one, other], by="framing")
    assert [group[:9] for group, _ in values([one, other])] == ["x (study ", "x (study "]


def test_a_fork_is_no_replicate() -> None:
    parent = of("plain", 0, votes(RED))
    assert values([parent, fork("f", parent, votes(MIXED), "say ada=blue")]) == [("plain", 1)]


def test_forks_stand_beside_their_parents_and_several_of_one_are_one() -> None:
    parents = [of("plain", at, votes(RED)) for at in range(2)]
    forks = [fork(f"f{at}{n}", each, votes(MIXED), "mute bo") for at, each in enumerate(parents) for n in range(3)]
    (found,) = run_values([*parents, *forks], ["agreement"], forks=True).values()
    assert [(each.group, each.pair, each.runs) for each in found] == [
        ("parent", ("plain0",), 1),
        ("parent", ("plain1",), 1),
        ("mute bo", ("plain0",), 3),
        ("mute bo", ("plain1",), 3),
    ]


def test_without_a_fork_there_is_nothing_to_compare_as_forks() -> None:
    with pytest.raises(RequestError, match="none of these runs is a fork"):
        values([of("plain", 0, votes(RED))], forks=True)


def test_a_time_to_consensus_knows_whether_it_was_reached() -> None:
    sources = [of("plain", 0, votes([*MIXED, *RED])), of("plain", 1, votes(MIXED * 3))]
    (found,) = run_values(sources, ["consensus_time"]).values()
    assert [(each.value, each.reached) for each in found] == [(2, True), (3, False)]


def test_means_are_compared_by_welch_and_adjusted_by_holm() -> None:
    one, other, third = [1.0, 2.0, 4.0, 3.5], [4.0, 6.0, 5.0], [1.0, 2.5, 3.0]
    base, first, second = compare([question(one=one, other=other, third=third)])
    assert base.effect is None
    assert base.estimate == statistics.mean_interval(one)
    assert first.effect is not None
    assert second.effect is not None
    expected = [float(scipy.stats.ttest_ind(each, one, equal_var=False).pvalue) for each in (other, third)]
    assert [first.effect.p, second.effect.p] == pytest.approx(expected)
    assert [first.effect.p_holm, second.effect.p_holm] == pytest.approx(statistics.holm(expected))
    assert not first.effect.paired


def test_runs_with_the_same_seeds_are_compared_in_pairs() -> None:
    one, other = [1.0, 5.0, 9.0], [2.1, 6.0, 9.9]
    _, row = compare([paired(one, other)])
    assert row.effect is not None
    assert row.effect.paired
    assert row.effect.p == pytest.approx(float(scipy.stats.ttest_rel(other, one).pvalue))
    assert row.effect.difference.value == pytest.approx(1)


def test_values_of_nought_and_one_are_shares() -> None:
    _, row = compare([question(one=[1.0] * 48 + [0.0] * 32, other=[1.0] * 56 + [0.0] * 14)])
    assert row.kind == "share"
    assert row.effect is not None
    assert row.effect.difference == pytest.approx((0.2, 0.0524, 0.3339), abs=5e-5)  # Newcombe (1998)


def times(group: str, *found: tuple[float, bool]) -> list[RunValue]:
    return [RunValue(run="r", group=group, value=time, reached=reached) for time, reached in found]


def test_times_are_compared_as_far_as_all_curves_are_known() -> None:
    # `one` is known up to 10, where its last run was censored; `other` has come to its end at 8 and is 0 from there on.
    one = times("one", (2, True), (4, True), (10, False))
    other = times("other", (6, True), (8, True), (8, True))
    _, row = compare([Question(measure="consensus_time", values=(*one, *other))])
    assert row.kind == "time"
    assert row.effect is not None
    assert row.effect.difference.value == pytest.approx((6 + 8 + 8) / 3 - (2 + 4 + 10) / 3)
    assert row.median == 8


def test_times_that_all_came_to_an_end_are_compared_by_their_means() -> None:
    one, other = times("one", (2, True), (4, True)), times("other", (2, True), (40, True), (60, True))
    first, second = compare([Question(measure="consensus_time", values=(*one, *other))])
    assert (first.estimate.value, second.estimate.value) == pytest.approx((3, 34))


def by_seed(group: str, *seeds: list[tuple[float, bool]]) -> list[RunValue]:
    return [
        RunValue(run="r", group=group, value=time, reached=reached, pair=(str(seed),))
        for seed, found in enumerate(seeds)
        for time, reached in found
    ]


def test_times_of_runs_with_one_seed_are_one_observation() -> None:
    runs = [[2.0, 4.0, 3.0], [9.0, 7.0, 8.0], [5.0, 5.0, 2.0], [6.0, 8.0, 4.0]]
    (row,) = compare(
        [Question(measure="t", values=tuple(by_seed("all", *[[(t, True) for t in each] for each in runs])))]
    )
    assert (row.runs, row.observations, row.kind) == (12, 4, "time")
    means = [sum(each) / 3 for each in runs]  # nothing is censored: Student's interval of the seeds' means
    expected = scipy.stats.ttest_1samp(means, 0).confidence_interval(0.95)
    assert row.estimate == pytest.approx((sum(means) / 4, expected.low, expected.high))


def test_times_with_the_same_seeds_are_compared_in_pairs() -> None:
    one, other = [2.0, 9.0, 5.0, 6.0], [3.0, 11.0, 5.5, 8.0]
    values = [*by_seed("one", *[[(t, True)] for t in one]), *by_seed("other", *[[(t, True)] for t in other])]
    first, second = compare([Question(measure="t", values=tuple(values))])
    assert first.estimate.low == pytest.approx(5.5 - 1.959964 * (sum((t - 5.5) ** 2 for t in one) / 4 / 4) ** 0.5)
    assert second.effect is not None
    assert second.effect.paired
    test = scipy.stats.ttest_rel(other, one)
    interval = test.confidence_interval(0.95)
    assert second.effect.difference == pytest.approx((5.5 / 4, interval.low, interval.high))
    assert second.effect.p == pytest.approx(test.pvalue)


def test_what_a_censored_seed_adds_is_worked_out_by_leaving_it_out() -> None:
    """All: a curve of 1 to 2, 3/4 to 3, 1/2 to 5. Without the first seed 1 to 3, then 1/2; without the other 1 to 2."""
    (row,) = compare(
        [Question(measure="t", values=tuple(by_seed("a", [(2, True), (4, False)], [(3, True), (5, True)])))]
    )
    assert row.estimate.value == pytest.approx(2 + 0.75 + 2 * 0.5)
    added = [2 * 3.75 - (3 + 2 * 0.5), 2 * 3.75 - (2 + 3 * 0.5)]
    expected = scipy.stats.ttest_1samp(added, 0).confidence_interval(0.95)
    assert (row.estimate.low, row.estimate.high) == pytest.approx((expected.low, expected.high))


def test_a_seed_alone_has_no_interval_however_many_runs_it_has() -> None:
    (row,) = compare([Question(measure="t", values=tuple(by_seed("a", [(2, True), (4, False), (3, True)])))])
    assert row.observations == 1
    assert isnan(row.estimate.low)


def test_the_variance_by_seeds_is_that_of_an_infinitesimal_jackknife() -> None:
    """As R's survfit has it with clusters: each run's influence on the curve, summed by seed."""
    rng = numpy.random.default_rng(3)
    common = rng.normal(size=60)
    drawn = numpy.ceil(numpy.exp(2.2 + 0.7 * numpy.repeat(common, 3) + 0.4 * rng.normal(size=180)))
    times, reached = numpy.minimum(drawn, 20.0), drawn <= 20
    runs = [[(float(times[at]), bool(reached[at])) for at in range(3 * seed, 3 * seed + 3)] for seed in range(60)]
    (row,) = compare([Question(measure="t", values=tuple(by_seed("a", *runs)))])
    variance = _influence(times, reached).reshape(60, 3).sum(axis=1).var(ddof=1) * 60
    reach = scipy.stats.t.ppf(0.975, 59) * variance**0.5
    assert row.estimate.high - row.estimate.value == pytest.approx(reach, rel=0.03)
    alone = survival.restricted_mean([*times], [*reached], until=20)  # as if all were independent
    assert alone.high - alone.value < 0.8 * reach


def _influence(times: Any, reached: Any) -> Any:
    """What each run adds to the restricted mean up to the last time: minus the area to come times its residuals."""
    grid = numpy.unique(times[reached])
    risk, events = ((times[:, None] >= grid).sum(axis=0), (times[reached][:, None] == grid).sum(axis=0))
    curve = numpy.cumprod(1 - events / risk)
    edges = numpy.append(grid, times.max())
    to_come = numpy.cumsum((curve * numpy.diff(edges))[::-1])[::-1]
    own = (times[:, None] == grid) & reached[:, None]
    expected = (times[:, None] >= grid) * (events / risk)
    return -((own - expected) / (risk - events) * to_come).sum(axis=1)


def test_a_named_baseline_comes_first() -> None:
    asked = replace(question(one=[1.0, 2.0], other=[3.0, 4.0]), baseline="other")
    assert [row.group for row in compare([asked])] == ["other", "one"]


def test_the_table_holds_no_value_where_there_is_no_number() -> None:
    rows = comparison.table(compare([question(one=[1.0], other=[2.0])])).rows()
    assert [(row["difference"], row["difference_low"], row["p"]) for row in rows] == [
        (None, None, None),
        (1, None, None),
    ]
    assert [column.name for column in comparison.COLUMNS] == list(rows[0])


def test_one_group_alone_has_an_estimate() -> None:
    (row,) = compare([question(one=[1.0, 2.0, 3.0])])
    assert (row.estimate.value, row.sd, row.median, row.runs) == (2, 1, 2, 3)


def test_the_same_runs_have_the_same_intervals() -> None:
    asked = question(one=[1.0, 2.0, 4.0], other=[4.0, 6.0, 5.0])
    assert compare([asked]) == compare([asked])

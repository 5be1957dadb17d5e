"""Conditions side by side, as the API tells them, and the intervals over runs."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from statistics import mean

import pytest
from scipy import stats
from tests.support.designs import VOTES, played
from tests.support.pages import Site, served

from genai_social_sim import Run
from genai_social_sim.web.interval import interval


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[Run]]:
    return played(tmp_path_factory.mktemp("runs"))


@pytest.fixture(scope="module")
def site(runs: dict[str, list[Run]]) -> Iterator[Site]:
    with served(next(iter(runs.values()))[0].path.parent) as site:
        site.whole("/runs")
        yield site


@pytest.mark.parametrize("count", [2, 3, 4, 5, 10, 31, 200])
def test_the_interval_is_students(count: int) -> None:
    values = [float(value**2 % 17) for value in range(count)]
    own = interval(values)
    theirs = stats.ttest_1samp(values, 0.0).confidence_interval(0.95)
    assert list(own[1:]) == pytest.approx([theirs.low, theirs.high])


def test_one_run_has_no_interval() -> None:
    assert interval([2.0]) == (2.0, None, None)


def test_each_condition_has_the_mean_of_its_runs(site: Site, runs: dict[str, list[Run]]) -> None:
    found = site.whole("/conditions?study=votes&of=said&category=for")
    assert found["categories"] == ["against", "for"]
    assert [each["condition"] for each in found["conditions"]] == [*runs]
    for each in found["conditions"]:
        finals = [_share(run, "for") for run in runs[each["condition"]]]
        assert each["mean"][-1] == pytest.approx(mean(finals), abs=1e-5)
        assert [line[-1] for line in each["lines"]] == pytest.approx(finals, abs=1e-5)
        assert (each["count"][-1], each["runs"]) == (3, [run.path.stem for run in runs[each["condition"]]])


def _share(run: Run, choice: str) -> float:
    last = {row["speaker"]: row["text"] for row in run.utterances if row["turn"] is not None}
    return sum(text == choice for text in last.values()) / len(last)


def test_measures_of_whole_runs_are_means_over_runs_with_what_differs_most_first(
    site: Site, runs: dict[str, list[Run]]
) -> None:
    found = site.whole("/conditions/measures?study=votes")
    apart = [each["apart"] for each in found["measures"] if each["apart"] is not None]
    assert apart == sorted(apart, reverse=True)
    row = next(each for each in found["measures"] if each["measure"] == "utterance_gini")
    for condition, value in zip(found["conditions"], row["values"], strict=True):
        own = [_of_run(run, "utterance_gini") for run in runs[condition]]
        assert (value["mean"], value["count"]) == (pytest.approx(mean(own)), 3)


def test_times_to_consensus_are_averaged_only_if_all_runs_came_to_it(site: Site, tmp_path: Path) -> None:
    shown = {each["measure"]: each["values"] for each in site.whole("/conditions/measures?study=votes")["measures"]}
    assert min(value["mean"] for value in shown["consensus_reached"]) < 1
    assert "consensus_time" not in shown
    agreed = played(tmp_path, VOTES.replace("{for: 0.5, against: 0.5}", "{for: 1.0}"))
    with served(tmp_path) as whole:
        whole.whole("/runs")
        found = whole.whole("/conditions/measures?study=votes")["measures"]
    (times,) = [each["values"] for each in found if each["measure"] == "consensus_time"]
    assert [(value["mean"], value["count"]) for value in times] == [(1, len(each)) for each in agreed.values()]


def _of_run(run: Run, measure: str) -> float:
    (value,) = [float(str(row["value"])) for row in run.measure(measure) if row["scope"] == "run"]
    return value


def test_a_fork_is_no_replicate(tmp_path: Path) -> None:
    run = played(tmp_path)["topology=lattice"][0]
    run.fork(at_turn=5)
    with served(tmp_path) as site:
        site.whole("/runs")
        found = site.whole("/conditions?study=votes")
    assert [len(each["runs"]) for each in found["conditions"]] == [3, 3]


def test_a_study_that_is_not_there_is_not_found(site: Site) -> None:
    assert site.ask("/api/conditions?study=none").status == 404

"""What agents stated last, how it changes, and where two runs part, as the API tells it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from statistics import mean, stdev

import pytest
from tests.support.pages import Site, play, served

from genai_social_sim import Run

STUDY = """
name: votes
seed: 2
model: {backend: scripted, choose: true}
agents: [{name: ada}, {name: bo}, {name: cy}]
channels: {hall: {act: {kind: rate, scale: [1, 2, 3, 4, 5]}}}
probes:
  - {name: mood, every: 1 round, choose: [calm, angry], text: "How are you?"}
stop: {turns: 30}
"""


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    folder = tmp_path_factory.mktemp("runs")
    play(folder, STUDY)
    with served(folder) as site:
        yield site


@pytest.fixture
def run(site: Site) -> Iterator[Run]:
    (path,) = site.folder.glob("*.sqlite")
    with Run(path) as run:
        yield run


@pytest.mark.parametrize("turn", [0, 1, 4, 17, 30])
def test_each_has_what_it_said_last_before_a_turn(site: Site, run: Run, turn: int) -> None:
    last = {row["speaker"]: float(str(row["choice"])) for row in run.utterances if int(str(row["turn"])) < turn}
    found = site.api(f"/runs/{run.path.stem}/states?turn={turn}")
    assert found["values"] == [last.get(name) for name in ("ada", "bo", "cy")]


def test_answers_to_a_probe_are_categories(site: Site, run: Run) -> None:
    last = {row["agent"]: row["choice"] for row in run.probes}
    found = site.api(f"/runs/{run.path.stem}/states?of=mood&turn=30")
    assert found["categories"] == ["angry", "calm"]
    assert [found["categories"][value] for value in found["values"]] == [last[name] for name in ("ada", "bo", "cy")]


def test_the_course_ends_with_the_mean_and_spread_of_what_was_said_last(site: Site, run: Run) -> None:
    last = {row["speaker"]: float(str(row["choice"])) for row in run.utterances}
    course = site.api(f"/runs/{run.path.stem}/course")
    assert (course["turns"][-1], course["count"][-1]) == (30, 3)
    assert course["mean"][-1] == pytest.approx(mean(last.values()))
    assert course["spread"][-1] == pytest.approx(stdev(last.values()))


def test_the_course_of_categories_has_their_shares(site: Site, run: Run) -> None:
    course = site.api(f"/runs/{run.path.stem}/course?of=mood")
    assert all(sum(shares) == pytest.approx(1, abs=1e-5) for shares in course["shares"])


def test_the_trend_counts_every_turn_once(site: Site, run: Run) -> None:
    trend = site.api(f"/runs/{run.path.stem}/trend")
    assert sum(trend["count"]) == 30
    tokens = sum(count * each for count, each in zip(trend["count"], trend["tokens"], strict=True))
    assert tokens == pytest.approx(sum(int(str(row["tokens"])) for row in run.table("turns")))


def test_measures_are_those_of_gss_measure(site: Site, run: Run) -> None:
    found = {(row["measure"], row["of"]): row["value"] for row in site.api(f"/runs/{run.path.stem}/measures")["values"]}
    own = {(row["measure"], row["of"]): row["value"] for row in run.measures if row["scope"] == "run"}
    assert found == own


def test_two_runs_part_where_their_transcripts_do(tmp_path: Path) -> None:
    parent = play(tmp_path, STUDY)
    with Run(parent) as run:
        fork = run.fork(at_turn=12, say={"ada": "5" if run.utterances.rows()[12]["choice"] != "5" else "1"}).path
    with served(tmp_path) as site:
        found = site.api(f"/compare?a={parent.stem}&b={fork.stem}")
        same = site.api(f"/compare?a={parent.stem}&b={parent.stem}")
    assert (found["same"], found["turn"], found["settings"]) == (False, 12, [])
    assert (found["a"]["agent"], found["b"]["agent"]) == ("ada", "ada")
    assert found["a"]["text"] != found["b"]["text"]
    assert same["same"]


def test_what_was_set_differently_is_named_by_its_path(tmp_path: Path) -> None:
    one, other = play(tmp_path, STUDY), play(tmp_path, STUDY.replace("turns: 30", "turns: 12"))
    with served(tmp_path) as site:
        found = site.api(f"/compare?a={one.stem}&b={other.stem}")
    assert [(row["path"], row["a"], row["b"]) for row in found["settings"]] == [("stop.turns", 30, 12)]
    assert found["turn"] == 12

"""Networks whose edges change, and who moved whom, as the API tells them."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest
from tests.support.designs import REWIRED
from tests.support.pages import Site, play, served

from genai_social_sim import Run


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Run]:
    with Run(play(tmp_path_factory.mktemp("runs"), REWIRED)) as run:
        yield run


@pytest.fixture(scope="module")
def site(run: Run) -> Iterator[Site]:
    with served(run.path.parent) as site:
        yield site


def edges_of(network: dict[str, Any]) -> set[frozenset[str]]:
    ends = zip(network["speakers"], network["listeners"], strict=True)
    return {frozenset([network["nodes"][one], network["nodes"][other]]) for one, other in ends}


@pytest.mark.parametrize("turn", [0, 23, 24, 25, 47, 48, 72])
def test_the_edges_of_a_turn_are_those_of_the_table(site: Site, run: Run, turn: int) -> None:
    network = site.api(f"/runs/{run.path.stem}/network?turn={turn}")
    there = [
        row
        for row in run.table("edges")
        if int(str(row["from_turn"])) <= turn and (row["until_turn"] is None or turn < int(str(row["until_turn"])))
    ]
    assert edges_of(network) == {frozenset([str(row["speaker"]), str(row["listener"])]) for row in there}
    assert network["changes"] == [24, 48]
    assert network["since"] == turn // 24 * 24 if turn < 72 else 48


def test_nobody_moves_when_edges_change(site: Site, run: Run) -> None:
    places = [site.api(f"/runs/{run.path.stem}/network?turn={turn}")["places"] for turn in (0, 30, 60)]
    assert places[0] == places[1] == places[2]


def test_where_all_hear_all_edges_that_are_removed_are_missing(tmp_path: Path) -> None:
    study = REWIRED.replace("network: ring\n", "").split("  - {at: round 4")[0] + "stop: {rounds: 4}\n"
    with Run(play(tmp_path, study)) as run, served(tmp_path) as site:
        agents = [str(row["agent"]) for row in run.table("agents")]
        before = site.api(f"/runs/{run.path.stem}/network")
        after = site.api(f"/runs/{run.path.stem}/network?turn=30")
    assert edges_of(before) == set(map(frozenset, combinations(agents, 2)))
    parties = dict(zip(after["nodes"], after["attributes"]["party"], strict=True))
    assert edges_of(after) == {each for each in edges_of(before) if len({parties[name] for name in each}) == 1}


def test_influence_is_that_of_the_measure(site: Site, run: Run) -> None:
    own = {row["agent"]: row["value"] for row in run.measure("influence") if row["scope"] == "agent"}
    found = site.api(f"/runs/{run.path.stem}/influence")
    assert found["values"] == own != {}
    assert "Goyal" in found["about"]["source"]

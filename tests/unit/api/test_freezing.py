"""A design that is frozen before the data, and in what the runs depart from it."""

from __future__ import annotations

import json
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

import pytest

from genai_social_sim import Run, Study
from genai_social_sim.api import freezing
from genai_social_sim.engine.clock import SystemClock
from genai_social_sim.errors import RecordError, RequestError

DESIGN = """
name: frozen
seed: 3
durability: process
model: {backend: scripted, words: 4}
population: {size: 4, attributes: {age: {uniform: [20, 60]}}}
network: {kind: erdos_renyi, p: 0.5}
channels: {hall: {opening: {text: "Hello."}}}
factors: {heat: {path: model.temperature, values: [0.1, 0.9]}}
replicates: 2
stop: {rounds: 2}
"""


@pytest.fixture
def study() -> Study:
    return Study.parse(DESIGN)


@pytest.fixture
def frozen(study: Study) -> freezing.Frozen:
    return freezing.freeze(study, clock=SystemClock())


def kinds(frozen: freezing.Frozen, runs: list[Run]) -> list[tuple[str, str, int]]:
    return [(each.kind, each.condition, each.replicate) for each in freezing.departures(frozen, runs)]


def test_runs_as_they_were_planned_do_not_depart(study: Study, frozen: freezing.Frozen, tmp_path: Path) -> None:
    runs = study.run_all(runs=tmp_path)
    assert kinds(frozen, runs) == []
    assert kinds(frozen, [*runs, runs[0].fork(at_turn=2)]) == []
    assert {run.origin.assignment.design for run in runs} == {frozen.digest}


def test_each_departure_is_named(study: Study, frozen: freezing.Frozen, tmp_path: Path) -> None:
    other = Study.parse(DESIGN.replace("words: 4", "words: 5"))
    changed = other.run_all(runs=tmp_path / "other", only=["heat=0.1"])
    moved = study.run_all(runs=tmp_path / "moved", seed=4, only=["heat=0.9"])
    extra = Study.parse(DESIGN.replace("0.1, 0.9", "0.5")).run_all(runs=tmp_path / "extra")
    assert kinds(frozen, [changed[0], moved[0], extra[0]]) == [
        ("other_study", "heat=0.1", 0),
        ("other_seed", "heat=0.9", 0),
        ("not_planned", "heat=0.5", 0),
        ("missing", "heat=0.1", 1),
        ("missing", "heat=0.9", 1),
    ]


def test_a_run_that_was_begun_before_the_design_was_frozen_departs(study: Study, tmp_path: Path) -> None:
    runs = study.run_all(runs=tmp_path)
    later = freezing.freeze(study, clock=SystemClock())
    assert {kind for kind, _, _ in kinds(later, runs)} == {"earlier"}
    assert len(kinds(later, runs)) == 4


def test_what_is_written_is_read_back_and_its_digest_needs_no_package(frozen: freezing.Frozen, tmp_path: Path) -> None:
    path = tmp_path / "design.frozen.json"
    assert freezing.write(frozen, path)
    found = freezing.read(path)
    assert (found.digest, found.design) == (frozen.digest, frozen.design)
    design = json.loads(path.read_text(encoding="utf-8"))["design"]
    text = json.dumps(design, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    assert sha256(text.encode()).hexdigest() == frozen.digest


def test_another_design_is_not_written_over_it_and_the_same_one_stays(frozen: freezing.Frozen, tmp_path: Path) -> None:
    path = tmp_path / "design.frozen.json"
    freezing.write(frozen, path)
    before = path.read_bytes()
    assert not freezing.write(replace(frozen, at=frozen.at + 9), path)
    other = freezing.freeze(Study.parse(DESIGN.replace("replicates: 2", "replicates: 3")), clock=SystemClock())
    with pytest.raises(RequestError, match="another design was frozen there before"):
        freezing.write(other, path)
    assert path.read_bytes() == before


def test_a_frozen_design_that_was_changed_is_found(frozen: freezing.Frozen, tmp_path: Path) -> None:
    path = tmp_path / "design.frozen.json"
    freezing.write(frozen, path)
    path.write_text(path.read_text(encoding="utf-8").replace('"words": 4', '"words": 5'), encoding="utf-8")
    with pytest.raises(RecordError, match="does not match its digest"):
        freezing.read(path)
    path.write_text("{}", encoding="utf-8")
    with pytest.raises(RecordError, match="no frozen design"):
        freezing.read(path)

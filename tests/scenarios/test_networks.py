"""Studies with networks, whole: what is known of a model comes out through study file, engine and record."""

from __future__ import annotations

from pathlib import Path

import pytest

from genai_social_sim import Study
from genai_social_sim.backends.rule import Observation

DEGROOT = """
name: degroot
model: {backend: rule, function: average}
agents:
- {name: a, attributes: {opinion: 1}}
- {name: b, attributes: {opinion: 0}}
- {name: c, attributes: {opinion: 0}}
network: {kind: edges, directed: true, edges: [[b, a, 0.5], [c, a, 0.5], [a, b], [b, c]]}
protocol: simultaneous
channels: {hall: {}}
stop: {rounds: 11}
durability: process
"""
# x(t+1) = W x(t) with W = [[0, .5, .5], [1, 0, 0], [0, 1, 0]] and x(0) = (1, 0, 0), by hand; x(10) by exact fractions.
KNOWN = {0: (1, 0, 0), 1: (0, 1, 0), 2: (0.5, 0, 1), 3: (0.5, 0.5, 0), 10: (0.40625, 0.375, 0.4375)}


def average(seen: Observation) -> str:
    """What it heard in the round before, by the weights of the edges."""
    if not seen.round:
        return str(float(seen.agent == "a"))
    heard = list(zip(seen.heard, seen.weights, strict=True))[-3:]
    return repr(sum(weight * float(text) for (_, text), weight in heard if weight))


def test_averaging_over_a_weighted_network_gives_the_powers_of_its_matrix(tmp_path: Path) -> None:
    study = Study.parse(DEGROOT)
    run = study.run(runs=tmp_path, functions={"average": average})
    said = {(row["round"], row["speaker"]): float(str(row["text"])) for row in run.utterances}
    for round_no, values in KNOWN.items():
        assert [said[round_no, name] for name in "abc"] == pytest.approx(values, abs=1e-12)
    assert run.replay().ok

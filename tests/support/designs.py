"""A small design, played: two conditions with three replicates each; and a study whose edges change."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from genai_social_sim import Run, Study

VOTES: Final = """
name: votes
seed: 2
model: {backend: rule, rule: voter, copies: drawn}
population: {size: 10, attributes: {opinion: {choice: {for: 0.5, against: 0.5}}}}
network: {kind: watts_strogatz, k: 4, p: 0.1}
protocol: sequential
channels: {square: {}}
factors: {topology: {path: network.p, values: {random: 1.0, lattice: 0.0}}}
replicates: 3
stop: {rounds: 6}
"""
REWIRED: Final = """
name: rewired
seed: 5
model: {backend: rule, rule: degroot}
population: {size: 12, attributes: {opinion: {uniform: [-1, 1]}, party: {choice: {left: 0.5, right: 0.5}}}}
network: ring
channels: {square: {protocol: simultaneous}}
interventions:
  - {at: round 2, kind: remove_edges, where: {between: [left, right]}}
  - {at: round 4, kind: network, network: {kind: watts_strogatz, k: 4, p: 0.2}}
stop: {rounds: 6}
"""


def played(folder: Path, study: str = VOTES) -> dict[str, list[Run]]:
    """Its runs by condition."""
    found: dict[str, list[Run]] = {}
    for run in Study.parse(study).run_all(runs=folder, durability="process"):
        found.setdefault(run.condition, []).append(run)
    return found

"""Chance is as documented: a script that knows nothing but the page finds the same people, network and draws."""

from __future__ import annotations

import subprocess
import sys
from hashlib import sha256
from pathlib import Path
from typing import Final

import pytest
from tests.docs.console import ROOT

from genai_social_sim import Study

FOLDER: Final = ROOT / "docs" / "explanation"


def checked(path: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-I", "-S", str(FOLDER / "check_draws.py"), str(path)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_a_thousand_people_their_network_and_what_they_say_are_worked_out_without_the_package(tmp_path: Path) -> None:
    study = Study.load(FOLDER / "society.yaml")
    run, other = study.run(runs=tmp_path), study.run(runs=tmp_path, seed=8)
    done = checked(run.path)
    assert (done.returncode, done.stdout) == (0, "1000 people, their network and 4000 turns are as worked out\n")
    assert checked(other.path).stderr.startswith("agent0001 is somebody else")


@pytest.mark.parametrize(
    ("network", "edges"),
    [
        ("{kind: watts_strogatz, k: 4, p: 0.3}", "db26f8e710cd"),
        ("{kind: barabasi_albert, m: 3}", "6fe5956abdc4"),
        ("{kind: powerlaw_cluster, m: 3, p: 0.5}", "cc1d06bd2140"),
        ("{kind: erdos_renyi, p: 0.1}", "71578076420c"),
        ("{kind: erdos_renyi, p: 0.1, directed: true}", "a0b52c2d898a"),
        ("{kind: random_regular, d: 4}", "3abc62933060"),
        ("{kind: stochastic_block, sizes: [20, 40], p_in: 0.3, p_out: 0.05}", "02f9edfdb01c"),
    ],
)
def test_each_generator_draws_the_edges_that_it_drew_with_networkx_3_3_to_3_6(network: str, edges: str) -> None:
    """Written down with 3.3, 3.4.2, 3.5 and 3.6.1, which agree; 3.7 draws another stochastic block model."""
    study = Study.parse(
        "name: drawn\nmodel: {backend: scripted, words: 1}\npopulation: {size: 60}\nchannels: {hall: {}}\n"
        f"stop: {{turns: 1}}\nnetwork: {network}\n"
    )
    drawn = study.plan(seed=1).channels[0].network
    assert drawn is not None
    found = " ".join(sorted([f"{edge.speaker}-{edge.listener}" for edge in drawn.edges]))
    assert sha256(found.encode()).hexdigest()[:12] == edges

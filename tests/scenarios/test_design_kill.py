"""A whole design, killed with kill -9 and gone on with by the same command."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from genai_social_sim import Run

DESIGN = """
name: opinions
seed: 11
model: {backend: rule, rule: deffuant, epsilon: 0.6}
population: {size: 8, attributes: {opinion: {uniform: [-1, 1]}}}
network: {kind: watts_strogatz, k: 4, p: 0.1}
protocol: pairwise
memory: {kind: window, utterances: 40}
channels: {square: {}}
factors:
  bound: {path: model.epsilon, values: {narrow: 0.3, wide: 1.2}}
  topology: {path: network.p, values: [0.0, 0.1, 1.0]}
replicates: 10
stop: {rounds: 3}
durability: process
"""
COMMAND = [sys.executable, "-m", "genai_social_sim.cli", "run", "design.yaml", "--json"]


def _play(folder: Path, *words: str) -> dict[str, Any]:
    done = subprocess.run([*COMMAND, *words], cwd=folder, capture_output=True, text=True, check=True)
    told: dict[str, Any] = json.loads(done.stdout)
    return told


def _digests(told: dict[str, Any]) -> dict[str, str]:
    return {Path(run["run"]).name: run["digest"] for run in told["data"]}


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_a_2x3_design_of_10_replicates_killed_with_kill_9_is_finished_by_the_same_command(tmp_path: Path) -> None:
    (tmp_path / "design.yaml").write_text(DESIGN, encoding="utf-8")
    undisturbed = _digests(_play(tmp_path, "--runs", "undisturbed"))
    assert len(undisturbed) == 60

    runs = tmp_path / "runs"
    for wanted in (10, 35):
        with subprocess.Popen(
            [*COMMAND, "--jobs", "2"], cwd=tmp_path, stdout=subprocess.PIPE, start_new_session=True
        ) as process:
            while process.poll() is None and len(list(runs.glob("*.sqlite"))) < wanted:
                time.sleep(0.01)
            os.killpg(process.pid, signal.SIGKILL)
    told = _play(tmp_path, "--jobs", "2")

    assert _digests(told) == undisturbed
    assert {run["status"] for run in told["data"]} == {"finished"}
    places = set()
    for each in told["data"]:
        with Run(tmp_path / each["run"]) as run:
            assert run.verify().ok
            assert run.origin.assignment.design
            places.add((run.condition, run.replicate))
    assert len(places) == 60

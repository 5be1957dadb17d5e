"""A whole design, killed with kill -9 and gone on with by the same command."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from pyarrow import parquet

from genai_social_sim import Run

DESIGN = Path(__file__).resolve().parents[2] / "examples" / "opinion-networks" / "study.yaml"
GSS = [sys.executable, "-m", "genai_social_sim.cli"]
COMMAND = [*GSS, "run", "design.yaml", "--json"]


def _play(folder: Path, *words: str) -> dict[str, Any]:
    done = subprocess.run([*COMMAND, *words], cwd=folder, capture_output=True, text=True, check=True)
    told: dict[str, Any] = json.loads(done.stdout)
    return told


def _digests(told: dict[str, Any]) -> dict[str, str]:
    return {Path(run["run"]).name: run["digest"] for run in told["data"]}


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_a_2x3_design_of_10_replicates_killed_with_kill_9_is_finished_exported_and_reported_by_one_command_each(
    tmp_path: Path,
) -> None:
    shutil.copy(DESIGN, tmp_path / "design.yaml")
    subprocess.run([*GSS, "freeze", "design.yaml"], cwd=tmp_path, check=True, stdout=subprocess.DEVNULL)
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

    _is_exported_whole(tmp_path, told)
    _is_reported_whole(tmp_path)


def _is_exported_whole(folder: Path, told: dict[str, Any]) -> None:
    paths = [run["run"] for run in told["data"]]
    subprocess.run(
        [*GSS, "export", *paths, "--to", "dataset", "--out", "data", "--licence", "CC-BY-4.0"],
        cwd=folder, check=True, stdout=subprocess.DEVNULL,
    )  # fmt: skip
    tables = {path.stem: parquet.read_table(path) for path in (folder / "data").glob("*.parquet")}
    runs = tables["runs"].to_pylist()
    assert {row["run"]: row["digest"] for row in runs} == {Path(run["run"]).stem: run["digest"] for run in told["data"]}
    assert {row["replicate"] for row in runs} == {*range(10)}
    assert {(row["factor"], row["level"]) for row in tables["conditions"].to_pylist()} == {
        *[("start", level) for level in ("even", "lopsided")],
        *[("topology", level) for level in ("ring", "small-world", "complete")],
    }
    assert tables["conditions"].num_rows == 60 * 2
    assert tables["turns"].num_rows == sum(row["turns"] for row in runs)
    assert tables["utterances"].num_rows == sum(row["spoke"] for row in runs)
    measured = tables["measures"].to_pylist()
    assert len({row["run"] for row in measured if row["measure"] == "consensus_time"}) == 60
    described = (folder / "data" / "codebook.md").read_text(encoding="utf-8")
    assert all(f"`{column}`" in described for table in tables.values() for column in table.column_names)


def _is_reported_whole(folder: Path) -> None:
    subprocess.run(
        [*GSS, "report", *map(str, sorted((folder / "runs").glob("*.sqlite"))), "--frozen", "design.frozen.json"],
        cwd=folder, check=True, stdout=subprocess.DEVNULL,
    )  # fmt: skip
    page = (folder / "report.html").read_text(encoding="utf-8")
    assert "60 runs in 6 conditions" in page
    assert "None: every planned run is there, as it was frozen." in page
    assert "How fast does a society agree" in page
    assert all(
        f"<td>{start}, {topology}</td><td>10</td>" in page
        for start in ("even", "lopsided")
        for topology in ("ring", "small-world", "complete")
    )

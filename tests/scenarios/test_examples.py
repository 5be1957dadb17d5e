"""The examples, played by the real model as far as a test has time for."""

from __future__ import annotations

import math
import random
import re
import runpy
from pathlib import Path
from typing import Final

import pytest

from genai_social_sim import Request, Study

EXAMPLES: Final = Path(__file__).resolve().parents[2] / "examples"
MAJORITY: Final = EXAMPLES / "majority-force"


@pytest.mark.timeout(600)
def test_a_town_meeting_is_held_and_asked_aside(tmp_path: Path) -> None:
    study = Study.load(EXAMPLES / "town-meeting" / "study.yaml", changes=["stop.rounds=1"])
    run = study.run(runs=tmp_path)
    answers = [row["choice"] for row in run.probes]
    assert len(answers) == 2 * 6  # at the start and after the round
    assert {*answers} <= {"1", "2", "3", "4", "5"}
    assert (run.turns, run.verify().ok, run.replay().ok) == (6, True, True)


@pytest.mark.timeout(600)
def test_a_panel_hears_an_expert_on_the_real_model(tmp_path: Path) -> None:
    study = Study.load(EXAMPLES / "authority-panel" / "study.yaml", changes=["population.size=2"])
    (run,) = study.run_all(runs=tmp_path, only=["source=expert"])
    said = {(row["speaker"], row["choice"]) for row in run.utterances if row["turn"] is not None}
    assert {choice for _, choice in said} <= {"agree", "disagree"}
    assert (run.turns, run.replay().ok) == (6, True)


def test_the_pull_of_the_majority_is_fitted_as_it_was(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    def follow(request: Request) -> str:
        """Answers as theory says, with beta 0.8 and h 0.1, by a chance of the call's own."""
        said = [line.text.value for line in request.heard if line.text.value in ("k", "z")]
        m = sum(1 if word == up else -1 for word in said) / 9
        chance = (1 + math.tanh(0.8 * (m + 0.1))) / 2
        return up if random.Random(request.seed).random() < chance else {"k": "z", "z": "k"}[up]

    changes = ["agents.ADA.model.backend=scripted", "agents.ADA.model.function=follow", "stop.rounds=80"]
    study = Study.load(MAJORITY / "study.yaml", changes=[*changes, "durability=process"])
    paths = []
    for up in ("k", "z"):
        found = study.run_all(runs=tmp_path, only=[f"up={up}"], functions={"follow": follow})
        paths += [str(run.path) for run in found]
    runpy.run_path(str(MAJORITY / "fit.py"))["main"](paths)
    fits = re.findall(r"beta +([-\d.]+) \(standard error ([\d.]+)\)", capsys.readouterr().out)
    assert len(fits) == 2
    for beta, error in fits:
        assert abs(float(beta) - 0.8) < 4 * float(error) < 0.5


def test_every_example_has_a_page_and_is_a_study() -> None:
    folders = [path for path in EXAMPLES.iterdir() if path.is_dir()]
    assert len(folders) > 1
    for folder in folders:
        assert Study.load(folder / "study.yaml").name == folder.name
        for full in folder.glob("full.yaml"):
            assert Study.load(full).name == f"{folder.name}-full"
        assert f"examples/{folder.name}/study.yaml" in (folder / "README.md").read_text(encoding="utf-8")

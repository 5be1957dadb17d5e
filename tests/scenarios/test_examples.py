"""The examples, played by the real model as far as a test has time for."""

from __future__ import annotations

from pathlib import Path

import pytest

from genai_social_sim import Study

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"


@pytest.mark.timeout(600)
def test_a_town_meeting_is_held_and_asked_aside(tmp_path: Path) -> None:
    study = Study.load(EXAMPLES / "town-meeting" / "study.yaml", changes=["stop.rounds=1"])
    run = study.run(runs=tmp_path)
    answers = [row["choice"] for row in run.probes]
    assert len(answers) == 2 * 6  # at the start and after the round
    assert {*answers} <= {"1", "2", "3", "4", "5"}
    assert (run.turns, run.verify().ok, run.replay().ok) == (6, True, True)


def test_every_example_has_a_page_and_is_a_study() -> None:
    folders = [path for path in EXAMPLES.iterdir() if path.is_dir()]
    assert len(folders) > 1
    for folder in folders:
        assert Study.load(folder / "study.yaml").name == folder.name
        assert f"examples/{folder.name}/study.yaml" in (folder / "README.md").read_text(encoding="utf-8")

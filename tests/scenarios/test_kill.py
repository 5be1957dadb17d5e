"""Promise 2: kill -9 at any instant loses nothing and makes nothing happen twice."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
from tests.scenarios.killed_run import disturbed, study_text, undisturbed


@pytest.mark.timeout(300)
@pytest.mark.parametrize(("durability", "kills"), [("full", 30), ("process", 30)])
def test_a_run_killed_at_random_instants_ends_with_the_undisturbed_digest(
    tmp_path: Path, durability: str, kills: int
) -> None:
    text = study_text(seed=7, durability=durability)
    outcome = disturbed(tmp_path, text, kills=kills, rng=random.Random(f"kill {durability}"))
    assert outcome.kills == kills
    assert outcome.broken_after_kill == []
    assert outcome.asked_again == []
    assert (outcome.verified, outcome.replayed) == (True, True)
    assert outcome.digests == {undisturbed(tmp_path, text)}
    assert outcome.resumed_with_answers_ahead > 0

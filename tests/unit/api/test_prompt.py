"""The prompt of a turn, read back."""

from __future__ import annotations

from pathlib import Path

import apsw
import pytest

from genai_social_sim import Run, Study
from genai_social_sim.errors import RecordError

STUDY = """
name: small
model: {backend: scripted, words: 5}
agents: [{name: Ada}, {name: Bo}]
channels: {hall: {opening: {text: "Hello."}}}
stop: {turns: 4}
"""


def test_it_is_what_was_sent(tmp_path: Path) -> None:
    prompt = Study.parse(STUDY).run(runs=tmp_path).prompt(0)
    assert prompt is not None
    assert prompt.chat()[-1] == ("user", "The conversation so far:\nsystem: Hello.\nIt is your turn, Ada.")


def test_one_that_does_not_match_its_recorded_hash_is_refused(tmp_path: Path) -> None:
    run = Study.parse(STUDY).run(runs=tmp_path)
    run.close()
    db = apsw.Connection(str(run.path))
    db.execute(
        "UPDATE events SET prompt = (SELECT prompt FROM events WHERE turn = 1 AND prompt NOT NULL) WHERE turn = 2"
    )
    db.close()
    with Run(run.path) as changed, pytest.raises(RecordError, match="prompt of turn 2 does not match its hash"):
        changed.prompt(2)


def test_a_turn_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(RecordError, match="holds no turn 99"):
        Study.parse(STUDY).run(runs=tmp_path).prompt(99)

"""What stands around the log: views, triggers and the record's own description are part of what `verify` looks at."""

from __future__ import annotations

from pathlib import Path

import apsw
import pytest

from genai_social_sim import Study
from genai_social_sim.eventlog.verification import verify

STUDY = """
name: small
model: {backend: scripted, words: 5}
agents: [{name: Ada}, {name: Bo}]
channels: {hall: {}}
stop: {turns: 4}
"""


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ("DROP VIEW utterances; CREATE VIEW utterances AS SELECT 1 AS turn, 'I never said this' AS text", "views"),
        ("CREATE TRIGGER forget AFTER INSERT ON events BEGIN DELETE FROM events; END", "tables"),
        ("CREATE TABLE more (x)", "tables"),
        ("UPDATE about SET value = 'MD5' WHERE key = 'chain'", "`about`"),
        ("DELETE FROM described", "`described`"),
    ],
)
def test_a_change_around_the_log_is_found(tmp_path: Path, change: str, words: str) -> None:
    run = Study.parse(STUDY).run(runs=tmp_path)
    run.close()
    assert verify(run.path).ok
    db = apsw.Connection(str(run.path))
    db.execute(change)
    db.close()
    verdict = verify(run.path)
    assert not verdict.ok
    assert words in verdict.problem

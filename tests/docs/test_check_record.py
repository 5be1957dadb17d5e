"""A record explains itself: a script that knows nothing but what table `about` says finds the same digest."""

from __future__ import annotations

import ast
import shutil
import sqlite3
import subprocess
import sys
from pathlib import Path
from typing import Final

import pytest
from tests.docs.console import ROOT

from genai_social_sim import Run, Study
from genai_social_sim.eventlog.described import ABOUT

SCRIPT: Final = ROOT / "docs" / "explanation" / "check_record.py"
STUDY: Final = """
name: checked
seed: 4
model: {backend: scripted, words: 6, faults: {error: 0.3, empty: 0.1}}
agents: [{name: ÄDA}, {name: BO, role: chair}, {name: CY, memory: {kind: summary, utterances: 1, every: 3}}]
roles: {chair: {powers: [mute]}}
probes: [{name: mood, at: round 2, text: "How are you?"}]
interventions: [{at: round 1, kind: broadcast, from: system, text: "Go on."}]
channels:
  hall: {opening: {text: "Grüß Gott — 你好 🎉"}}
  yard: {protocol: simultaneous}
  lane: {protocol: random}
prompt: {layout: LAYOUT}
stop: {rounds: 4}
timeouts: {attempts: 2, backoff: 1 ms, on_failure: {say: "(no answer)"}}
"""


def checked(path: Path) -> subprocess.CompletedProcess[str]:
    """What the script says, in a process without our package."""
    return subprocess.run(
        [sys.executable, "-I", "-S", str(SCRIPT), str(path)], capture_output=True, text=True, check=False
    )


@pytest.fixture(scope="module", params=["script", "persona_first", "transcript_first"])
def record(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    with Study.parse(STUDY.replace("LAYOUT", request.param)).run(runs=tmp_path_factory.mktemp("runs")) as run:
        return run.path, run.digest


def test_it_finds_the_digest(record: tuple[Path, str]) -> None:
    path, digest = record
    done = checked(path)
    assert (done.returncode, done.stdout.strip(), done.stderr) == (0, digest, "")


def test_it_uses_the_standard_library_alone() -> None:
    imported = [
        name.name
        for node in ast.walk(ast.parse(SCRIPT.read_text(encoding="utf-8")))
        if isinstance(node, ast.Import | ast.ImportFrom)
        for name in ([ast.alias(node.module or "")] if isinstance(node, ast.ImportFrom) else node.names)
    ]
    assert set(imported) <= {"collections.abc", "hashlib", "pathlib", "sqlite3", "struct", "sys", "typing"}


@pytest.mark.parametrize("change", [{}, {"mute": ["BO"]}])
def test_it_reads_the_past_of_a_fork_where_that_is(
    record: tuple[Path, str], tmp_path: Path, change: dict[str, list[str]]
) -> None:
    with (
        Run(shutil.copy(record[0], tmp_path)) as run,
        run.fork(at_turn=20, mute=change.get("mute", ())) as fork,
        fork.fork(at_turn=24, mute=["CY"]) as twig,
    ):
        for each in (fork, twig):
            assert checked(each.path).stdout.strip() == each.digest
    with sqlite3.connect(run.path) as db:
        db.execute("UPDATE events SET at = at + 1 WHERE seq = 5")
    db.close()
    done = checked(fork.path)
    assert (done.returncode, "was changed, or one before it" in done.stderr) == (1, True)
    run.path.unlink()
    assert f"the past of this fork is not there: {run.path}" in checked(twig.path).stderr


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ("UPDATE texts SET text = text || '.' WHERE id = 3", "text 3 was changed"),
        ("UPDATE events SET body = replace(body, '}', ' }') WHERE seq = 9", "event 9 was changed"),
        ("UPDATE events SET at = at + 1 WHERE seq = 5", "event 5 was changed"),
        ("DELETE FROM events WHERE seq = 6", "event 7 was changed"),
        ("DELETE FROM events WHERE seq = (SELECT max(seq) FROM events)", "the end of the log was changed"),
        ("UPDATE head SET digest = zeroblob(32)", "the end of the log was changed"),
    ],
)
def test_it_finds_what_was_changed(record: tuple[Path, str], change: str, words: str, tmp_path: Path) -> None:
    path = Path(shutil.copy(record[0], tmp_path / "copy.sqlite"))
    with sqlite3.connect(path) as db:
        db.execute(change)
    db.close()
    done = checked(path)
    assert (done.returncode, done.stderr.strip()) == (1, words)


def test_it_finds_a_prompt_that_was_changed(record: tuple[Path, str], tmp_path: Path) -> None:
    path = Path(shutil.copy(record[0], tmp_path / "copy.sqlite"))
    with sqlite3.connect(path) as db:
        (seq,) = db.execute("SELECT max(seq) FROM events WHERE prompt IS NOT NULL").fetchone()
        db.execute("UPDATE events SET prompt = substr(prompt, 1, instr(prompt, ' ') - 1) WHERE seq = ?", (seq,))
    db.close()
    assert checked(path).stderr.strip() == f"the prompt of event {seq} was changed"


def test_the_record_itself_says_how(record: tuple[Path, str]) -> None:
    db = sqlite3.connect(f"file:{record[0]}?mode=ro", uri=True)
    assert dict(db.execute("SELECT key, value FROM about")) == dict(ABOUT)
    db.close()

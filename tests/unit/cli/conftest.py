"""A folder to work in, the command as a function and as a process, and studies that need no model."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Final

import apsw
import pytest
from click.testing import CliRunner, Result

from genai_social_sim import Study
from genai_social_sim.cli.app import app

SCRIPTED: Final = """
name: talk
seed: 7
model: {backend: scripted, words: 8}
agents:
  - {name: ADA, persona: "A geologist."}
  - {name: BO, persona: "A miner."}
channels:
  general: {opening: {text: "Begin."}}
stop: {turns: 6}
"""
GSS: Final = [sys.executable, "-m", "genai_social_sim.cli"]

Gss = Callable[..., Result]
Start = Callable[..., "subprocess.Popen[str]"]


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty working directory, and no setting of whoever runs the tests."""
    for name in ("CI", "NO_COLOR", "FORCE_COLOR", "GSS_DEBUG", "COLUMNS"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setenv("GSS_CACHE", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def study(folder: Path) -> Path:
    path = folder / "study.yaml"
    path.write_text(SCRIPTED, encoding="utf-8")
    return path


@pytest.fixture
def gss() -> Gss:
    """Run a command line in this process."""
    return lambda *words: CliRunner().invoke(app, [str(word) for word in words], prog_name="gss")


@pytest.fixture
def record(study: Path) -> Path:
    """The record of a finished run."""
    run = Study.load(study).run()
    run.close()
    return run.path


@pytest.fixture
def start() -> Iterator[Start]:
    """Run a command line in a process of its own, with pipes; it is ended with the test."""
    with ExitStack() as stack:

        def started(*words: object, env: dict[str, str] | None = None) -> "subprocess.Popen[str]":
            process = stack.enter_context(
                subprocess.Popen(
                    [*GSS, *map(str, words)],
                    stdout=subprocess.PIPE,
                    stderr=subprocess.PIPE,
                    text=True,
                    encoding="utf-8",
                    env={**os.environ, **(env or {})},
                )
            )
            stack.callback(process.kill)
            return process

        yield started


def document(result: Result) -> Any:
    """What a command printed with --json: one document and nothing else."""
    return json.loads(result.stdout)


@pytest.fixture
def change() -> Callable[[Path, str], None]:
    """Change a record behind its back."""

    def execute(path: Path, sql: str) -> None:
        db = apsw.Connection(str(path))
        db.execute(sql)
        db.close()

    return execute

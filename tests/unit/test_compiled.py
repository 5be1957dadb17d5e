"""The shape of the package whose hot path is compiled: `make compiled`, decision note 75."""

from __future__ import annotations

import ast
import importlib.util
import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import pytest

from genai_social_sim import Study
from genai_social_sim.engine.shape import is_compiled

ROOT: Final = Path(__file__).resolve().parents[2]
PROJECT: Final[dict[str, Any]] = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
HOOK: Final[dict[str, Any]] = PROJECT["tool"]["hatch"]["build"]["targets"]["wheel"]["hooks"]["mypyc"]
MODULES: Final = [path.removeprefix("/src/") for path in HOOK["include"]]
STUDY: Final = """\
name: two-shapes
seed: 7
model: {backend: scripted, words: 9, choose: true}
agents:
  - {name: ada, persona: "A cautious geologist."}
  - {name: bo, persona: "A trader.", memory: {kind: summary, utterances: 2}}
  - {name: cy, persona: "A clerk."}
  - {name: di, persona: "A judge."}
channels:
  hall: {members: [ada, bo, cy], protocol: {kind: round_robin}, opening: {from: system, text: "Begin."}}
  court: {members: [ada, di, cy], protocol: {kind: random}, act: {kind: choose, options: [guilty, not guilty]}}
  market: {members: [ada, bo], protocol: {kind: pairwise}, act: {kind: number, min: 0, max: 10}}
  street: {members: [ada, bo, cy, di], protocol: {kind: simultaneous}, network: ring}
probes:
  - {name: mood, every: 2 rounds, scale: [1, 2, 3], text: "How are you?"}
interventions:
  - {at: round 3, kind: broadcast, from: system, text: "News."}
stop: {rounds: 5}
"""
TRANSLATED: Final = "import sys; from mypyc.build import mypycify; mypycify(sys.argv[1:], target_dir='c')"
PLAYED: Final = """\
import sys
from genai_social_sim import Study
from genai_social_sim.engine.shape import is_compiled
print(is_compiled(), Study.load(sys.argv[1]).run(runs=sys.argv[2]).digest)
"""


@pytest.mark.parametrize("module", MODULES)
def test_what_is_compiled_is_there_and_waits_for_nothing(module: str) -> None:
    """A compiled coroutine may lose an exception that it is interrupted by: see the decision note."""
    nodes = ast.walk(ast.parse((ROOT / "src" / module).read_text(encoding="utf-8")))
    waiting = ast.AsyncFunctionDef | ast.Await | ast.AsyncWith | ast.AsyncFor
    assert [node for node in nodes if isinstance(node, waiting)] == []


@pytest.mark.parametrize("module", MODULES)
def test_what_is_compiled_has_no_cached_property(module: str) -> None:
    """A compiled class would work it out anew each time that it is asked for."""
    assert "cached_property" not in (ROOT / "src" / module).read_text(encoding="utf-8")


def test_an_installation_compiles_only_if_it_is_told_to() -> None:
    assert HOOK["enable-by-default"] is False
    assert [name for name in PROJECT["build-system"]["requires"] if "mypy" in name] == []


def test_the_compiler_is_of_the_release_that_checks_the_types() -> None:
    locked = re.search(r"(?m)^mypy==\S+", (ROOT / "requirements.lock").read_text(encoding="utf-8"))
    assert locked
    assert locked.group() in HOOK["dependencies"]


def test_a_record_says_in_which_shape_it_was_made(tmp_path: Path) -> None:
    (tmp_path / "study.yaml").write_text(STUDY, encoding="utf-8")
    (session,) = Study.load(tmp_path / "study.yaml").run(runs=tmp_path).table("sessions")
    assert json.loads(str(session["about"]))["compiled"] is is_compiled()


def test_both_shapes_play_the_same_run(tmp_path: Path) -> None:
    if not is_compiled():
        pytest.skip("this is the pure package: make compiled, then make compiled-test")
    (tmp_path / "study.yaml").write_text(STUDY, encoding="utf-8")
    pure = {**os.environ, "PYTHONPATH": str(ROOT / "src")}
    told = _run(tmp_path, "-c", PLAYED, "study.yaml", "theirs", environment=pure)
    assert told.split() == ["False", Study.load(tmp_path / "study.yaml").run(runs=tmp_path / "ours").digest]


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_the_compiler_takes_every_module(tmp_path: Path) -> None:
    """As far as C: what it refuses in a module is found here, what it makes of it by `make compiled-test`."""
    if importlib.util.find_spec("setuptools") is None:
        pytest.skip("there is no setuptools here, which mypyc needs: pip install setuptools")
    shutil.copytree(ROOT / "src/genai_social_sim", tmp_path / "genai_social_sim")
    _run(tmp_path, "-c", TRANSLATED, *HOOK["mypy-args"], *MODULES)


def _run(folder: Path, *arguments: str, environment: Mapping[str, str] | None = None) -> str:
    command = [sys.executable, *arguments]
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout

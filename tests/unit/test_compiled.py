"""The shape of the package whose hot path is compiled: `make compiled`, decision note 75."""

from __future__ import annotations

import ast
import importlib.util
import json
import re
import shutil
import subprocess
import sys
import sysconfig
import tomllib
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
  street: {members: [ada, bo, cy, di], protocol: {kind: simultaneous}, network: ring}
probes:
  - {name: mood, every: 2 rounds, scale: [1, 2, 3], text: "How are you?"}
interventions:
  - {at: round 3, kind: broadcast, from: system, text: "News."}
stop: {rounds: 5}
"""
SETUP: Final = """\
from setuptools import setup
from mypyc.build import mypycify
setup(name="compiled", packages=[], ext_modules=mypycify({arguments!r}, opt_level="0", debug_level="0", target_dir="c"))
"""
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


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_compiled_it_plays_the_same_run(tmp_path: Path) -> None:
    _needs_a_compiler()
    package, study = tmp_path / "compiled", tmp_path / "study.yaml"
    shutil.copytree(ROOT / "src/genai_social_sim", package / "genai_social_sim")
    (package / "setup.py").write_text(SETUP.format(arguments=[*HOOK["mypy-args"], *MODULES]), encoding="utf-8")
    _run(package, "setup.py", "--quiet", "build_ext", "--inplace")
    study.write_text(STUDY, encoding="utf-8")
    told = _run(package, "-c", PLAYED, str(study), str(tmp_path / "theirs"))
    assert told.split() == ["True", Study.load(study).run(runs=tmp_path / "ours").digest]


def _needs_a_compiler() -> None:
    compiler = (sysconfig.get_config_var("CC") or "cc").split()[0]
    if shutil.which(compiler) is None or not Path(sysconfig.get_path("include"), "Python.h").exists():
        pytest.skip(f"there is no C compiler ({compiler}) with Python's headers here")
    if importlib.util.find_spec("setuptools") is None:
        pytest.skip("there is no setuptools here, through which mypyc compiles: pip install setuptools")


def _run(folder: Path, *arguments: str) -> str:
    done = subprocess.run([sys.executable, *arguments], cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout

"""The README on the real model: one run, and everything that the page does with it."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path
from typing import Final

import click
import pytest
from tests.docs.console import ROOT, blocks

from genai_social_sim import Run
from genai_social_sim.backends import weights
from genai_social_sim.backends.machine import processor_name
from genai_social_sim.cli.app import COMMANDS, app

README: Final = ROOT / "README.md"
STUDY: Final = Path("examples", "rare-earths", "study.yaml")
TEXT: Final = README.read_text(encoding="utf-8")
GSS: Final = [sys.executable, "-m", "genai_social_sim.cli"]
COMMANDS_SHOWN: Final = [
    line.partition("#")[0].strip()
    for line in TEXT.splitlines()
    if re.match(r"gss .*(RUN|rare-earths/study\.yaml)", line)
]


def the_block(language: str) -> str:
    (text,) = [block.text for block in blocks(README) if block.language == language]
    return text


def done(words: list[str], folder: Path) -> subprocess.CompletedProcess[str]:
    environment = {name: value for name, value in os.environ.items() if name not in ("CI", "COLUMNS")}
    return subprocess.run(
        words, cwd=folder, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
    )


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Run]:
    """The example, played by its command in a folder that holds nothing else."""
    weights.pull(weights.DEFAULT, lambda what, share: None)
    folder = tmp_path_factory.mktemp("readme")
    (folder / STUDY).parent.mkdir(parents=True)
    (folder / STUDY).write_bytes((ROOT / STUDY).read_bytes())
    said = done([*GSS, "run", str(STUDY)], folder)
    assert said.returncode == 0, said.stderr
    (path,) = (folder / "runs").glob("*.sqlite")
    with Run(path) as run:
        yield run


def test_the_study_is_the_example() -> None:
    assert the_block("yaml") == (ROOT / STUDY).read_text(encoding="utf-8")


@pytest.mark.timeout(600)
def test_a_record_is_called_as_it_says(played: Run) -> None:
    assert f"`runs/{played.path.name}`" in TEXT


@pytest.mark.timeout(600)
@pytest.mark.parametrize("command", COMMANDS_SHOWN)
def test_its_commands_work(command: str, played: Run) -> None:
    folder = played.path.parents[1]
    path = str(played.path.relative_to(folder))
    words = [path if word == "RUN" else word for word in shlex.split(command)[1:]]
    said = done([*GSS, *words], folder)
    assert said.returncode == 0, said.stderr
    assert said.stdout


def test_each_command_that_reads_a_run_is_shown() -> None:
    shown = {command.split()[1] for command in COMMANDS_SHOWN}
    assert shown == {"run", "show", "observe", "verify", "replay", "resume", "fork", "measure", "export", "report"}


@pytest.mark.timeout(600)
def test_its_python_gives_the_same_run(played: Run) -> None:
    said = done([sys.executable, "-c", the_block("python")], played.path.parents[1])
    assert said.returncode == 0, said.stderr
    assert said.stdout.startswith(played.transcript())
    assert f"\n{played.digest} True True\n" in said.stdout
    prompt = played.prompt(3)
    assert prompt is not None
    assert said.stdout.rstrip().endswith(str(prompt.chat()))


@pytest.mark.timeout(600)
def test_its_transcript_is_of_that_run(played: Run) -> None:
    excerpt, said = the_block("text").splitlines(), played.transcript().splitlines()
    assert len(excerpt) == 6
    assert excerpt[0] == said[0]
    assert [line.partition(":")[0] for line in excerpt] == [line.partition(":")[0] for line in said[:6]]
    # Words repeat on one type of processor with one version of the engine, and the page names both.
    if f"{processor_name()} processor" in " ".join(TEXT.split()) and f"xllamacpp {version('xllamacpp')}" in TEXT:
        assert excerpt == said[:6], "Put the first six lines of `make demo` into the README."


def test_what_it_makes_can_be_made() -> None:
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    pages = [README, *(ROOT / "docs").rglob("*.md")]
    told = {target for page in pages for target in re.findall(r"(?:`|^)make ([a-z]+)", page.read_text("utf-8"), re.M)}
    assert {"demo", "test", "kill", "bench", "setup"} <= told
    assert told <= targets


def test_every_command_line_in_the_documentation_can_be_parsed() -> None:
    pages = [README, *(ROOT / "docs").rglob("*.md"), *(ROOT / "examples").rglob("*.md")]
    lines = [
        line.removeprefix("$ ").partition(" |")[0].partition(";")[0].partition("#")[0].partition(" >")[0]
        for page in pages
        for block in blocks(page)
        for line in re.sub(r"\\\n(> )?", "", block.text).splitlines()
        if re.match(r"(\$ )?gss \w", line)
    ]
    assert len(lines) > 20
    for line in lines:
        name, *words = shlex.split(line.rstrip(" &"))[1:]
        assert name in COMMANDS, line
        command = app.get_command(click.Context(app), name)
        assert command is not None
        command.make_context(name, words, parent=click.Context(app, **app.context_settings)).close()

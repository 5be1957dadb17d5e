"""Help: what every command says of itself, and how little it takes to say so."""

import re
import subprocess
import sys

import pytest
from click.testing import Result
from tests.unit.cli.conftest import Gss

from genai_social_sim.cli.app import COMMANDS

FORBIDDEN = {"numpy", "pyarrow", "apsw", "pydantic", "rich", "yaml", "jinja2", "asyncio", "xllamacpp", "pandas"}


@pytest.mark.parametrize("option", ["--help", "-h"])
@pytest.mark.parametrize("command", COMMANDS)
def test_each_command_says_what_it_does_with_two_examples_and_its_exit_codes(
    gss: Gss, command: str, option: str
) -> None:
    result = gss(command, option)
    assert result.exit_code == 0
    purpose, examples, exits = _parts(result)
    assert purpose.strip().endswith(".")
    assert len(re.findall(rf"^  gss {command}\b", examples, re.MULTILINE)) == 2
    assert re.search(r"^  0 +\w", exits, re.MULTILINE)


def _parts(result: Result) -> tuple[str, str, str]:
    head, _, tail = result.stdout.partition("Examples:")
    purpose = head.split("\n\n")[1]
    examples, _, exits = tail.partition("Exit codes:")
    return purpose, examples, exits


def test_without_a_command_there_is_help_that_names_them_all(gss: Gss) -> None:
    result = gss()
    assert result.exit_code == 0
    assert all(re.search(rf"^  {command} +[A-Z]", result.stdout, re.MULTILINE) for command in COMMANDS)
    assert "..." not in result.stdout.split("Commands:")[1]


def test_the_version_is_told(gss: Gss) -> None:
    assert re.fullmatch(r"genai-social-sim \d+\.\d+\.\d+\S*\n", gss("--version").stdout)


@pytest.mark.parametrize("words", [["--help"], ["run", "--help"], ["export", "-h"], ["doctor", "-h"], ["frob"]])
def test_help_and_usage_errors_import_nothing_heavy(words: list[str]) -> None:
    command = [sys.executable, "-X", "importtime", "-m", "genai_social_sim.cli", *words]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    imported = {line.rpartition("|")[2].strip().split(".")[0] for line in done.stderr.splitlines() if "|" in line}
    assert "click" in imported
    assert not imported & FORBIDDEN

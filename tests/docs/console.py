"""Runs what pages print: files that they show are written, commands are run in order, and what they say is compared.

A page may hold blocks of `console`: commands after `$ `, gone on with `> `, and below them what they print; and blocks
whose first line is `# NAME.py` (or toml, yaml), which are files. Scripts that lie beside the page are at hand. After a
change that alters what is printed, write it anew:

    python -m tests.docs.console docs/tutorial.md ...
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parents[2]
_BLOCK: Final = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_FILE: Final = re.compile(r"# ([\w.-]+\.(?:py|toml|yaml))\n")
_SLEEP: Final = "sleep 3; kill -9 $!"
_PIP: Final = "pip install --quiet ."


@dataclass(frozen=True)
class Block:
    """A fenced block of a page."""

    language: str
    text: str


@dataclass
class Step:
    """A command of a page, and what the page says that it prints."""

    command: str
    printed: list[str] = field(default_factory=list)


def blocks(page: Path) -> list[Block]:
    """The fenced blocks of a page, in order."""
    return [Block(*found) for found in _BLOCK.findall(page.read_text(encoding="utf-8"))]


def steps(text: str) -> list[Step]:
    """The commands of a console block."""
    found: list[Step] = []
    for line in text.splitlines():
        if line.startswith("$ "):
            found.append(Step(line[2:]))
        elif line.startswith("> ") and not found[-1].printed:
            found[-1].command += "\n" + line[2:]
        else:
            found[-1].printed.append(line)
    return found


def alike(text: str) -> str:
    """`text` without what is another time or another machine's."""
    text = re.sub(r"\d+\.\d+ ?s\b", "N s", text)
    return re.sub(r"[\d,]+ bytes", "N bytes", text)


def play(page: Path, folder: Path) -> Iterator[tuple[Step, str]]:
    """Do what a page does in an empty folder; each step with what it printed here."""
    for script in page.parent.glob("*.py"):
        shutil.copy(script, folder)
    for block in blocks(page):
        named = _FILE.match(block.text)
        if named:
            (folder / named[1]).write_text(block.text, encoding="utf-8")
        elif block.language == "console":
            for step in steps(block.text):
                yield step, _said(step.command, folder)


def _said(command: str, folder: Path) -> str:
    environment = {name: value for name, value in os.environ.items() if name not in ("CI", "COLUMNS", "GSS_DEBUG")}
    environment["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"  # a reader has pytest, not what we add to it
    environment["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), environment["PATH"]])
    environment["PYTHONPATH"] = os.pathsep.join([str(folder / "site"), environment.get("PYTHONPATH", "")])
    # A page's reader waits as long as it says; here the run is waited for, so that a slow machine is no failing test.
    if command.endswith(_SLEEP):
        return _killed(command.removesuffix(_SLEEP), folder, environment)
    command = command.replace(_PIP, f"python -m {_PIP} --no-deps --no-build-isolation --no-index --target site")
    done = subprocess.run(
        ["bash", "-c", command],
        cwd=folder,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=100,
        check=False,
    )
    return done.stdout.rstrip("\n")


def _killed(command: str, folder: Path, environment: dict[str, str]) -> str:
    from genai_social_sim import Run
    from genai_social_sim.errors import RecordError

    before = set(folder.glob("runs/*.sqlite"))
    process = subprocess.Popen(
        ["bash", "-c", f"exec {command.rstrip().removesuffix('&')}"], cwd=folder, env=environment
    )
    deadline = time.monotonic() + 60
    try:
        while time.monotonic() < deadline:
            for path in set(folder.glob("runs/*.sqlite")) - before:
                try:
                    with Run(path) as run:
                        if run.turns > 4:
                            return ""
                except RecordError:
                    pass
            time.sleep(0.02)
    finally:
        process.kill()
        process.wait()
    raise RuntimeError(f"it never came so far: {command}")


def written_anew(page: Path, folder: Path) -> str:
    """The page with what its commands print here, where that differs in more than times."""
    played = play(page, folder)

    def anew(found: re.Match[str]) -> str:
        if found[1] != "console":
            return found[0]
        lines = []
        for step in steps(found[2]):
            printed = next(played)[1]
            lines.append("$ " + step.command.replace("\n", "\n> "))
            before = "\n".join(step.printed)
            kept = before if alike(before) == alike(printed) else printed
            lines += [kept] if kept else []
        return "```console\n" + "\n".join(lines) + "\n```"

    return _BLOCK.sub(anew, page.read_text(encoding="utf-8"))


def main() -> None:
    for name in sys.argv[1:]:
        with tempfile.TemporaryDirectory() as folder:
            page = Path(name)
            page.write_text(written_anew(page, Path(folder)), encoding="utf-8")


if __name__ == "__main__":
    main()

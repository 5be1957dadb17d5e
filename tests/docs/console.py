"""Runs what pages print: files that they show are written, commands are run in order, and what they say is compared.

A page may hold blocks of `console`: commands after `$ `, gone on with `> `, and below them what they print; blocks of
`terminal`, whose one command goes on in another terminal: until the next `console` block is done or, where the page
shows a `^C`, to the end of the page; and blocks whose first line is `# NAME.py` (or toml, yaml), which are files.
Scripts that lie beside the page are at hand, and a broker for pages that speak of GSS_BROKER. After a change that
alters what is printed, write it anew:

    python -m tests.docs.console docs/tutorial.md ...
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from tests.support.brokers import running_valkey

ROOT: Final = Path(__file__).resolve().parents[2]
_BLOCK: Final = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_FILE: Final = re.compile(r"# ([\w.-]+\.(?:py|toml|yaml))\n")
_SLEEP: Final = "sleep 3; kill -9 $!"
_PATIENCE_S: Final = 60.0
_QUIET_S: Final = 1.0  # without a word, after which an endless command has said all
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


def as_shown(printed: str) -> str:
    """What was printed, with the usual port of a broker in the place of the one that was free here."""
    return re.sub(r"redis://127\.0\.0\.1:\d+", "redis://127.0.0.1:6379", printed).rstrip("\n")


def play(page: Path, folder: Path) -> list[tuple[Step, str]]:
    """Do what a page does in an empty folder; each step with what it printed here."""
    for script in page.parent.glob("*.py"):
        shutil.copy(script, folder)
    with ExitStack() as stack:
        environment = _environment(folder)
        if "GSS_BROKER" in page.read_text(encoding="utf-8"):
            environment["GSS_BROKER"] = stack.enter_context(running_valkey(folder / ".broker")).url
        return _played(blocks(page), folder, environment)


def _played(page: list[Block], folder: Path, environment: dict[str, str]) -> list[tuple[Step, str]]:
    done: list[tuple[Step, str]] = []
    others: list[Terminal] = []
    for block in page:
        if named := _FILE.match(block.text):
            (folder / named[1]).write_text(block.text, encoding="utf-8")
        elif block.language == "terminal":
            (step,) = steps(block.text)
            others.append(Terminal(step, folder, environment, place=len(done)))
            done.append((step, ""))
        elif block.language == "console":
            done += [(step, _said(step.command, folder, environment)) for step in steps(block.text)]
            for other in others:
                other.wait_if_it_ends()
    for other in others:
        done[other.place] = (other.step, other.end())
    return done


class Terminal:
    """A command that goes on while the page does; it has said something when this has been made."""

    def __init__(self, step: Step, folder: Path, environment: dict[str, str], *, place: int) -> None:
        self.step = step
        self.place = place  # among the page's steps
        self._endless = "^C" in step.printed
        self._said: list[str] = []
        self._process = subprocess.Popen(
            ["bash", "-c", f"exec {step.command}"],
            cwd=folder,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self._news = threading.Event()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        self._news.wait(_PATIENCE_S)

    def wait_if_it_ends(self) -> None:
        if not self._endless:
            self._reader.join(_PATIENCE_S)

    def end(self) -> str:
        """End it as the page does; what it said."""
        while self._endless and self._news.wait(_QUIET_S):
            self._news.clear()
        if self._endless:
            self._process.send_signal(signal.SIGINT)
        self._reader.join(_PATIENCE_S)
        self._process.kill()
        said = as_shown("".join(self._said)).splitlines()
        if self._endless:
            said.insert(-1, "^C")  # as a terminal shows it
        return "\n".join(said)

    def _read(self) -> None:
        with self._process:
            for line in self._process.stdout or ():
                self._said.append(line)
                self._news.set()


def _environment(folder: Path) -> dict[str, str]:
    unwanted = ("CI", "COLUMNS", "GSS_DEBUG", "GSS_BROKER")
    environment = {name: value for name, value in os.environ.items() if name not in unwanted}
    environment["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"  # a reader has pytest, not what we add to it
    environment["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), environment["PATH"]])
    environment["PYTHONPATH"] = os.pathsep.join([str(folder / "site"), environment.get("PYTHONPATH", "")])
    return environment


def _said(command: str, folder: Path, environment: dict[str, str]) -> str:
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
    return as_shown(done.stdout)


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
    played = iter(play(page, folder))

    def anew(found: re.Match[str]) -> str:
        if found[1] not in ("console", "terminal"):
            return found[0]
        lines = []
        for step in steps(found[2]):
            printed = next(played)[1]
            lines.append("$ " + step.command.replace("\n", "\n> "))
            before = "\n".join(step.printed)
            kept = before if alike(before) == alike(printed) else printed
            lines += [kept] if kept else []
        return f"```{found[1]}\n" + "\n".join(lines) + "\n```"

    return _BLOCK.sub(anew, page.read_text(encoding="utf-8"))


def main() -> None:
    for name in sys.argv[1:]:
        with tempfile.TemporaryDirectory() as folder:
            page = Path(name)
            page.write_text(written_anew(page, Path(folder)), encoding="utf-8")


if __name__ == "__main__":
    main()

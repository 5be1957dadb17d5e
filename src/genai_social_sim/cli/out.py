"""What the commands print with: lines, JSON envelopes, command lines to paste; and the run files they are given."""

from __future__ import annotations

import json
import shlex
import sys
from collections.abc import Iterable, Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Final

from rich.text import Text

from genai_social_sim.domain.visible import visible
from genai_social_sim.errors import RequestError
from genai_social_sim.observers.transcript import console_on

_SUFFIX: Final = ".sqlite"
_NEAR: Final = 3  # run files named in a remedy


def envelope(data: Any, *, warnings: Sequence[str] = ()) -> None:
    """The one JSON document of a command that did what it was asked."""
    json_line({"ok": True, "data": data, "warnings": list(warnings)})


def json_line(document: Any) -> None:
    """A document on a line; all but ASCII is escaped, so that it is safe on any terminal and in any encoding."""
    sys.stdout.write(json.dumps(document, allow_nan=False) + "\n")
    sys.stdout.flush()


def say(text: str | Text = "", *, style: str = "") -> None:
    """A line on standard output. Long ones are left to the terminal to wrap, so that they can be copied."""
    line = Text(visible(text), style=style) if isinstance(text, str) else text
    console_on(sys.stdout).print(line, soft_wrap=True)


def facts(rows: Iterable[tuple[str, str]]) -> None:
    """Labels and what they say, aligned; further lines of a value stand below its first."""
    kept = [(label, value) for label, value in rows if value]
    width = max((len(label) for label, _ in kept), default=0) + 2
    for label, value in kept:
        shown = visible(value).replace("\n", "\n" + " " * width)
        say(Text(f"{label:<{width}}", style="bold").append(shown, style="not bold"))


def advice(title: str, rows: Sequence[tuple[str, str]]) -> None:
    """Command lines to paste, each with what it does: beside it or, where that is too long, below it."""
    say()
    say(title, style="bold")
    width = max(len(visible(command)) for command, _ in rows) + 2
    longest = 2 + width + max(len(words) for _, words in rows)
    console = console_on(sys.stdout)
    below = console.is_terminal and longest > console.width
    for command, words in rows:
        if below:
            say(f"  {command}")
            say(f"      {words}", style="dim")
        else:
            say(Text(f"  {visible(command):<{width}}").append(words, style="dim"))


def warn(doubts: Iterable[str]) -> None:
    """What is worth knowing beforehand, on stderr, a line each."""
    for words in doubts:
        sys.stderr.write(f"warning: {visible(words)}\n")


def hint(words: str) -> None:
    """Advice beside the output: on standard error, and to people only."""
    if sys.stderr.isatty():
        sys.stderr.write(f"{visible(words)}\n")


def command(*words: str | Path) -> str:
    """A command line to paste into a shell."""
    return " ".join([word if word.startswith("gss ") else shlex.quote(word) for word in map(str, words)])


def number_of(count: int, noun: str) -> str:
    """`1 turn`, `1,200 turns`."""
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def existing(path: Path) -> Path:
    """A run file that a user named; raises RequestError naming near ones if there is none."""
    if path.is_dir():
        raise RequestError("this is a folder, not a run file", where=str(path), remedy=_near(path.name, path))
    if path.exists():
        return path
    folder = path.parent if path.parent != Path() else Path("runs")
    raise RequestError("there is no such run file", where=str(path), remedy=_near(path.name, folder))


def _near(name: str, folder: Path) -> str:
    try:
        there = {found.name: found for found in sorted(folder.glob(f"*{_SUFFIX}"))}
        there |= {found.name: found for found in sorted(Path("runs").glob(f"*{_SUFFIX}"))}
    except OSError:
        there = {}
    if not there:
        return "`gss run STUDY` writes run files, into the folder runs unless told otherwise."
    named = [found for found in there if name and name.removesuffix(_SUFFIX) in found]
    close = named or get_close_matches(name, there, n=_NEAR, cutoff=0.5) or list(there)
    return f"Did you mean {' or '.join([shlex.quote(str(there[found])) for found in close[:_NEAR]])}?"

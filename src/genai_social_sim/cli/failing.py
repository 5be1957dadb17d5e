"""How failures end: three lines on standard error or one JSON document, an exit code, never a traceback.

It imports nothing that is slow or that could fail for the same reason.
"""

from __future__ import annotations

import json
import os
import platform
import sys
import tempfile
import traceback
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

import click

from genai_social_sim.cli.command import INTERRUPTED
from genai_social_sim.domain.visible import visible
from genai_social_sim.errors import SocialSimError

DEBUG: Final = "GSS_DEBUG"
_LINES: Final = ("error", "where", "remedy")


class InterruptedRunError(SocialSimError):
    """Somebody stopped a run; its record is in order. `data`: what became of several, for `--json`."""

    code = "interrupted"
    exit_code = INTERRUPTED

    def __init__(self, problem: str, *, where: str = "", remedy: str = "", data: Any = None) -> None:
        super().__init__(problem, where=where, remedy=remedy)
        self.data = data


class FoundWantingError(SocialSimError):
    """A check was made and its result is bad. `data` is the result, for `--json`."""

    code = "found-wanting"

    def __init__(self, problem: str, *, where: str, remedy: str, data: Any) -> None:
        super().__init__(problem, where=where, remedy=remedy)
        self.data = data


def told(fault: BaseException, *, as_json: bool) -> int:
    """Tell a person or a program what went wrong; the exit code."""
    code, words, exit_code = _in_words(fault)
    with suppress(OSError):  # nobody reads; the exit code says it, too
        _write(fault, code, words, as_json=as_json)
    return exit_code


def _write(fault: BaseException, code: str, words: tuple[str, str, str], *, as_json: bool) -> None:
    if as_json:
        error = {"code": code, "message": words[0], "where": words[1], "remedy": words[2]}
        document: dict[str, Any] = {"ok": False, "error": error}
        if (data := getattr(fault, "data", None)) is not None:
            document["data"] = data
        sys.stdout.write(json.dumps(document) + "\n")
    else:
        label = "stopped" if isinstance(fault, InterruptedRunError) else _LINES[0]
        _write_lines(label, words)


def _in_words(fault: BaseException) -> tuple[str, tuple[str, str, str], int]:
    if isinstance(fault, SocialSimError):
        return fault.code, (fault.problem, fault.where, fault.remedy), fault.exit_code
    if isinstance(fault, click.ClickException):
        return "usage", _of_usage(fault), fault.exit_code
    if isinstance(fault, KeyboardInterrupt | click.Abort):
        return "interrupted", ("interrupted", "", ""), INTERRUPTED
    if isinstance(fault, OSError) and fault.strerror:
        return "system", (f"the system refused: {fault.strerror}", str(fault.filename or ""), ""), 1
    return "unexpected", _unexpected(fault), 1


def _of_usage(fault: click.ClickException) -> tuple[str, str, str]:
    context = getattr(fault, "ctx", None)
    path = context.command_path if context is not None else "gss"
    message = fault.format_message().strip().rstrip(".")
    return message[:1].lower() + message[1:], path, f"{path} --help"


def _unexpected(fault: BaseException) -> tuple[str, str, str]:
    details = "".join(traceback.format_exception(fault))
    if os.environ.get(DEBUG):
        sys.stderr.write(details)
    what = f"{type(fault).__name__}: {fault}" if str(fault) else type(fault).__name__
    remedy = (
        f"This is a mistake in genai-social-sim. Please report it with that file; {DEBUG}=1 shows the details here."
    )
    return f"something unexpected happened ({what})", _written(details), remedy


def _written(details: str) -> str:
    """Where the details were written; empty if nowhere."""
    about = f"{' '.join(sys.argv)}\nPython {platform.python_version()} on {platform.platform()}\n\n"
    for folder in _folders():
        try:
            folder.mkdir(parents=True, exist_ok=True)
            handle, name = tempfile.mkstemp(prefix="gss-error-", suffix=".txt", dir=folder)
            with os.fdopen(handle, "w", encoding="utf-8", errors="backslashreplace") as file:
                file.write(about + details)
        except OSError:
            continue
        return name
    return ""


def _folders() -> list[Path]:
    try:
        from platformdirs import user_log_path

        return [user_log_path("genai-social-sim", appauthor=False), Path(tempfile.gettempdir())]
    except (ImportError, OSError, RuntimeError):
        return [Path(tempfile.gettempdir())]


def _write_lines(label: str, words: tuple[str, str, str]) -> None:
    coloured = sys.stderr.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
    for name, line in zip((label, *_LINES[1:]), words, strict=True):
        if line:
            shown = visible(line, keep="\n").replace("\n", "\n  ")
            sys.stderr.write(f"\x1b[1;31m{name}:\x1b[0m {shown}\n" if coloured else f"{name}: {shown}\n")

"""`gss doctor`: what works on this machine, and what to do about what does not."""

from __future__ import annotations

import os
import platform
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import asdict
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Final

from rich.text import Text

from genai_social_sim.cli import backend_health, broker_health, out
from genai_social_sim.cli.findings import REINSTALL, Finding, folder
from genai_social_sim.domain.visible import visible
from genai_social_sim.engine.shape import is_compiled
from genai_social_sim.errors import RequestError, SocialSimError

_OLDEST: Final = (3, 51, 3)  # the first SQLite without the WAL-reset bug
_SIGNS: Final = {
    "ok": ("ok     ", "green"),
    "doubtful": ("doubt  ", "yellow"),
    "missing": ("missing", "yellow"),
    "broken": ("BROKEN ", "bold red"),
}


class UnfitError(SocialSimError):
    """Something that is needed does not work."""

    code = "unfit"
    data: object = None


def examine(runs: Path, *, broker: str | None = None, as_json: bool) -> None:
    """Look at everything, and say it; raises UnfitError if something that is needed is broken."""
    findings = []
    for check in (
        _python,
        _package,
        _sqlite,
        lambda: folder("runs folder", runs, "--runs FOLDER"),
        lambda: folder("locks folder", Path(tempfile.gettempdir()), "set TMPDIR=FOLDER"),
        *backend_health.CHECKS,
        *([lambda: broker_health.findings(broker)] if broker else []),
        _terminal,
    ):
        for finding in _looked(check):
            findings.append(finding)
            if not as_json:
                _print(finding)
    data = [asdict(finding) for finding in findings]
    broken = [finding.what for finding in findings if finding.state == "broken"]
    if broken:
        fault = UnfitError(
            f"something that is needed does not work: {', '.join(broken)}", remedy="Do what its remedy says."
        )
        fault.data = data
        raise fault
    if as_json:
        out.envelope(data)
    else:
        out.say()
        out.say("All that is needed works.", style="bold")
        if any(finding.state == "missing" for finding in findings):
            out.say("What is missing is needed by studies on that backend only.")


def _looked(check: Callable[[], Finding | list[Finding]]) -> list[Finding]:
    try:
        found = check()
        return found if isinstance(found, list) else [found]
    except RequestError:
        raise
    except Exception as fault:  # noqa: BLE001 (whatever is broken here: that is what is asked)
        what = getattr(check, "__name__", "check").strip("_")
        return [Finding(what=what, state="broken", found=f"{type(fault).__name__}: {fault}", remedy=REINSTALL)]


def _print(finding: Finding) -> None:
    sign, style = _SIGNS[finding.state]
    line = Text(sign, style=style).append(f"  {finding.what:<18}", style="not bold default")
    out.say(line.append(visible(finding.found, keep=""), style="not bold default"))
    if finding.remedy:
        out.say(f"         {'':<18}-> {finding.remedy}")


def _python() -> Finding:
    found = f"{platform.python_version()} ({sys.executable})"
    if sys.version_info < (3, 11):  # noqa: UP036 (pip can be made to install it anyway)
        return Finding(what="Python", state="broken", found=found, remedy="Install Python 3.11 or newer.")
    return Finding(what="Python", state="ok", found=found)


def _package() -> Finding:
    try:
        found = f"{version('genai-social-sim')}, {'compiled' if is_compiled() else 'pure Python'}"
        return Finding(what="genai-social-sim", state="ok", found=found)
    except PackageNotFoundError:
        found = "it runs, but was not installed as a package"
        return Finding(what="genai-social-sim", state="broken", found=found, remedy="pip install .")


def _sqlite() -> Finding:
    import apsw

    library = apsw.sqlite_lib_version()
    found = f"{library} through apsw {apsw.apsw_version()}"
    if tuple(int(part) for part in library.split(".")) < _OLDEST:
        return Finding(what="SQLite", state="broken", found=found, remedy="pip install --upgrade apsw")
    db = apsw.Connection(":memory:")
    works = db.execute("""SELECT '{"a": [1]}' ->> '$.a[0]'""").get == 1
    db.close()
    return Finding(what="SQLite", state="ok" if works else "broken", found=found, remedy="" if works else REINSTALL)


def _terminal() -> Finding:
    return Finding(what="terminal", state="ok", found=", ".join(_said_of_terminal()))


def _said_of_terminal() -> Iterator[str]:
    if not sys.stdout.isatty():
        yield "standard output is no terminal: plain text, no colours"
    else:
        size = shutil.get_terminal_size()
        yield f"{size.columns} columns"
        yield "no colours (NO_COLOR)" if os.environ.get("NO_COLOR") else "colours"
    encoding = str(sys.stdout.encoding).upper()
    yield encoding if encoding.startswith("UTF") else f"{encoding}: other characters are escaped (set PYTHONUTF8=1)"

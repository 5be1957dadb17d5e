"""`gss doctor`: what works on this machine, and what to do about what does not."""

from __future__ import annotations

import os
import platform
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Final, Literal

from rich.text import Text

from genai_social_sim.cli import out
from genai_social_sim.domain.visible import visible
from genai_social_sim.errors import SocialSimError

State = Literal["ok", "missing", "broken"]
_SIGNS: Final = {"ok": ("ok     ", "green"), "missing": ("missing", "yellow"), "broken": ("BROKEN ", "bold red")}
_ROOM: Final = 100 << 20  # bytes; below that a run of any length may fill the disk
_OLDEST: Final = (3, 51, 3)  # the first SQLite without the WAL-reset bug


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What was looked at, and what was found. `missing`: some studies need it; `broken`: everything does."""

    what: str
    state: State
    found: str
    remedy: str = ""


class UnfitError(SocialSimError):
    """Something that is needed does not work."""

    code = "unfit"
    data: object = None


def examine(runs: Path, *, as_json: bool) -> None:
    """Look at everything, and say it; raises UnfitError if something that is needed is broken."""
    findings = []
    for check in (
        _python,
        _package,
        _sqlite,
        lambda: _folder("runs folder", runs, "--runs FOLDER"),
        *_EMBEDDED,
        _terminal,
    ):
        finding = _looked(check)
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
            out.say("What is missing is needed by studies on the embedded model only.")


def _looked(check: Callable[[], Finding]) -> Finding:
    try:
        return check()
    except Exception as fault:  # noqa: BLE001 (whatever is broken here: that is what is asked)
        what = getattr(check, "__name__", "check").strip("_")
        return Finding(what=what, state="broken", found=f"{type(fault).__name__}: {fault}", remedy=_REINSTALL)


_REINSTALL: Final = "Install it anew: pip install --force-reinstall genai-social-sim"


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
        return Finding(what="genai-social-sim", state="ok", found=version("genai-social-sim"))
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
    return Finding(what="SQLite", state="ok" if works else "broken", found=found, remedy="" if works else _REINSTALL)


def _folder(what: str, folder: Path, instead: str) -> Finding:
    """Whether files can be made there, or in the folder that it would be made in."""
    place = folder.absolute()
    while not place.exists() and place != place.parent:
        place = place.parent
    try:
        with tempfile.TemporaryFile(dir=place):
            free = shutil.disk_usage(place).free
    except OSError as fault:
        found = f"{folder.absolute()} cannot be written to ({fault.strerror})"
        return Finding(what=what, state="broken", found=found, remedy=f"Choose another one: {instead}.")
    found = f"{folder.absolute()}, {free / 1e9:,.1f} GB free"
    if free < _ROOM:
        return Finding(what=what, state="broken", found=found, remedy=f"Make room, or choose another one: {instead}.")
    return Finding(what=what, state="ok", found=found)


def _engine() -> Finding:
    try:
        import_module("xllamacpp")
    except Exception as fault:  # noqa: BLE001 (a wheel for another processor fails in many ways)
        found = f"xllamacpp cannot be imported ({fault})"
        return Finding(what="embedded engine", state="missing", found=found, remedy="pip install --upgrade xllamacpp")
    return Finding(what="embedded engine", state="ok", found=f"llama.cpp through xllamacpp {version('xllamacpp')}")


def _cache() -> Finding:
    from genai_social_sim.backends.weights import cache

    return _folder("model cache", cache(), "set GSS_CACHE=FOLDER")


def _weights() -> Finding:
    from genai_social_sim.backends import weights

    default = weights.KNOWN[weights.DEFAULT]
    path, pull = weights.path_of(default), f"gss models pull {default.name}"
    if not path.exists():
        words = f"{default.name} is not fetched yet ({default.size / 1e6:,.0f} MB); the first run that needs it does so"
        return Finding(what="model weights", state="missing", found=words, remedy=f"To have it before: {pull}")
    if not weights.present(default) or weights.file_hash(path) != default.hash:
        return Finding(
            what="model weights", state="broken", found=f"{path} is damaged", remedy=f"Fetch it anew: {pull}"
        )
    return Finding(what="model weights", state="ok", found=f"{path}, SHA-256 checked")


_EMBEDDED: Final = (_engine, _cache, _weights)


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

"""A study file's bytes -> its text. It knows nothing of YAML."""

from __future__ import annotations

from difflib import get_close_matches
from pathlib import Path
from typing import Final

from genai_social_sim.errors import SpecError

MAX_BYTES: Final = 16 * 1024 * 1024
_OTHER_CODES: Final = ((b"\xff\xfe", "UTF-16"), (b"\xfe\xff", "UTF-16"))


def read_text(path: Path) -> str:
    """The text of a study file; raises SpecError."""
    return decoded(_bytes(path), name=str(path))


def decoded(raw: bytes, *, name: str) -> str:
    """`raw` as UTF-8, without a byte order mark; raises SpecError naming the first byte that is not."""
    for sign, code in _OTHER_CODES:
        if raw.startswith(sign):
            raise SpecError(
                f"the file is {code}, not UTF-8", remedy="Save it as UTF-8 in your editor.", where=f"{name}:1:1"
            )
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as fault:
        raw = fault.object  # utf-8-sig has cut the byte order mark off
        before = raw[: fault.start]
        line_start = before.rfind(b"\n") + 1
        line, column = before.count(b"\n") + 1, len(before[line_start:].decode()) + 1
        raise SpecError(
            f"the byte 0x{raw[fault.start]:02X} at offset {fault.start} is not UTF-8",
            remedy="Save the file as UTF-8 in your editor.",
            where=f"{name}:{line}:{column}",
        ) from None


def _bytes(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            raw = file.read(MAX_BYTES + 1)
    except IsADirectoryError:
        raise _refused(path, "this is a folder, not a study file", _inside(path)) from None
    except FileNotFoundError:
        raise _refused(path, "there is no such file", _nearest(path)) from None
    except PermissionError:
        remedy = f"Check who may read it: `ls -l {path}`."
        raise _refused(path, "this file may not be read by you", remedy) from None
    except (OSError, ValueError) as fault:
        reason = getattr(fault, "strerror", None) or str(fault)
        raise _refused(path, f"the file cannot be read: {reason}", "Name another file.") from None
    if len(raw) > MAX_BYTES:
        remedy = "Check that this is the file you mean."
        raise _refused(path, f"a study file may hold at most {MAX_BYTES // 2**20} MiB", remedy)
    return raw


def _refused(path: Path, problem: str, remedy: str) -> SpecError:
    return SpecError(problem, remedy=remedy, where=str(path))


def _inside(path: Path) -> str:
    try:
        studies = sorted(path.glob("*.y*ml"))
    except OSError:
        studies = []
    return f"Name the file in it: {studies[0]}." if studies else "Name the file in it."


def _nearest(path: Path) -> str:
    try:
        names = [other.name for other in path.parent.iterdir() if other.suffix in (".yaml", ".yml")]
    except OSError:
        return f"There is no folder {path.parent} either; check the path."
    close = get_close_matches(path.name, names, n=1) or sorted(names)[:1]
    if close:
        return f"Did you mean {path.parent / close[0]}?"
    return "`gss init NAME` writes a study file to start from."

"""What `gss doctor` finds: a thing, its state, and what to do about it; and whether files can be made in a folder."""

from __future__ import annotations

import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

State = Literal["ok", "doubtful", "missing", "broken"]
ROOM: Final = 100 << 20  # bytes; below that a run of any length may fill the disk
REINSTALL: Final = "Install it anew: pip install --force-reinstall genai-social-sim"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What was looked at, and what was found.

    `doubtful`: it works, and may disappoint; `missing`: some studies need it; `broken`: everything does.
    """

    what: str
    state: State
    found: str
    remedy: str = ""


def folder(what: str, folder: Path, instead: str, *, room: int = ROOM) -> Finding:
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
    if free < room:
        return Finding(what=what, state="broken", found=found, remedy=f"Make room, or choose another one: {instead}.")
    return Finding(what=what, state="ok", found=found)

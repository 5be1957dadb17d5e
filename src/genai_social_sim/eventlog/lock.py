"""Who works on a run file: a lock in this machine's folder for temporary files, which the system lets go of by itself.

Only this machine sees it. A session records where its lock lies, so that a reader elsewhere knows that it cannot tell.
"""

from __future__ import annotations

import platform
from hashlib import sha256
from pathlib import Path
from tempfile import gettempdir
from typing import Final

from filelock import FileLock, Timeout

from genai_social_sim.errors import RecordError

_PATIENCE_S: Final = 0.25  # with readers, who hold a lock for an instant to see whether it is free


def taken(path: Path) -> FileLock:
    """The lock of the one writer, until it is released or this process ends; raises RecordError if another has it."""
    lock = FileLock(_file(path))
    try:
        lock.acquire(timeout=_PATIENCE_S)
    except Timeout:
        raise RecordError(
            "another process is working on this run",
            where=str(path),
            remedy=f"Watch it with: gss observe {path} --follow",
        ) from None
    except OSError as fault:
        raise RecordError(
            f"the lock of this run cannot be taken ({fault.strerror})",
            where=str(lock.lock_file),
            remedy="It belongs to another user or its folder is read-only: set TMPDIR to a folder of your own.",
        ) from fault
    return lock


def is_taken(path: Path) -> bool | None:
    """Whether a process of this machine works on a run; None if that cannot be told."""
    file = _file(path)
    try:
        if not file.exists():
            return False
        with FileLock(file).acquire(timeout=0):
            return False
    except Timeout:
        return True
    except OSError:
        return None


def place(path: Path) -> str:
    """Where a run's lock lies, as a record may say it: equal for who sees the same lock, and without a name."""
    file = _file(path)
    try:
        folder = file.parent.stat().st_ino
    except OSError:
        folder = 0
    return sha256(f"{platform.node()}\n{folder}\n{file}".encode()).hexdigest()[:24]


def _file(path: Path) -> Path:
    name = sha256(str(path.resolve()).encode()).hexdigest()[:24]
    return Path(gettempdir()) / f"genai-social-sim-{name}.lock"

"""The served folder: which run files lie in it, under which names. Nothing outside it can be named."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from threading import Lock
from typing import Final, NamedTuple

from genai_social_sim.errors import RequestError
from genai_social_sim.web.sources import Record

SUFFIX: Final = ".sqlite"
_FRESH_S: Final = 0.3  # for which a listing serves all who ask
_REST: Final = 4  # a folder that takes long to list is left alone for so many times as long
_DEEPEST: Final = 8  # folders within folders
_MOST: Final = 100_000  # run files


class NoSuchRunError(RequestError):
    """The folder holds no run of this name."""

    code = "no-such-run"


class Stamp(NamedTuple):
    """What changes when a run file, or the log beside it, is written to."""

    changed: tuple[int, int]  # nanoseconds: of the file, and of its write-ahead log
    size: tuple[int, int]


class RunFile(NamedTuple):
    """A run file as the folder has it. `run` names it in addresses, `file` is its path within the folder.

    `given` is its path from where the page was started, `place` where it lies. There may be 100,000: no `Path` is made.
    """

    run: str
    file: str
    given: str
    place: str
    stamp: Stamp

    @property
    def path(self) -> Path:
        """Where it lies."""
        return Path(self.place)


class Folder:
    """All run files below `root`, or the one that `root` is. Links are not followed, whatever they point to.

    Args:
        root: The folder, or one run file.
        open_record: Opens a run file.
        elapsed: Seconds on a clock that never goes back.
    """

    def __init__(self, root: Path, open_record: Callable[[Path], Record], elapsed: Callable[[], float]) -> None:
        self.root = root.resolve()
        self._given = root
        self._open = open_record
        self._elapsed = elapsed
        self._lock = Lock()
        self._found: dict[str, RunFile] = {}
        self._looked = float("-inf")
        self._fresh_s = _FRESH_S

    def files(self) -> dict[str, RunFile]:
        """Those that lie there now, by the name that addresses have for them."""
        with self._lock:
            now = self._elapsed()
            if now - self._looked > self._fresh_s:
                self._found = self._named()
                self._looked = self._elapsed()
                self._fresh_s = max(_FRESH_S, _REST * (self._looked - now))
            return self._found

    def path(self, run: str) -> Path:
        """The file of a run; raises NoSuchRunError."""
        found = self._found.get(run) or self.files().get(run)
        if found is None or not _is_plain(found.path) or not found.path.resolve().is_relative_to(self.root):
            remedy = "The list of runs names all of them."
            raise NoSuchRunError(f"there is no run {run!r} in the folder", remedy=remedy)
        return found.path

    @contextmanager
    def record(self, run: str) -> Iterator[Record]:
        """The record of a run; raises NoSuchRunError, or RecordError if the file is none."""
        record = self._open(self.path(run))
        try:
            yield record
        finally:
            record.close()

    def _named(self) -> dict[str, RunFile]:
        found: dict[str, RunFile] = {}
        given, root = _before(self._given), _before(self.root)
        for inside, stamp in sorted(islice(self._walk(), _MOST), key=_in_bytes):
            file = _shown(inside.replace(os.sep, "/") if inside else self.root.name)
            run = _unused(file.removesuffix(SUFFIX).replace("/", "~"), found)
            shown, place = (given + inside, root + inside) if inside else (str(self._given), str(self.root))
            found[run] = RunFile(run, file, _shown(shown), place, stamp)
        return found

    def _walk(self) -> Iterator[tuple[str, Stamp]]:
        """Each run file by its path within the folder, which is empty for one that is served alone."""
        if not self.root.is_dir():
            stamp = _stamp(self.root, self.root.with_name(f"{self.root.name}-wal"))
            if stamp is not None:
                yield "", stamp
            return
        todo = [("", 0)]
        while todo:
            folder, depth = todo.pop()
            entries = _entries(self.root / folder)
            before = os.path.join(folder, "")
            for name, entry in entries.items():
                inside = before + name
                if entry.is_dir(follow_symlinks=False):
                    todo += [(inside, depth + 1)] if depth < _DEEPEST else []
                elif name.endswith(SUFFIX) and entry.is_file(follow_symlinks=False):
                    stamp = _stamp(entry, entries.get(f"{name}-wal"))
                    if stamp is not None:
                        yield inside, stamp


def _in_bytes(found: tuple[str, Stamp]) -> bytes:
    return os.fsencode(found[0])


def _before(folder: Path) -> str:
    """What stands before a path within a folder: nothing in the one that we are in."""
    return "" if folder == Path() else os.path.join(folder, "")


def _shown(name: str) -> str:
    """A name as text, whatever bytes it is made of."""
    return name if name.isascii() else os.fsencode(name).decode("utf-8", "replace")


def _entries(folder: Path) -> dict[str, os.DirEntry[str]]:
    try:
        with os.scandir(folder) as entries:
            return {entry.name: entry for entry in entries if not entry.name.startswith(".")}
    except OSError:
        return {}


def _stamp(file: Path | os.DirEntry[str], log: Path | os.DirEntry[str] | None) -> Stamp | None:
    """Of a file and the write-ahead log beside it; None if the file is gone."""
    own, beside = _stat(file), None if log is None else _stat(log)
    if own is None:
        return None
    if beside is None:
        return Stamp((own.st_mtime_ns, 0), (own.st_size, 0))
    return Stamp((own.st_mtime_ns, beside.st_mtime_ns), (own.st_size, beside.st_size))


def _stat(file: Path | os.DirEntry[str]) -> os.stat_result | None:
    try:
        return file.stat(follow_symlinks=False)
    except OSError:
        return None


def _unused(run: str, taken: dict[str, RunFile]) -> str:
    candidate, number = run, 1
    while candidate in taken or candidate in ("", ".", ".."):
        number += 1
        candidate = f"{run}~{number}"
    return candidate


def _is_plain(path: Path) -> bool:
    """Whether it is a file, and not a link to one."""
    found = _stat(path)
    return found is not None and stat.S_ISREG(found.st_mode)

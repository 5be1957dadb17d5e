# ruff: noqa: N802 (SQLite names the calls)
"""A disk that remembers what was written and what was synced, so that the power can be cut at any instant.

After a cut each file holds all that was written to it before its last sync. Of what was written later anything may be
there: nothing, or some writes and not others, whole or in part.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import apsw

from genai_social_sim.domain.dice import Dice

NAME = "power-cut"
BASE = apsw.vfs_names()[0]


@dataclass(frozen=True)
class Done:
    """One thing done to one file: `offset` and `data` of a write, `offset` of a truncation."""

    file: str
    what: str  # write, truncate, sync, delete
    offset: int = 0
    data: bytes = b""


@dataclass
class Disk:
    """Everything that was done, in order; `acknowledged` holds (length of `done`, events) after each append."""

    done: list[Done] = field(default_factory=list)
    acknowledged: list[tuple[int, int]] = field(default_factory=list)

    def promised(self, instant: int) -> int:
        """How many events had been acknowledged by then."""
        return max((events for after, events in self.acknowledged if after <= instant), default=0)

    def after_a_cut(self, instant: int, folder: Path, dice: Dice | None) -> None:
        """The files as they may be after a cut: what was synced, and with `dice` some of what was not."""
        past = self.done[:instant]
        for name in {each.file for each in past}:
            mine = [each for each in past if each.file == name]
            kept = self._kept(mine, dice)
            content = _applied(kept)
            if content is not None:
                (folder / name).write_bytes(content)

    def _kept(self, mine: list[Done], dice: Dice | None) -> list[Done]:
        synced = max((at for at, each in enumerate(mine) if each.what in ("sync", "delete")), default=-1)
        kept, loose = mine[: synced + 1], mine[synced + 1 :]
        return kept if dice is None else [*kept, *[_torn(each, dice) for each in loose if dice.below(2)]]


def _torn(each: Done, dice: Dice) -> Done:
    if each.what == "write" and len(each.data) > 512 and dice.below(4) == 0:
        return Done(each.file, each.what, each.offset, each.data[: 512 * dice.below(len(each.data) // 512)])
    return each


def _applied(kept: list[Done]) -> bytes | None:
    content: bytearray | None = None
    for each in kept:
        if each.what == "delete":
            content = None
            continue
        content = bytearray() if content is None else content
        if each.what == "write":
            content.extend(bytes(max(0, each.offset - len(content))))
            content[each.offset : each.offset + len(each.data)] = each.data
        elif each.what == "truncate":
            del content[each.offset :]
    return None if content is None else bytes(content)


class _File(apsw.VFSFile):
    def __init__(self, disk: Disk, name: Any, flags: list[int]) -> None:
        self._disk = disk
        path = name.filename() if isinstance(name, apsw.URIFilename) else name
        self._name = Path(path).name if path else ""
        super().__init__(BASE, name, flags)

    def _did(self, what: str, offset: int = 0, data: bytes = b"") -> None:
        if self._name:
            self._disk.done.append(Done(self._name, what, offset, data))

    def xWrite(self, data: bytes, offset: int) -> None:
        super().xWrite(data, offset)
        self._did("write", offset, bytes(data))

    def xTruncate(self, newsize: int) -> None:
        super().xTruncate(newsize)
        self._did("truncate", newsize)

    def xSync(self, flags: int) -> None:
        super().xSync(flags)
        self._did("sync")


class _Vfs(apsw.VFS):
    def __init__(self, disk: Disk) -> None:
        self._disk = disk
        super().__init__(NAME, BASE, makedefault=True)

    def xOpen(self, name: Any, flags: list[int]) -> _File:
        return _File(self._disk, name, flags)

    def xDelete(self, filename: str, syncdir: bool) -> None:
        super().xDelete(filename, syncdir)
        self._disk.done.append(Done(Path(filename).name, "delete"))


@contextmanager
def watched() -> Iterator[Disk]:
    """A disk on which every file that SQLite opens meanwhile is kept."""
    disk = Disk()
    vfs = _Vfs(disk)
    try:
        yield disk
    finally:
        vfs.unregister()

"""Openings by files in a folder, for runs that wait on this machine: no broker needed.

An opening is a file that a waiting run takes away. A run that waits holds a lock, which ends with its process however
that ends; by it a writer knows whether somebody waits.
"""

from __future__ import annotations

import asyncio
import os
import tempfile
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterable, Mapping, Sequence
from contextlib import ExitStack, aclosing, asynccontextmanager, suppress
from hashlib import sha256
from pathlib import Path
from typing import Final

from filelock import FileLock, Timeout

from genai_social_sim.broadcast.message import Malformed, read, written_opening
from genai_social_sim.domain.ids import ChannelId
from genai_social_sim.domain.plan import Opening
from genai_social_sim.errors import RecordError
from genai_social_sim.ports import Clock, Letter, Posted

_LOOK_S: Final = 0.1  # no file system tells in the same way on every machine that a file has come
_OPENING: Final = ".json"
_WAITING: Final = ".waiting"


class FolderLetterbox:
    """A letterbox in `folder`, which is made when it is needed. `note` is told what cannot be read."""

    def __init__(self, folder: Path, *, clock: Clock, note: Callable[[str], None] = lambda words: None) -> None:
        self._folder = folder
        self._clock = clock
        self._note = note

    async def post(self, channel: ChannelId, opening: Opening) -> Posted:
        """See `Letterbox.post`; raises RecordError if it cannot be written."""
        path = self._path(channel, _OPENING)
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            waiting, replaced = self._somebody_waits(channel), path.exists()  # looked at first: they may be quick
            _write(path, written_opening(channel, opening, self._clock.now()))
            return Posted(waiting=int(waiting), replaced=replaced)
        except OSError as fault:
            raise _refused(self._folder, fault) from fault

    @asynccontextmanager
    async def letters(self, channels: Sequence[ChannelId]) -> AsyncIterator[AsyncIterator[Letter]]:
        """See `Letterbox.letters`; raises RecordError if the folder cannot be used."""
        locks = {channel: FileLock(self._path(channel, _WAITING)) for channel in channels}
        with ExitStack() as held:
            try:
                self._folder.mkdir(parents=True, exist_ok=True)
                _wait_visibly(locks.values(), held)
            except OSError as fault:
                raise _refused(self._folder, fault) from fault
            async with aclosing(self._came(locks, held)) as letters:
                yield letters

    async def _came(self, locks: Mapping[ChannelId, FileLock], held: ExitStack) -> AsyncGenerator[Letter, None]:
        while True:
            for channel in locks:
                if opening := self._taken(channel):
                    yield Letter(channel, opening)
            await asyncio.sleep(_LOOK_S)
            _wait_visibly(locks.values(), held)  # in the place of another run that did and has begun

    async def close(self) -> None:
        """See `Letterbox.close`; leaves no lock behind, and no folder that is empty."""
        for path in self._folder.glob(f"*{_WAITING}"):
            with suppress(OSError, Timeout), FileLock(path, timeout=0):
                path.unlink()
        with suppress(OSError):
            self._folder.rmdir()

    def _somebody_waits(self, channel: ChannelId) -> bool:
        path = self._path(channel, _WAITING)
        if not path.exists():
            return False
        try:
            with FileLock(path, timeout=0):
                return False
        except Timeout:
            return True

    def _taken(self, channel: ChannelId) -> Opening | None:
        """The opening that lies there, which nobody else gets then."""
        path = self._path(channel, _OPENING)
        mine = path.with_suffix(f".{os.getpid()}")
        try:
            path.rename(mine)
        except FileNotFoundError:
            return None
        found = read(channel, mine.read_bytes())
        mine.unlink()
        if isinstance(found, Malformed):
            self._note(f"{path} is left out, since {found.why}: {found.begins}")
            return None
        return Opening(speaker=found.sender, text=found.text)

    def _path(self, channel: ChannelId, suffix: str) -> Path:
        """A file for a channel, whose name may hold what no file's may."""
        return self._folder / f"{sha256(channel.encode()).hexdigest()[:16]}{suffix}"


def _wait_visibly(locks: Iterable[FileLock], held: ExitStack) -> None:
    """Hold the locks by which others see that somebody waits, but for those that somebody else holds."""
    for lock in locks:
        if not lock.is_locked:
            with suppress(Timeout):
                held.enter_context(lock.acquire(timeout=0))


def _write(path: Path, data: bytes) -> None:
    """All of it or nothing, whenever somebody looks."""
    handle, name = tempfile.mkstemp(dir=path.parent, suffix=".part")
    with os.fdopen(handle, "wb") as file:
        file.write(data)
    Path(name).replace(path)


def _refused(folder: Path, fault: OSError) -> RecordError:
    remedy = "Choose another folder for run files with --runs FOLDER."
    return RecordError(f"the folder for openings cannot be used ({fault.strerror})", where=str(folder), remedy=remedy)

"""A run that is played in a process of its own: started, told what to play, listened to, and ended with this one."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from collections import deque
from collections.abc import Mapping
from contextlib import suppress
from types import TracebackType
from typing import TYPE_CHECKING, Any, Final

from genai_social_sim.api.outcome import Fault
from genai_social_sim.api.planned import Planned
from genai_social_sim.domain.visible import visible

if TYPE_CHECKING:
    from genai_social_sim.api.batch import Watch

_GRACE_S: Final = 30.0  # to stop in good order: a model may have to let go first
_KEPT: Final = 8  # last lines of what a process says on standard error
_LINE: Final = 1 << 20  # bytes of the longest line that a player says


class Elsewhere:
    """Plays runs in one other process, which is begun anew if it ended.

    Args:
        settings: As for `Study.run`, without what no pipe carries.
        watch: Told how it goes.
        sharers: How many such processes share what each model may be given to do at once.
    """

    def __init__(self, settings: Mapping[str, Any], watch: Watch, *, sharers: int) -> None:
        self._settings = settings
        self._watch = watch
        self._sharers = sharers
        self._process: asyncio.subprocess.Process | None = None
        self._listening: asyncio.Task[None] | None = None
        self._last_words: deque[str] = deque(maxlen=_KEPT)

    async def __aenter__(self) -> Elsewhere:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._end()

    async def play(self, planned: Planned) -> Fault | None:
        """See `Player.play`."""
        try:
            job = planned.job(self._settings, sharers=self._sharers)
            process = await self._begun()
            await _tell(process, job)
        except Exception as error:  # noqa: BLE001 (whatever ends one run is told, and ends no other)
            return Fault.of(error)
        try:
            return await self._heard(process, planned)
        except asyncio.CancelledError:
            with suppress(OSError, TimeoutError):
                await _tell(process, {"stop": True})
                await asyncio.wait_for(self._heard(process, planned), _GRACE_S)
            raise

    async def _begun(self) -> asyncio.subprocess.Process:
        if self._process is not None and self._process.returncode is None:
            return self._process
        alone: dict[str, Any] = {"start_new_session": True}  # Ctrl-C is for us, who tell it
        if os.name == "nt":
            alone = {"creationflags": getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0)}
        self._last_words.clear()
        self._process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "genai_social_sim.api.player",
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            limit=_LINE,
            **alone,
        )
        self._listening = asyncio.create_task(self._listen(self._process))
        return self._process

    async def _listen(self, process: asyncio.subprocess.Process) -> None:
        """What it says on standard error is kept for the case that it dies."""
        if process.stderr is not None:
            while said := await process.stderr.read(_LINE):
                self._last_words.extend(said.decode(errors="replace").splitlines())

    async def _heard(self, process: asyncio.subprocess.Process, planned: Planned) -> Fault | None:
        """What it says until the run is over."""
        if process.stdout is None:
            raise TypeError("the process was begun with a pipe")
        while line := await process.stdout.readline():
            said = json.loads(line)
            if "turns" in said:
                self._watch.moved(planned, said["turns"])
            elif "say" in said:
                self._watch.said(planned, said["say"])
            else:
                return Fault(**said["fault"]) if said["fault"] else None
        code = await process.wait()
        how = f"by signal {-code}" if code < 0 else f"with code {code}"
        words = visible("; ".join(self._last_words), keep="")
        return Fault(
            code="process", problem=f"the process that played it ended {how}" + (f": {words}" if words else "")
        )

    async def _end(self) -> None:
        """A process that stands idle ends once nobody can tell it anything more."""
        if self._process is not None and self._process.stdin is not None:
            self._process.stdin.close()
            await self._process.wait()
        if self._listening is not None:
            await self._listening


async def _tell(process: asyncio.subprocess.Process, what: Mapping[str, Any]) -> None:
    if process.stdin is None:
        raise TypeError("the process was begun with a pipe")
    process.stdin.write(json.dumps(what).encode() + b"\n")
    await process.stdin.drain()

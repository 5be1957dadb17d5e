"""Ctrl-C and its like: the first one lets a run stop in good order, the second one ends the process at once."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import Coroutine
from contextlib import suppress
from types import FrameType
from typing import Any, Final, TypeVar

from genai_social_sim.cli.command import INTERRUPTED

T = TypeVar("T")
_NAMES: Final = ("SIGINT", "SIGTERM", "SIGHUP")
_STDERR: Final = 2
_LEAVE_ALONE: Final = (signal.SIG_IGN, None)  # as `nohup` and background jobs want it


class Interrupts:
    """Runs a coroutine that signals can cancel."""

    def __init__(self, last_words: str) -> None:
        self.asked = False  # whether somebody wants the run to stop
        self._last_words = last_words
        self._task: asyncio.Task[Any] | None = None
        self._before: dict[signal.Signals, Any] = {}

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """The result of `work`; raises asyncio.CancelledError if it was interrupted."""
        try:
            self._listen()  # before asyncio does: it then leaves Ctrl-C to us
            return asyncio.run(self._owned(work))
        finally:
            for number, handler in self._before.items():
                signal.signal(number, handler)

    def check(self) -> None:
        """For long work that does not wait: raises asyncio.CancelledError if it shall stop."""
        if self.asked:
            raise asyncio.CancelledError

    def _listen(self) -> None:
        for name in _NAMES:
            number = getattr(signal, name, None)  # Windows has no SIGHUP
            if number is not None and signal.getsignal(number) not in _LEAVE_ALONE:
                self._before[number] = signal.signal(number, self._caught)

    async def _owned(self, work: Coroutine[Any, Any, T]) -> T:
        self._task = asyncio.current_task()
        if self.asked and self._task is not None:
            self._task.cancel()  # the signal came before there was anything to cancel
        return await work

    def _caught(self, number: int, frame: FrameType | None) -> None:
        if self.asked:
            with suppress(RuntimeError, OSError, ValueError):  # the signal may have come inside a write or a flush
                sys.stdout.flush()
            with suppress(OSError):
                os.write(_STDERR, f"\nstopped at once. {self._last_words}\n".encode())
            os._exit(INTERRUPTED)  # whatever hangs; the record holds all that was committed
        self.asked = True
        if self._task is not None:
            self._task.cancel()
            self._task.get_loop().call_soon_threadsafe(lambda: None)  # wake it

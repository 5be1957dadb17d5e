"""Lets a worker work for `gss worker`: prints what it says, and ends it in good order."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from types import FrameType
from typing import Final

from genai_social_sim.backends.registry import names
from genai_social_sim.cli import out
from genai_social_sim.cli.command import INTERRUPTED
from genai_social_sim.cli.failing import InterruptedRunError
from genai_social_sim.cli.parents import end_with_parent
from genai_social_sim.engine.clock import SystemClock
from genai_social_sim.errors import RequestError
from genai_social_sim.workers.transports import open_transport
from genai_social_sim.workers.trust import USUAL, Trust
from genai_social_sim.workers.worker import Tally, Told, Worker, WorkerTerms

_QUIET: Final = ("waits", "serves", "back", "server_up")


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """How somebody wants a worker to be."""

    broker: str
    backends: Sequence[str]
    slots: int | None
    allow: Sequence[str]
    name: str | None
    quiet: bool
    with_parent: bool
    as_json: bool


def serve(wish: Wish) -> None:
    """`gss worker`; raises InterruptedRunError after Ctrl-C."""
    unknown = [name for name in wish.backends if name not in names()]
    if unknown:
        raise RequestError(f"there is no backend {unknown[0]!r}", remedy=f"Use one of: {', '.join(names())}.")
    if wish.with_parent:
        end_with_parent()
    tally, asked = asyncio.run(_work(wish))
    if wish.as_json:
        out.envelope(asdict(tally))
    elif not wish.quiet:
        out.say(f"{out.number_of(tally.answered, 'answer')}, {out.number_of(tally.failed, 'failure')}")
    if asked == signal.SIGINT:
        raise InterruptedRunError("stopped; what it had in hand is done")


async def _work(wish: Wish) -> tuple[Tally, int]:
    transport = open_transport(wish.broker)
    try:
        terms = WorkerTerms(
            name=_name(wish),
            trust=Trust(backends=wish.backends or USUAL, allowed=wish.allow),
            slots=wish.slots,
        )
        worker = Worker(transport.serve(terms.name), terms, clock=SystemClock(), tell=lambda told: _print(wish, told))
        signals = _Signals(worker)
        where = wish.broker.rpartition("@")[2]
        _print(wish, Told(what="waits", words=f"worker {terms.name} takes work at {where}"))
        await worker.work()
    finally:
        await transport.close()
    return worker.tally, signals.asked


class _Signals:
    """The first signal lets a worker finish what it has, the second one ends the process at once."""

    def __init__(self, worker: Worker) -> None:
        self.asked = 0
        self._worker = worker
        self._loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, self._caught)

    def _caught(self, number: int, frame: FrameType | None) -> None:
        if self.asked:
            os._exit(INTERRUPTED)
        self.asked = number
        self._loop.call_soon_threadsafe(self._worker.leave)


def _name(wish: Wish) -> str:
    return wish.name or f"{socket.gethostname()}-{os.getpid()}"


def _print(wish: Wish, told: Told) -> None:
    if wish.as_json:
        out.json_line(asdict(told))
    elif not wish.quiet:
        out.say(told.words)
    elif told.what not in _QUIET:
        sys.stderr.write(f"worker {_name(wish)}: {told.words}\n")

"""Lanes: for each model a queue of jobs and as many workers as it takes calls at once.

A worker that has finished a call begins the next before any bookkeeping is done, so that a server is kept busy.
A back-off holds no worker. It knows no order and no log.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final

from genai_social_sim.domain.events import AttemptFailed
from genai_social_sim.engine.calls import Job, Report
from genai_social_sim.ports import LanguageModel

Ask = Callable[[LanguageModel, Job], Awaitable[Report]]


class Lane:
    """The jobs of one model. Finished ones go to `finished`."""

    def __init__(self, model: LanguageModel, *, slots: int, ask: Ask, finished: Finished) -> None:
        self.model: Final = model
        self._slots = slots
        self._ask = ask
        self._finished = finished
        self._jobs: asyncio.Queue[Job] = asyncio.Queue()

    def put(self, job: Job) -> None:
        """Add a job; the oldest is taken first."""
        self._jobs.put_nowait(job)

    def put_later(self, job: Job, delay_s: float) -> None:
        """Add a job after a pause that keeps nobody waiting."""
        asyncio.get_running_loop().call_later(delay_s, self.put, job)

    def start(self, tasks: asyncio.TaskGroup) -> list[asyncio.Task[None]]:
        """Let its workers begin."""
        return [tasks.create_task(self._work()) for _ in range(self._slots)]

    async def _work(self) -> None:
        while True:
            job = await self._jobs.get()
            self._finished.put(self, await self._ask(self.model, job))


class Finished:
    """Reports that wait to be written down."""

    def __init__(self) -> None:
        self._reports: list[tuple[Lane, Report]] = []
        self._some = asyncio.Event()

    def put(self, lane: Lane, report: Report) -> None:
        """Add one."""
        self._reports.append((lane, report))
        self._some.set()

    async def wait(self) -> None:
        """Until there is one, and until the workers that just finished have begun their next calls."""
        await self._some.wait()
        await asyncio.sleep(0)

    def take(self) -> list[tuple[Lane, Report]]:
        """All that have come in."""
        reports, self._reports = self._reports, []
        self._some.clear()
        return reports


def backoff_s(first_s: float, report: Report) -> float:
    """Seconds before the next attempt: doubled for each failure, half of it spread by the call's own seed."""
    failure = report.taken
    if not isinstance(failure, AttemptFailed):
        raise TypeError("only a failure is followed by another attempt")
    spread = (failure.asked.seed * 31 + failure.attempt) % 1000 / 1000
    return float(first_s * 2 ** ((failure.attempt - 1) % 16) * (0.5 + spread / 2))

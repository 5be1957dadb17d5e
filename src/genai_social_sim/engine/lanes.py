"""Lanes: for each model a queue of jobs and as many workers as it takes calls at once.

A worker that has finished a call begins the next before any bookkeeping is done, so that a server is kept busy.
A back-off holds no worker. It knows no order and no log.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final, NamedTuple

from genai_social_sim.domain.events import Answered, AttemptFailed, Noticed
from genai_social_sim.domain.text import Text
from genai_social_sim.domain.tuples import make
from genai_social_sim.engine.calls import Job, Report
from genai_social_sim.engine.pace import Pace
from genai_social_sim.ports import Clock, LanguageModel, ServedModel

Ask = Callable[[LanguageModel, Job], Awaitable[Report]]
_LETS_GO_S: Final = 1.0  # how long a worker may take to end once it is told to


class Finished:
    """Reports and notices that wait to be written down, and the first fault that no study foresaw."""

    def __init__(self) -> None:
        self._reports: list[tuple[Lane, Report]] = []
        self._notices: list[Noticed] = []
        self._some = asyncio.Event()
        self._fault: BaseException | None = None

    def put(self, lane: Lane, report: Report) -> None:
        """Add a report."""
        self._reports.append((lane, report))
        self._some.set()

    def notice(self, notice: Noticed) -> None:
        """Add a notice."""
        self._notices.append(notice)
        self._some.set()

    def ended(self, worker: asyncio.Task[None]) -> None:
        """A worker ended: of itself only by a bug in its backend."""
        if not worker.cancelled() and (fault := worker.exception()) is not None:
            self._fault = self._fault or fault
            self._some.set()

    async def wait(self, longest_s: float) -> bool:
        """Until there is something, and the workers that just finished have begun their next calls.

        False if nothing came in all that time. Raises what ended a worker.
        """
        try:
            async with asyncio.timeout(longest_s):
                await self._some.wait()
        except TimeoutError:
            return False
        await asyncio.sleep(0)
        if self._fault is not None:
            raise self._fault
        return True

    @property
    def some(self) -> bool:
        """Whether something has come in."""
        return bool(self._reports or self._notices)

    def take(self) -> tuple[list[tuple[Lane, Report]], list[Noticed]]:
        """All that has come in."""
        taken = self._reports, self._notices
        self._reports, self._notices = [], []
        self._some.clear()
        return taken


class Call(NamedTuple):
    """What a worker is waiting for, and since when."""

    job: Job
    since: float


class Lane:
    """The jobs of one model. What comes of them goes to `finished`."""

    def __init__(self, model: LanguageModel, *, slots: int, ask: Ask, finished: Finished, clock: Clock) -> None:
        self.model: Final = model
        self.where: Final = model.where if isinstance(model, ServedModel) else ""
        self.working: Final[dict[int, Call]] = {}  # by worker
        self._slots = slots
        self._ask = ask
        self._finished = finished
        self._clock = clock
        self._pace = Pace(slots) if self.where else None
        self._jobs: asyncio.Queue[Job] = asyncio.Queue()
        self._room = asyncio.Event()
        self._workers: dict[int, asyncio.Task[None]] = {}

    @property
    def turns_away(self) -> bool:
        """Whether its server seems to refuse all calls."""
        return self._pace is not None and self._pace.turns_away

    def put(self, job: Job) -> None:
        """Add a job; the oldest is taken first."""
        self._jobs.put_nowait(job)

    def put_later(self, job: Job, delay_s: float) -> None:
        """Add a job after a pause that keeps nobody waiting."""
        asyncio.get_running_loop().call_later(delay_s, self.put, job)

    def start(self) -> None:
        """Let its workers begin."""
        for number in range(self._slots):
            self._hire(number)

    async def stop(self) -> None:
        """End its workers; one that does not let go is left behind."""
        workers = list(self._workers.values())
        for worker in workers:
            worker.cancel()
        if workers:
            await asyncio.wait(workers, timeout=_LETS_GO_S)

    def give_up(self, number: int, report: Report) -> None:
        """Put another worker in the place of one whose backend does not come back, and report on its call."""
        del self.working[number]
        self._workers.pop(number).cancel()
        self._hire(number)
        self._done(report)

    def _done(self, report: Report) -> None:
        if self._pace is not None:
            self._adapt(self._pace, report)
        self._finished.put(self, report)

    def _hire(self, number: int) -> None:
        worker = asyncio.create_task(self._work(number))
        worker.add_done_callback(self._finished.ended)
        self._workers[number] = worker

    async def _work(self, number: int) -> None:
        me = asyncio.current_task()
        while True:
            job = await self._jobs.get()
            if self._pace is not None:  # looked at only now: workers that had nothing to do know no pace
                await self._until_there_is_room(self._pace)
            self.working[number] = make(Call, (job, self._clock.elapsed()))
            report = await self._ask(self.model, job)
            if self._workers.get(number) is not me:
                return  # given up meanwhile
            del self.working[number]
            self._done(report)

    async def _until_there_is_room(self, pace: Pace) -> None:
        while not pace.has_room(len(self.working), now := self._clock.elapsed()):
            self._room.clear()
            try:
                async with asyncio.timeout(max(0.001, pace.rests_until - now) if pace.rests_until > now else None):
                    await self._room.wait()
            except TimeoutError:
                continue

    def _adapt(self, pace: Pace, report: Report) -> None:
        taken, now = report.taken, self._clock.elapsed()
        seconds = taken.done_s - taken.sent_s
        if isinstance(taken, Answered):
            change = pace.answered(seconds, now)
        else:
            change = pace.failed(taken.cause, seconds, now, peace_s=report.peace_s)
        if change:
            words = f"{self.where} ({taken.detail.value})" if isinstance(taken, AttemptFailed) else self.where
            self._finished.notice(Noticed(what=change, turn=None, detail=Text.of(words)))
        self._room.set()

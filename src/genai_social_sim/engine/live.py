"""One run, live: the only loop. Asks for what is due, writes down what comes back, commits it in logical order."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from genai_social_sim.domain.events import AttemptFailed, Event, Taken
from genai_social_sim.domain.plan import Model
from genai_social_sim.engine.calls import Caller, Job, Report
from genai_social_sim.engine.conductor import Conductor
from genai_social_sim.engine.lanes import Finished, Lane, backoff_s
from genai_social_sim.errors import SocialSimError
from genai_social_sim.kernel.floor import Turn
from genai_social_sim.kernel.outcome import outcome_of
from genai_social_sim.kernel.run import RunState
from genai_social_sim.ports import Clock, Entry, EventLog, InstantModel, LanguageModel, Observer

_MOST_AT_ONCE: Final = 256  # instant answers in one commit
_LONGEST_S: Final = 0.1  # and how long they may take until observers hear of them


class HaltedError(SocialSimError):
    """A turn failed and the study says `on_failure: stop`; the run can be resumed."""

    code = "halted"


@dataclass(frozen=True, slots=True, kw_only=True)
class Past:
    """Where a run stands: its state, and answers that are in the log but have not taken effect."""

    state: RunState
    answers: Mapping[int, Taken]
    attempts: Mapping[int, int]  # made so far, by turn


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """What a run works with. `models`: an opened backend for each model of the plan.

    `slots`: calls at once for each of them, in place of what it offers. With `hurried`, instant answers share commits
    although each is ready by itself.
    """

    log: EventLog
    models: Mapping[Model, LanguageModel]
    clock: Clock
    observers: Sequence[Observer] = ()
    slots: int | None = None
    hurried: bool = False


class LiveRun:
    """Plays one run from where it stands to its end."""

    def __init__(self, past: Past, world: World) -> None:
        self._stage = past.state.stage
        self._conductor = Conductor(past.state)
        self._caller = Caller(self._stage, world.clock)
        self._world = world
        self._answers = dict(past.answers)
        self._attempts = past.attempts
        self._finished = Finished()
        self._instant: deque[Job] = deque()
        self._entries: list[Entry] = []
        self._waiting = 0  # jobs that are in a lane or pause before their next attempt
        self._since = 0.0  # when the oldest uncommitted answer came
        self._model_of = {agent.name: id(world.models[agent.model]) for agent in self._stage.plan.agents}
        opened = {id(model): model for model in world.models.values()}
        self._instant_models = {key: model for key, model in opened.items() if isinstance(model, InstantModel)}
        self._lanes = {key: self._lane(model) for key, model in opened.items() if key not in self._instant_models}

    async def play(self) -> None:
        """Until a stopping rule holds.

        Raises:
            HaltedError: If a turn failed and the study wants the run to stop then.
            RecordError: If the record cannot be written.
        """
        try:
            async with asyncio.TaskGroup() as tasks:
                workers = [task for lane in self._lanes.values() for task in lane.start(tasks)]
                try:
                    await self._loop()
                finally:
                    for worker in workers:
                        worker.cancel()
        except BaseExceptionGroup as several:
            raise several.exceptions[0] from None

    async def _loop(self) -> None:
        while not self._conductor.ended:
            self._hand_out()
            self._answer_instantly()
            self._take_reports()
            if self._must_commit():
                self._commit()
                await asyncio.sleep(0)
            elif not self._conductor.restless and not self._instant:
                if not self._waiting:
                    raise RuntimeError("nothing is due and nothing is awaited, but no stopping rule holds")
                await self._finished.wait()

    def _lane(self, model: LanguageModel) -> Lane:
        slots = min(model.slots, self._world.slots or model.slots)
        return Lane(model, slots=slots, ask=self._ask, finished=self._finished)

    async def _ask(self, model: LanguageModel, job: Job) -> Report:
        return await self._caller.waiting(model, job, self._conductor.state.floors[job.turn.index])

    def _hand_out(self) -> None:
        now = self._world.clock.elapsed()
        for turn in self._conductor.due():
            recorded = self._answers.pop(turn.number, None)
            if recorded is not None:
                self._take(turn, recorded)
                continue
            job = Job(turn, self._attempts.get(turn.number, 0) + 1, now)
            lane = self._lanes.get(self._model_of[turn.agent])
            if lane is None:
                self._instant.append(job)
            else:
                self._waiting += 1
                lane.put(job)
        self._settle()

    def _answer_instantly(self) -> None:
        for _ in range(min(len(self._instant), _MOST_AT_ONCE)):
            job = self._instant.popleft()
            model = self._instant_models[self._model_of[job.turn.agent]]
            report = self._caller.at_once(model, job, self._conductor.state.floors[job.turn.index])
            if self._write_down(report):
                self._instant.append(Job(job.turn, job.attempt + 1, job.due_at))
        self._settle()

    def _take_reports(self) -> None:
        for lane, report in self._finished.take():
            if self._write_down(report):
                job = report.job
                pause = backoff_s(self._stage.plan.timeouts.backoff_s, report)
                lane.put_later(Job(job.turn, job.attempt + 1, job.due_at), pause)
            else:
                self._waiting -= 1
        self._settle()

    def _write_down(self, report: Report) -> bool:
        """Put a report among what is committed next; whether there is to be another attempt."""
        if not self._entries:
            self._since = self._world.clock.elapsed()
        taken = report.taken
        self._entries.append(Entry(taken, report.prompt))
        if isinstance(taken, AttemptFailed) and not taken.final:
            return True
        self._take(report.job.turn, taken)
        return False

    def _take(self, turn: Turn, taken: Taken) -> None:
        outcome = outcome_of(self._stage, turn, taken)
        if outcome is None:
            self._settle()
            self._commit()
            raise _halted(turn, taken)
        self._conductor.take(turn, outcome)

    def _settle(self) -> None:
        self._entries.extend(map(Entry, self._conductor.settle()))

    def _must_commit(self) -> bool:
        """Whether what was taken has to be in the log before anything else is asked."""
        if not self._entries:
            return False
        if not self._world.hurried or self._waiting or self._conductor.ended or not self._conductor.restless:
            return True
        return len(self._entries) >= 2 * _MOST_AT_ONCE or self._world.clock.elapsed() - self._since > _LONGEST_S

    def _commit(self) -> None:
        if self._entries:
            entries, self._entries = self._entries, []
            append_and_tell(self._world, entries)


def append_and_tell(world: World, entries: Sequence[Entry]) -> None:
    """Write first, tell after."""
    world.log.append(entries)
    events: list[Event] = [entry.event for entry in entries]
    for observer in world.observers:
        observer.saw(events)


def _halted(turn: Turn, taken: Taken) -> HaltedError:
    detail = taken.detail.value if isinstance(taken, AttemptFailed) else ""
    return HaltedError(
        f"turn {turn.number} of {turn.agent} failed {taken.attempt} times ({detail}), and on_failure is stop"
    )

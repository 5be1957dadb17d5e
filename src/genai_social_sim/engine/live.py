"""One run, live: the only loop. Asks for what is due, writes down what comes back, commits it in logical order."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Final, cast

from genai_social_sim.domain.events import Answered, AttemptFailed, CallKey, Noticed, Taken
from genai_social_sim.domain.ids import AgentId
from genai_social_sim.domain.plan import Model
from genai_social_sim.domain.price import Prices
from genai_social_sim.domain.prompt import Prompt
from genai_social_sim.domain.text import Text
from genai_social_sim.domain.tuples import make
from genai_social_sim.engine.audience import Audience
from genai_social_sim.engine.budget import Budget, Spending
from genai_social_sim.engine.calls import Caller, Job, Report
from genai_social_sim.engine.conductor import Conductor
from genai_social_sim.engine.lanes import Finished, Lane
from genai_social_sim.engine.waiting import trusted, watched
from genai_social_sim.errors import SocialSimError
from genai_social_sim.kernel.encoders import encoders
from genai_social_sim.kernel.errands import came_of
from genai_social_sim.kernel.floor import Turn
from genai_social_sim.kernel.memory import RECALL
from genai_social_sim.kernel.state import RunState
from genai_social_sim.ports import (
    Clock,
    DispatchedModel,
    Entry,
    EventLog,
    InstantModel,
    LanguageModel,
    Observer,
    PunctualModel,
    ServedModel,
)

_MOST_AT_ONCE: Final = 256  # instant answers in one commit
_LET_S: Final = 0.01  # how long instant answers may keep the loop to themselves
_GRACE_S: Final = 5.0  # how far beyond its deadline a call may be before it counts as stuck
_LONGEST_S: Final = 0.1  # and how long they may take until observers hear of them


class HaltedError(SocialSimError):
    """A turn failed and the study says `on_failure: stop`; the run can be resumed."""

    code = "halted"


class DeniedError(HaltedError):
    """A model's server turns away whatever it is asked; the run can be resumed once that is mended."""

    code = "denied"


@dataclass(frozen=True, slots=True, kw_only=True)
class Past:
    """Where a run stands: its state, and answers that are in the log but have not taken effect."""

    state: RunState
    answers: Mapping[CallKey, Taken]
    attempts: Mapping[CallKey, int]  # made so far
    cost: float = 0.0  # of all answers in the log


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """What a run works with. `models`: an opened backend for each model of the plan.

    `slots`: calls at once for each of them, in place of what it offers. `sharers`: so many runs of this machine share
    what a model server is given to do at once; each has its part, and one call at least. With `hurried`, instant
    answers share commits although each is ready by itself.
    """

    log: EventLog
    models: Mapping[Model, LanguageModel]
    clock: Clock
    observers: Sequence[Observer] = ()
    slots: int | None = None
    sharers: int = 1
    hurried: bool = False
    budget: Budget = field(default_factory=Budget)
    prices: Prices = field(default_factory=Prices)


class LiveRun:
    """Plays one run from where it stands to its end."""

    def __init__(self, past: Past, world: World, audience: Audience) -> None:
        plan = past.state.stage.plan
        self._timeouts = plan.timeouts
        self._conductor = Conductor(past.state)
        self._caller = Caller(plan.timeouts, world.clock, world.prices)
        self._world = world
        self._audience = audience
        self._answers = dict(past.answers)
        self._attempts = past.attempts
        self._finished = Finished()
        self._instant: deque[Job] = deque()
        self._denied: DeniedError | None = None  # why nothing more is to be asked
        self._entries: list[Entry] = []
        self._waiting = 0  # jobs that are in a lane or pause before their next attempt
        self._since = 0.0  # when the oldest uncommitted answer came
        self._let_at = world.clock.elapsed()
        self._stuck_s = plan.timeouts.answer_s + _GRACE_S  # after which a call counts as stuck
        self._look_at = self._let_at + self._stuck_s  # when to see whether one does
        self._spending = Spending(world.budget, cost=past.cost, began=self._let_at)
        self._counts_cost = bool(world.prices.of) or world.budget.cost is not None
        self._backends = {(model.backend, model.options): opened for model, opened in world.models.items()}
        self._stage = past.state.stage
        self._model_of = self._by_agent()
        self._encoders = {
            encoder.options: self._backends[encoder.backend, encoder.options] for encoder in encoders(plan)
        }
        opened = {id(model): model for model in world.models.values()}
        self._lanes = {key: self._lane(each) for key, each in opened.items() if not isinstance(each, InstantModel)}

    async def play(self) -> None:
        """Until a stopping rule holds.

        Raises:
            HaltedError: If a turn failed and the study wants the run to stop then.
            DeniedError: If a model's server turns every call away.
            BudgetError: If the budget is used up.
            RecordError: If the record cannot be written.
        """
        for lane in self._lanes.values():
            lane.start()
        try:
            await self._loop()
        except asyncio.CancelledError:
            self._keep_what_came()
            raise
        finally:
            for lane in self._lanes.values():
                await lane.stop()

    async def _loop(self) -> None:
        self._entries.extend(map(Entry, self._conductor.left_out()))
        while not self._conductor.ended:
            self._hand_out()
            if self._instant:
                self._answer_instantly()
            if self._finished.some:
                self._take_reports()
            if self._must_commit():
                self._commit()
                self._look_whether_to_go_on()
                await self._let_others_run()
                self._look_for_the_stuck()
            elif not self._conductor.restless and not self._instant:
                if not self._waiting:
                    raise RuntimeError("nothing is due and nothing is awaited, but no stopping rule holds")
                if not await self._finished.wait(self._patience_s()):
                    self._look_whether_to_go_on()
                    self._look_for_the_stuck()
        self._commit()

    async def _let_others_run(self) -> None:
        """Workers at once if there are any; whatever else shares the loop often enough to feel no wait."""
        now = self._world.clock.elapsed()
        if self._waiting or now - self._let_at > _LET_S:
            self._let_at = now
            await asyncio.sleep(0)

    def _patience_s(self) -> float:
        """How long nothing may come in before somebody looks why."""
        now = self._world.clock.elapsed()
        return max(0.0, min(self._spending.left_s(now), self._look_at - now))

    def _look_for_the_stuck(self) -> None:
        """Give up calls far beyond their deadline, so that the study's policy can go on; also while others come in."""
        now = self._world.clock.elapsed()
        if now < self._look_at:
            return
        oldest = now
        for lane in self._lanes.values():
            if isinstance(lane.model, DispatchedModel):
                continue  # it looks after its calls itself
            for number, call in tuple(lane.working.items()):
                if now - call.since < self._stuck_s:
                    oldest = min(oldest, call.since)
                else:
                    self._give_up(lane, number, now)
        self._look_at = oldest + self._stuck_s

    def _give_up(self, lane: Lane, number: int, now: float) -> None:
        call = lane.working[number]
        turn, whom = call.job.turn, lane.where or type(lane.model).__name__
        why = (
            f"turn {turn.number} of {turn.agent} waits for {whom} since {now - call.since:.0f} s, "
            "beyond its deadline: the backend does not let go"
        )
        self._finished.notice(Noticed(what="stalled", turn=turn.number, detail=Text.of(why)))
        lane.give_up(number, self._caller.given_up(call.job, self._conductor.state, why, since=call.since))

    def _look_whether_to_go_on(self) -> None:
        if not self._conductor.ended:
            if self._denied is not None:
                raise self._denied
            tokens = self._conductor.state.progress.tokens
            self._spending.check(tokens=tokens, now=self._world.clock.elapsed())

    def _lane(self, model: LanguageModel) -> Lane:
        slots = self._world.slots or model.slots
        if isinstance(model, ServedModel) and self._world.slots is None:
            slots = max(1, slots // self._world.sharers)
        slots = min(model.slots, slots)
        ask = self._ask_punctual if isinstance(model, PunctualModel | DispatchedModel) else self._ask
        if isinstance(model, DispatchedModel):
            model.report_to(self._finished.notice)
        return Lane(model, slots=slots, ask=ask, finished=self._finished, clock=self._world.clock)

    async def _ask(self, model: LanguageModel, job: Job) -> Report:
        return await watched(self._caller, model, job, self._conductor.state)

    async def _ask_punctual(self, model: LanguageModel, job: Job) -> Report:
        return await trusted(self._caller, model, job, self._conductor.state)

    def _asked(self, turn: Turn) -> LanguageModel:
        """Which of the models that were opened answers."""
        if turn.aside == RECALL:
            return self._encoders[self._conductor.state.stage.model(turn).options]
        return self._model_of[turn.agent]

    def _hand_out(self) -> None:
        now, has_past = self._world.clock.elapsed(), bool(self._answers or self._attempts)
        if self._stage is not self._conductor.state.stage:  # perhaps another model answers for somebody
            self._stage = self._conductor.state.stage
            self._model_of = self._by_agent()
        for turn in self._conductor.due():
            attempts = 0
            if has_past:
                recorded = self._answers.pop(turn.key, None)
                if recorded is not None:
                    self._take(turn, recorded)
                    continue
                attempts = self._attempts.get(turn.key, 0)
            job = make(Job, (turn, attempts + 1, now, None))
            lane = self._lanes.get(id(self._asked(turn))) if self._lanes else None
            if lane is None:
                self._instant.append(job)
            else:
                self._waiting += 1
                lane.put(job)
        if self._conductor.unsettled:
            self._settle()

    def _by_agent(self) -> dict[AgentId, LanguageModel]:
        models = {agent.name: agent.model for agent in self._stage.plan.agents}
        return {name: self._backends[model.backend, model.options] for name, model in models.items()}

    def _answer_instantly(self) -> None:
        ask, jobs = self._caller.at_once, self._instant
        for _ in range(min(len(jobs), _MOST_AT_ONCE)):
            job = jobs.popleft()
            turn = job.turn
            taken, prompt = ask(cast("InstantModel", self._asked(turn)), job, self._conductor.state)
            self._write_down(taken, prompt)
            if isinstance(taken, Answered) or taken.final:
                self._take(turn, taken)
            else:
                jobs.append(Job(turn, job.attempt + 1, job.due_at))
        self._settle()

    def _take_reports(self) -> None:
        reports, notices = self._finished.take()
        self._entries.extend(map(Entry, notices))
        for lane, report in reports:
            self._write_down(report.taken, report.prompt)
            if lane.turns_away and isinstance(report.taken, AttemptFailed):
                self._denied = self._denied or _turned_away(lane.where, report.taken)
            self._waiting -= _is_decided(report)
            if not _is_decided(report):
                job = report.job
                lane.put_later(job._replace(attempt=job.attempt + 1), report.pause_s)
        for _, report in reports:
            if _is_decided(report):
                self._take(report.job.turn, report.taken)
        self._settle()

    def _keep_what_came(self) -> None:
        """Before an interrupt ends the run: what has come in is in the log and need not be asked again."""
        with suppress(HaltedError):  # an interrupt stays one; the failure is on the record all the same
            self._take_reports()
        self._commit()

    def _write_down(self, taken: Taken, prompt: Prompt) -> None:
        """Put an answer or a failure among what is committed next."""
        if not self._entries:
            self._since = self._world.clock.elapsed()
        if self._counts_cost:
            self._spending.add(taken)
        if isinstance(taken, AttemptFailed) and taken.cause == "denied":
            self._denied = self._denied or DeniedError(f"turn {taken.turn} was not answered: {taken.detail.value}")
        self._entries.append(make(Entry, (taken, prompt)))

    def _take(self, turn: Turn, taken: Taken) -> None:
        outcome = came_of(self._conductor.state, turn, taken)
        if outcome is None:
            self._settle()
            self._commit()
            raise _halted(turn, taken)
        self._conductor.take(turn, outcome)

    def _settle(self) -> None:
        self._entries += [make(Entry, (event, None)) for event in self._conductor.settle()]

    def _must_commit(self) -> bool:
        """Whether what was taken has to be in the log before anything else is asked."""
        if not self._entries:
            return False
        if (
            not self._world.hurried
            or self._denied
            or self._waiting
            or self._conductor.ended
            or not self._conductor.restless
        ):
            return True
        return len(self._entries) >= 2 * _MOST_AT_ONCE or self._world.clock.elapsed() - self._since > _LONGEST_S

    def _commit(self) -> None:
        if self._entries:
            entries, self._entries = self._entries, []
            self._audience.append(entries)


def _is_decided(report: Report) -> bool:
    """Whether a report settles its turn; else there is another attempt."""
    return not isinstance(report.taken, AttemptFailed) or report.taken.final


def _turned_away(where: str, last: AttemptFailed) -> DeniedError:
    return DeniedError(
        f"{where} has refused call after call and answered none in between; turn {last.turn} last: {last.detail.value}"
    )


def _halted(turn: Turn, taken: Taken) -> HaltedError:
    detail = taken.detail.value if isinstance(taken, AttemptFailed) else ""
    return HaltedError(
        f"turn {turn.number} of {turn.agent} failed {taken.attempt} times ({detail}), and on_failure is stop"
    )

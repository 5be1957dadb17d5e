"""Kinds of tables about runs as wholes: what each came to, and the condition that it belongs to."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from genai_social_sim.domain.events import (
    Answered,
    Event,
    FellSilent,
    RunEnded,
    RunStarted,
    SessionStarted,
    Spoke,
    Status,
    status_after,
)
from genai_social_sim.export.facts import Facts, currency_in
from genai_social_sim.export.kinds import ASSIGNED, Fold, Kind, assigned, moment
from genai_social_sim.export.source import Source, Step
from genai_social_sim.export.tables import Cell, Column, Row
from genai_social_sim.export.transcript import RUN
from genai_social_sim.ports import Recorded

_STATUS: Final = "running, finished, interrupted, failed or killed (its process ended without a word)"


class _Runs(Fold):
    def __init__(self, source: Source) -> None:
        super().__init__(source)
        self._start: tuple[Cell, ...] = (None,) * 6
        self._status: Status | None = None
        self._ended: tuple[Cell, Cell] = (None, None)
        self._sessions = self._spoke = self._silent = self._prompt_tokens = self._answer_tokens = 0
        self._cost: float | None = None
        self._currency: str | None = None

    def take(self, step: Step) -> Iterable[Row]:
        if step.recorded is not None:
            self._count(step.recorded, step.recorded.event)
        return ()

    def end(self) -> Iterable[Row]:
        status = self.source.status or self._status
        counts = (self._spoke + self._silent, self._spoke, self._silent, self._prompt_tokens, self._answer_tokens)
        cost = (None if self._cost is None else round(self._cost, 9), self._currency)
        known = (self.run, *self._start, status, self.source.digest, *counts, *cost, self._sessions, *self._ended)
        parent = self.source.origin.parent
        yield (*known, *assigned(self.source), *((parent.run, parent.at_turn) if parent else (None, None)))

    def _count(self, recorded: Recorded, event: Event) -> None:
        self._status = status_after(self._status or "running", event)
        match event:
            case RunStarted():
                facts = Facts(event)
                sizes = (len(facts.names), sum(1 for _ in facts.channels()))
                self._start = (facts.name, facts.digest, event.seed, *sizes, moment(recorded.at))
            case SessionStarted():
                self._sessions += 1
                self._currency = currency_in(event.about.value) or self._currency
            case Spoke():
                self._spoke += 1
            case FellSilent():
                self._silent += 1
            case Answered():
                self._prompt_tokens += event.prompt_tokens
                self._answer_tokens += event.answer_tokens
                if event.cost is not None:
                    self._cost = (self._cost or 0.0) + event.cost
            case RunEnded():
                self._ended = (moment(recorded.at), event.reason)
            case _:
                pass  # openings and failures are counted in other tables


RUNS: Final = Kind(
    name="runs",
    description="One row for each run.",
    columns=(
        RUN,
        Column("name", "text", "Name of the study."),
        Column(
            "study_digest",
            "text",
            "SHA-256 of the resolved study, hexadecimal, without what its seed drew: equal for runs of the same study.",
        ),
        Column("seed", "integer", "The run's seed, which decides all its chance."),
        Column("agents", "integer", "Number of agents."),
        Column("channels", "integer", "Number of channels."),
        Column("started_at", "time", "When the record was begun."),
        Column("status", "text", f"Where it stood when it was exported: {_STATUS}."),
        Column("digest", "text", "Hash over all that happened, hexadecimal: equal exactly for equal runs."),
        Column("turns", "integer", "Turns that were taken."),
        Column("spoke", "integer", "Turns in which the agent said something."),
        Column("silent", "integer", "Turns in which it said nothing."),
        Column("prompt_tokens", "integer", "Tokens of all prompts that were answered."),
        Column("answer_tokens", "integer", "Tokens of all answers."),
        Column("cost", "number", "What all answers cost at the study's prices; no value without prices."),
        Column("currency", "text", "What `cost` is counted in, as the study calls it."),
        Column("sessions", "integer", "Processes that worked on it: one more than it was resumed."),
        Column("ended_at", "time", "When a stopping rule held; no value before."),
        Column("ended_why", "text", "The stopping rule that held, in words."),
        *ASSIGNED,
        Column("parent", "text", "Of a fork: the name of the run file that it comes from, as it was then."),
        Column("fork_turn", "integer", "Of a fork: the first turn that is not its parent's."),
    ),
    fold=_Runs,
)


class _Conditions(Fold):
    takes = ()

    def end(self) -> Iterable[Row]:
        for factor, level in self.source.origin.assignment.levels.items():
            yield (self.run, *assigned(self.source), factor, level)


CONDITIONS: Final = Kind(
    name="conditions",
    description="One row for each factor of a run's condition; none for a study without factors.",
    columns=(
        RUN,
        *ASSIGNED,
        Column("factor", "text", "Name of the factor."),
        Column("level", "text", "What it is in this condition, by name."),
    ),
    fold=_Conditions,
)

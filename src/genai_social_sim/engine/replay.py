"""Re-executes a recorded run from its answers: the same kernel, no model, no waiting."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import takewhile

from genai_social_sim.domain.events import Between, CallKey, Logical, Outcome, Remembered, RunStarted, Taken
from genai_social_sim.domain.text import Text
from genai_social_sim.engine.conductor import Conductor
from genai_social_sim.kernel.errands import came_of
from genai_social_sim.kernel.floor import Turn
from genai_social_sim.kernel.run import apply, openings
from genai_social_sim.kernel.stage import Stage
from genai_social_sim.kernel.state import start
from genai_social_sim.ports import Entry, EventLog

Find = Callable[[CallKey], Taken | None]
_MOST_AT_ONCE = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Replayed:
    """What a replay came to. `differs` names the first turn whose prompt, parameters or seed are not as recorded."""

    digest: bytes
    turns: int
    differs: str = ""


def replay(stage: Stage, study: Text, log: EventLog, find: Find, *, turns: int, beside: int = 0) -> Replayed:
    """Play a run again.

    Args:
        stage: The plan that the record's study makes.
        study: That study, as it is recorded.
        log: Where the events go; only its digest is used.
        find: The recorded answer or last failure of a call.
        turns: How many turns the record has committed.
        beside: How many probes and interventions it has committed after the last of them.
    """
    state = start(stage)
    opened = openings(state)
    log.append([Entry(RunStarted(study=study, seed=stage.plan.seed)), *map(Entry, opened)])
    for event in opened:
        state = apply(state, event)
    conductor = Conductor(state)
    kept = _Kept(turns, beside)
    log.append(kept.of(conductor.left_out()))
    while not conductor.ended and conductor.state.progress.turns <= turns:
        given = [turn for turn in conductor.due() if turn.number < turns or (turn.aside and find(turn.key))]
        for turn in given:
            problem = _play(conductor, turn, find)
            if problem:
                return Replayed(digest=log.digest, turns=conductor.state.progress.turns, differs=problem)
        events = conductor.settle()
        if not events and not given:
            break
        log.append(kept.of(events))
    return Replayed(digest=log.digest, turns=min(turns, conductor.state.progress.turns))


@dataclass(slots=True)
class _Kept:
    """Which events are within the record: `turns` turns and, after the last of them, so many things `beside`."""

    turns: int
    beside: int

    def of(self, events: Sequence[Logical]) -> list[Entry]:
        return [Entry(event) for event in takewhile(self._holds, events)]

    def _holds(self, event: Logical) -> bool:
        if isinstance(event, Outcome | Remembered):
            return event.turn < self.turns
        if isinstance(event, Between) and event.turn == self.turns:
            self.beside -= 1
        return self.beside >= 0


def _play(conductor: Conductor, turn: Turn, find: Find) -> str:
    stage = conductor.state.stage
    taken = find(turn.key)
    if taken is None:
        return f"turn {turn.number}: the record holds no answer"
    asked = stage.asked(turn, stage.prompt(turn, conductor.state.floors[turn.channel_no]))
    for what in ("prompt", "params", "seed"):
        if getattr(asked, what) != getattr(taken.asked, what):
            return f"turn {turn.number} ({turn.agent}): the {what} differs from the recorded one"
    outcome = came_of(conductor.state, turn, taken)
    if outcome is None:
        return f"turn {turn.number}: the record goes on after a failure that stops the run"
    conductor.take(turn, outcome)
    return ""

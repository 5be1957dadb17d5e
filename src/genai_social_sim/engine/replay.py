"""Re-executes a recorded run from its answers: the same kernel, no model, no waiting."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from genai_social_sim.domain.events import RunStarted, Taken
from genai_social_sim.domain.text import Text
from genai_social_sim.engine.conductor import Conductor
from genai_social_sim.kernel.floor import Turn
from genai_social_sim.kernel.outcome import outcome_of
from genai_social_sim.kernel.run import apply, openings, start
from genai_social_sim.kernel.stage import Stage
from genai_social_sim.ports import Entry, EventLog

Find = Callable[[int], Taken | None]
_MOST_AT_ONCE = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Replayed:
    """What a replay came to. `differs` names the first turn whose prompt, parameters or seed are not as recorded."""

    digest: bytes
    turns: int
    differs: str = ""


def replay(stage: Stage, study: Text, log: EventLog, find: Find, *, turns: int) -> Replayed:
    """Play a run again.

    Args:
        stage: The plan that the record's study makes.
        study: That study, as it is recorded.
        log: Where the events go; only its digest is used.
        find: The recorded answer or last failure of a turn.
        turns: How many turns the record has committed.
    """
    state = start(stage)
    opened = openings(state)
    log.append([Entry(RunStarted(study=study, seed=stage.plan.seed)), *map(Entry, opened)])
    for event in opened:
        state = apply(state, event)
    conductor = Conductor(state)
    while not conductor.ended and conductor.state.progress.turns < turns:
        given = _given(conductor, turns)
        for turn in given:
            problem = _play(conductor, turn, find)
            if problem:
                return Replayed(digest=log.digest, turns=conductor.state.progress.turns, differs=problem)
        events = conductor.settle()
        if not events and not given:
            break
        log.append([Entry(event) for event in events])
    return Replayed(digest=log.digest, turns=conductor.state.progress.turns)


def _given(conductor: Conductor, turns: int) -> list[Turn]:
    return [turn for turn in conductor.due() if turn.number < turns]


def _play(conductor: Conductor, turn: Turn, find: Find) -> str:
    stage = conductor.state.stage
    taken = find(turn.number)
    if taken is None:
        return f"turn {turn.number}: the record holds no answer"
    asked = stage.asked(turn, stage.prompt(turn, conductor.state.floors[turn.channel_no]))
    for what in ("prompt", "params", "seed"):
        if getattr(asked, what) != getattr(taken.asked, what):
            return f"turn {turn.number} ({turn.agent}): the {what} differs from the recorded one"
    outcome = outcome_of(stage, turn, taken)
    if outcome is None:
        return f"turn {turn.number}: the record goes on after a failure that stops the run"
    conductor.take(turn, outcome)
    return ""

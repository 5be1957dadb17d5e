"""From a log back to where its run stands. It reads events and asks no model."""

from __future__ import annotations

from collections.abc import Iterable

from genai_social_sim.domain.events import Answered, AttemptFailed, FellSilent, Spoke, Taken
from genai_social_sim.engine.live import Past
from genai_social_sim.kernel.run import apply, start
from genai_social_sim.kernel.stage import Stage
from genai_social_sim.ports import Recorded


def recovered(stage: Stage, events: Iterable[Recorded]) -> Past:
    """The state after `events`, and the answers among them that have not taken effect."""
    state = start(stage)
    answers: dict[int, Taken] = {}
    attempts: dict[int, int] = {}
    cost = 0.0
    stops = stage.plan.timeouts.on_failure == "stop"
    for recorded in events:
        event = recorded.event
        match event:
            case Answered():
                answers[event.turn] = event
                cost += event.cost or 0.0
            case AttemptFailed():
                attempts[event.turn] = event.attempt
                if event.final and not stops:
                    answers[event.turn] = event
            case Spoke() | FellSilent():
                answers.pop(event.turn, None)
                attempts.pop(event.turn, None)
                state = apply(state, event)
            case _:
                state = apply(state, event)
    return Past(state=state, answers=answers, attempts=attempts, cost=cost)

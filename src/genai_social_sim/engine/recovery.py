"""From a log back to where its run stands. It reads events and asks no model."""

from __future__ import annotations

from collections.abc import Iterable

from genai_social_sim.domain.events import (
    Answered,
    AttemptFailed,
    CallKey,
    Exercised,
    FellSilent,
    Probed,
    Remembered,
    Spoke,
    Taken,
)
from genai_social_sim.domain.ids import AgentId
from genai_social_sim.domain.line import Line
from genai_social_sim.engine.live import Past
from genai_social_sim.kernel.floor import due
from genai_social_sim.kernel.run import apply
from genai_social_sim.kernel.stage import Stage
from genai_social_sim.kernel.state import start
from genai_social_sim.ports import EventReader, Recorded


def heard_before(stage: Stage, turn: int, log: EventReader) -> tuple[AgentId, tuple[Line, ...]]:
    """Whose turn it was and what it had been shown then; it reads the log up to there. () for a turn still open."""
    state = start(stage)
    for recorded in log.events():
        event = recorded.event
        if isinstance(event, Spoke | FellSilent) and event.turn == turn:
            index = state.stage.channel_index[event.channel]
            then = due(state.stage.rooms[index], state.floors[index])[0]
            return event.agent, state.stage.view(then, state.floors[index]).heard
        state = apply(state, event)
    return AgentId(""), ()


def recovered(stage: Stage, events: Iterable[Recorded]) -> Past:
    """The state after `events`, and the answers among them that have not taken effect."""
    state = start(stage)
    answers: dict[CallKey, Taken] = {}
    attempts: dict[CallKey, int] = {}
    cost = 0.0
    stops = stage.plan.timeouts.on_failure == "stop"
    for recorded in events:
        event = recorded.event
        match event:
            case Answered():
                answers[event.key] = event
                cost += event.cost or 0.0
            case AttemptFailed():
                attempts[event.key] = event.attempt
                if event.final and not stops:
                    answers[event.key] = event
            case Spoke() | FellSilent() | Exercised() | Probed() | Remembered():
                answers.pop(event.key, None)
                attempts.pop(event.key, None)
                state = apply(state, event)
            case _:
                state = apply(state, event)
    return Past(state=state, answers=answers, attempts=attempts, cost=cost)

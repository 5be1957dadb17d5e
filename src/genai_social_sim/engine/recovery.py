"""From a log back to where its run stands. It reads events and asks no model."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple, assert_never

from genai_social_sim.domain.events import (
    Answered,
    AttemptFailed,
    CallKey,
    Consequence,
    Exercised,
    FellSilent,
    Probed,
    Remembered,
    Spoke,
    Taken,
)
from genai_social_sim.domain.ids import AgentId
from genai_social_sim.domain.power import POWERS_ASKED
from genai_social_sim.domain.prompt import Prompt
from genai_social_sim.engine.live import Past
from genai_social_sim.kernel.floor import Turn, due
from genai_social_sim.kernel.memory import View
from genai_social_sim.kernel.powers import petition
from genai_social_sim.kernel.run import apply
from genai_social_sim.kernel.stage import Stage
from genai_social_sim.kernel.state import RunState, start
from genai_social_sim.ports import Recorded


class Shown(NamedTuple):
    """What a call showed of the past, and the prompt that this makes."""

    agent: AgentId
    view: View
    prompt: Prompt


def shown_before(stage: Stage, key: CallKey, events: Iterable[Recorded]) -> Shown | None:
    """What a call showed, worked out from the run's `events` up to there. None for one that has not taken effect."""
    state = start(stage)
    for recorded in events:
        event = recorded.event
        if isinstance(event, Consequence) and event.key == key:
            then, floor = _call_of(state, event), state.floors[state.stage.channel_index[event.channel]]
            view = state.stage.view(then, floor)
            return Shown(event.agent, view, state.stage.prompt_after(then, view))
        state = apply(state, event)
    return None


def _call_of(state: RunState, event: Consequence) -> Turn:
    index = state.stage.channel_index[event.channel]
    match event:
        case Spoke() | FellSilent():
            return due(state.stage.rooms[index], state.floors[index])[0]
        case Remembered(aside=name):
            return due(state.stage.rooms[index], state.floors[index])[0]._replace(aside=name)
        case Probed(probe=name):
            return Turn(event.turn, event.channel, index, event.round, -1, event.agent, name)
        case Exercised():
            asked = petition(state, index)
            return asked or Turn(event.turn, event.channel, index, event.round, -1, event.agent, POWERS_ASKED)
        case _ as unknown:
            assert_never(unknown)


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

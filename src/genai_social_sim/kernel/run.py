"""The state of a run as a fold over its events, and what is due in it: `decide` and `apply`.

Channels are heard in their own order (`hear`), which may be ahead of the run's logical order, in which events are
applied: a fast channel waits for a slow one only where the study makes it. Knows nothing of how answers are had.
"""

from __future__ import annotations

from typing import NamedTuple, assert_never

from genai_social_sim.domain.events import (
    Answered,
    AttemptFailed,
    Event,
    FellSilent,
    Noticed,
    Opened,
    Outcome,
    RunEnded,
    RunStarted,
    SessionEnded,
    SessionStarted,
    Spoke,
)
from genai_social_sim.domain.plan import RunPlan
from genai_social_sim.domain.text import Text
from genai_social_sim.domain.vector import Vector
from genai_social_sim.kernel.floor import Floor, Turn, due, opened, took
from genai_social_sim.kernel.stage import Stage
from genai_social_sim.kernel.stopping import Progress, counted, reached


class RunState(NamedTuple):
    """A run after some of its events."""

    stage: Stage
    floors: Vector[Floor]
    progress: Progress
    openings: int = 0  # channels opened so far


def start(stage: Stage) -> RunState:
    """The state before the first event."""
    return RunState(stage, Vector([Floor()] * len(stage.plan.channels)), Progress())


def openings(state: RunState) -> tuple[Opened, ...]:
    """The openings not yet in the log, in the order of their channels."""
    todo = [channel for channel in state.stage.plan.channels if channel.opening]
    return tuple(
        Opened(channel=channel.name, speaker=channel.opening.speaker, text=Text.of(channel.opening.text))
        for channel in todo[state.openings :]
        if channel.opening
    )


def decide(state: RunState, index: int) -> tuple[Turn, ...]:
    """The turns of a channel that are due: certain to be in the run, and not too far ahead of what is committed.

    () if the run is over or the channel has to wait for others.
    """
    stage, progress = state.stage, state.progress
    floor = state.floors[index]
    if progress.ended or floor.round > progress.turns // stage.plan.round_size + stage.lookahead:
        return ()
    turns = due(stage.rooms[index], floor)
    if turns[-1].number < stage.bound:
        return turns
    return tuple([turn for turn in turns if turn.number < stage.bound])


def ending(plan: RunPlan, progress: Progress) -> RunEnded | None:
    """The event that ends the run, if a stopping rule holds now."""
    if progress.ended:
        return None
    reason = reached(plan, progress)
    return RunEnded(reason=reason, turns=progress.turns) if reason else None


def hear(state: RunState, *outcomes: Outcome) -> RunState:
    """One channel after turns of it, in order; the run's own count is not moved. Turns heard before change nothing.

    Raises:
        ValueError: If turns of this channel before them have not been heard.
    """
    stage = state.stage
    index = stage.channel_index[outcomes[0].channel]
    floor = before = state.floors[index]
    for outcome in outcomes:
        number = next_turn(stage, index, floor)
        if outcome.turn > number:
            raise ValueError(f"turn {outcome.turn} of channel {outcome.channel} is out of order: {number} is next")
        if outcome.turn == number:
            line = stage.line(outcome) if isinstance(outcome, Spoke) else None
            floor = took(stage.rooms[index], floor, agent=outcome.agent, line=line)
    if floor is before:
        return state
    return RunState(stage, state.floors.replaced(index, floor), state.progress, state.openings)


def next_turn(stage: Stage, index: int, floor: Floor) -> int:
    """The number of a channel's next turn."""
    return floor.round * stage.plan.round_size + stage.plan.offsets[index] + floor.position


def apply(state: RunState, event: Event) -> RunState:
    """The state after an event of the log."""
    match event:
        case Spoke() | FellSilent():
            heard = hear(state, event)
            return heard._replace(progress=counted(heard.progress, event))
        case Opened():
            index = state.stage.channel_index[event.channel]
            line = state.stage.line(event)
            floor = opened(state.stage.rooms[index], state.floors[index], line)
            return state._replace(floors=state.floors.replaced(index, floor), openings=state.openings + 1)
        case RunEnded():
            return state._replace(progress=state.progress._replace(ended=event.reason))
        case RunStarted() | Answered() | AttemptFailed() | SessionStarted() | SessionEnded() | Noticed():
            return state
        case _ as unknown:
            assert_never(unknown)

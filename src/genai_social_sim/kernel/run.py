"""The state of a run as a fold over its events, and what is due in it: `decide` and `apply`.

Channels are heard in their own order (`hear`), which may be ahead of the run's logical order, in which events are
applied: a fast channel waits for a slow one only where the study makes it. Knows nothing of how answers are had.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import assert_never

from genai_social_sim.domain.events import (
    Answered,
    AttemptFailed,
    Event,
    Exercised,
    FellSilent,
    Intervened,
    Noticed,
    Opened,
    Outcome,
    Probed,
    Remembered,
    RunEnded,
    RunStarted,
    SessionEnded,
    SessionStarted,
    Spoke,
)
from genai_social_sim.domain.text import Text
from genai_social_sim.domain.tuples import make
from genai_social_sim.domain.vector import Vector
from genai_social_sim.kernel.agreement import Views, agreed_rounds, with_view
from genai_social_sim.kernel.errands import made_up, paid
from genai_social_sim.kernel.floor import Floor, Turn, due, next_turn, opened, took, took_together
from genai_social_sim.kernel.intervening import intervened
from genai_social_sim.kernel.order import after_turn
from genai_social_sim.kernel.powers import exercised, has_voice, seen_by_others, waits
from genai_social_sim.kernel.stage import Stage
from genai_social_sim.kernel.state import RunState
from genai_social_sim.kernel.stopping import Progress, counted, reached
from genai_social_sim.kernel.watching import answered, arrived


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
    if progress.closing or floor.round > progress.turns // stage.plan.round_size + stage.lookahead:
        return ()
    if floor.order is not None and waits(state, index):
        return ()
    limit = stage.bound if stage.agenda.empty else min(stage.bound, horizon(state))
    turns = due(stage.rooms[index], floor)
    if turns[-1].number < limit:
        return turns
    return tuple([turn for turn in turns if turn.number < limit])


def horizon(state: RunState) -> float:
    """The number of turns after which channels wait for each other: where the agenda has something that is not done."""
    turns = state.progress.turns
    return turns if unfinished(state) else state.stage.agenda.next(turns)


def unfinished(state: RunState) -> bool:
    """Whether something that the agenda has at this point of the run is still to be done."""
    agenda, progress = state.stage.agenda, state.progress
    if agenda.empty:
        return False
    return state.done < agenda.size(progress.turns, closing=bool(progress.closing), held=state.held)


def ending(state: RunState) -> RunEnded | None:
    """The event that ends the run, if a stopping rule holds and all that is due at the end is done."""
    progress = state.progress
    if progress.ended or not progress.closing or unfinished(state):
        return None
    return RunEnded(reason=progress.closing, turns=progress.turns)


def hear(state: RunState, *outcomes: Outcome) -> RunState:
    """One channel after turns of it, in order; the run's own count is not moved. Turns heard before change nothing.

    Raises:
        ValueError: If turns of this channel before them have not been heard.
    """
    index = state.stage.channel_index[outcomes[0].channel]
    floor = state.floors[index]
    return with_floor(state, index, after(state.stage, index, floor, outcomes))


def with_floor(state: RunState, index: int, floor: Floor) -> RunState:
    """The state with another floor of one channel."""
    stage, floors, progress, openings, done, silenced, views, watch = state
    if floor is floors[index]:
        return state
    return make(RunState, (stage, floors.replaced(index, floor), progress, openings, done, silenced, views, watch))


def after(stage: Stage, index: int, floor: Floor, outcomes: Sequence[Outcome]) -> Floor:
    """The floor of a channel after turns of it, as `hear` tells."""
    if len(outcomes) > 1 and (together := _together(stage, index, floor, outcomes)):
        return together
    for outcome in outcomes:
        number = next_turn(stage.rooms[index], floor)
        if outcome.turn > number:
            raise ValueError(f"turn {outcome.turn} of channel {outcome.channel} is out of order: {number} is next")
        if outcome.turn == number:
            line = stage.line(outcome) if isinstance(outcome, Spoke) else None
            place = (floor.round, floor.position)
            floor = took(stage.rooms[index], floor, agent=outcome.agent, line=line, feed=outcome.feed)
            if stage.powers or floor.order is not None:
                order = after_turn(stage.rooms[index], floor.order, stage.powers, outcome, place)
                floor = floor._replace(order=order)
    return floor


def taken_alone(state: RunState, index: int, outcome: Outcome) -> RunState | None:
    """`tallied(hear(state, outcome), outcome)` in one step, as most conversations go on.

    None where more has to be done: the turn is not the next of its channel and of the run, a stopping rule may hold
    after it, or something looks at each turn.
    """
    stage, floors, progress, openings, _, silenced, views, watch = state
    room, floor, turn = stage.rooms[index], floors[index], progress.turns
    if not (stage.unwatched[index] and outcome.turn == turn == next_turn(room, floor) and turn + 1 < stage.bound):
        return None
    line = stage.line(outcome) if isinstance(outcome, Spoke) else None
    floor = took_together(room, floor, ((outcome.agent, line),))
    progress = counted(progress, (outcome,))
    return make(RunState, (stage, floors.replaced(index, floor), progress, openings, 0, silenced, views, watch))


def _together(stage: Stage, index: int, floor: Floor, outcomes: Sequence[Outcome]) -> Floor | None:
    """The floor after turns of one wave, which come in one; None where they have to be heard one by one."""
    room, line = stage.rooms[index], stage.line
    first = next_turn(room, floor)
    if (
        room.hearing not in ("all", "rounds")
        or stage.powers
        or floor.order is not None
        or room.forum is not None
        or room.moderated
        or floor.position % room.wave(floor.round) + len(outcomes) > room.wave(floor.round)
        or [outcome.turn for outcome in outcomes] != list(range(first, first + len(outcomes)))
    ):
        return None
    taken = [(outcome.agent, line(outcome) if isinstance(outcome, Spoke) else None) for outcome in outcomes]
    return took_together(room, floor, taken)


def tallied(state: RunState, *outcomes: Outcome) -> RunState:
    """The run's own count after turns that their channels have heard: where a rule looks at outcomes, one at a time."""
    stage, floors, progress, openings, _, silenced, views, watch = state
    progress = counted(progress, outcomes)
    if not stage.counts_alone or views is not None or progress.turns >= stage.bound:
        progress, views = _judged(state, progress, outcomes[-1])
    if stage.crossing and progress.turns % stage.plan.round_size == 0:
        floors = _seen_from_each_other(floors)
    after = make(RunState, (stage, floors, progress, openings, 0, silenced, views, watch))
    return after if watch is None else arrived(after, watch, spoke=isinstance(outcomes[-1], Spoke))


def _judged(state: RunState, progress: Progress, outcome: Outcome) -> tuple[Progress, Views | None]:
    """The count with the rule that holds now, if one does, and what each said last."""
    stage, views = state.stage, state.views
    if views is not None:
        views = _viewed(stage, views, outcome)
        if progress.turns % stage.plan.round_size == 0:
            progress = progress._replace(agreed=agreed_rounds(stage.consensus, progress.agreed, views))
    if reason := reached(stage.plan, progress) or _deserted(state, progress):
        progress = progress._replace(closing=reason)
    return progress, views


def _seen_from_each_other(floors: Vector[Floor]) -> Vector[Floor]:
    """At the end of a round, when no channel is ahead: all floors, each with what all of them are now."""
    now = Vector.of([floor._replace(beyond=None) for floor in floors])
    return Vector.of([floor._replace(beyond=now) for floor in now])


def _deserted(state: RunState, progress: Progress) -> str:
    """Why a run ends that nothing else is sure to end: nobody has a voice, and nothing that is planned changes that."""
    stage = state.stage
    if not (state.silenced or stage.powers) or stage.bound < math.inf or progress.turns % stage.plan.round_size:
        return ""
    rooms = enumerate(stage.plan.channels)
    left = any(has_voice(state, index, member) for index, channel in rooms for member in channel.members)
    hope = stage.gives_voice and stage.agenda.next(progress.turns - 1) < math.inf
    return "" if left or hope else "nobody is left to speak"


def _viewed(stage: Stage, views: Views, outcome: Outcome) -> Views:
    if (
        not isinstance(outcome, Spoke)
        or outcome.feed is not None
        or stage.plan.channels[stage.channel_index[outcome.channel]].is_led_by(outcome.agent)
    ):
        return views
    return with_view(views, stage.agent_index[outcome.agent], outcome.text.value)


def apply(state: RunState, event: Event) -> RunState:  # noqa: C901 (one case for each kind)
    """The state after an event of the log."""
    match event:
        case Spoke() | FellSilent():
            return tallied(hear(state, event), event)
        case Probed():
            progress = state.progress._replace(tokens=state.progress.tokens + event.tokens)
            state = seen_by_others(state, event) if state.stage.seeing else state
            return answered(state._replace(progress=progress, done=state.done + 1), event)
        case Exercised():
            return exercised(state, event)
        case Intervened():
            return intervened(state, event)
        case Remembered():
            return paid(made_up(state, event), event)
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

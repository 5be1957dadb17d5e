"""Powers at work: who is asked next what it does with them, and the state after its answer.

A holder is asked once its turn has its place in the run, and its channel waits for the answer; others do not. Knows
nothing of how answers are read.
"""

from __future__ import annotations

from genai_social_sim.domain.events import Cause, Exercised, Probed
from genai_social_sim.domain.ids import AgentId
from genai_social_sim.domain.power import POWERS_ASKED
from genai_social_sim.kernel.floor import Floor, Turn, next_turn
from genai_social_sim.kernel.order import Order, disclosed, done, offer_to
from genai_social_sim.kernel.state import RunState


def waits(state: RunState, index: int) -> bool:
    """Whether a channel has no turn before a holder of powers has been asked."""
    floor = state.floors[index]
    order = floor.order
    return order is not None and bool(order.asking) and state.stage.rooms[index].is_break(floor.round, floor.position)


def petition(state: RunState, index: int) -> Turn | None:
    """The call by which a holder of powers in a channel is asked now; None if nobody is to be asked here."""
    stage, floor, turns = state.stage, state.floors[index], state.progress.turns
    order, room = floor.order, stage.rooms[index]
    if order is None or order.after != turns - 1 or state.progress.closing or not waits(state, index):
        return None
    if next_turn(room, floor) >= stage.bound:
        return None  # the channel has no further turn
    agent = order.asking[0]
    absent = [member for member, why in state.silenced.items() if "absent" in why]
    return Turn(
        number=turns,
        channel=room.channel.name,
        channel_no=index,
        round=turns // stage.plan.round_size,
        position=-1,
        agent=agent,
        aside=POWERS_ASKED,
        offer=offer_to(room, order, stage.powers.get(agent, ()), agent, absent),
    )


def exercised(state: RunState, event: Exercised) -> RunState:
    """The state after a holder of powers was asked."""
    index = state.stage.channel_index[event.channel]
    floor, progress = state.floors[index], state.progress
    order = done(floor.order or Order(asking=(event.agent,)), event.agent, event.deed, event.whom)
    floors = state.floors.replaced(index, floor._replace(order=order))
    progress = progress._replace(tokens=progress.tokens + event.tokens)
    if event.deed == "close" and all(map(_is_closed, floors)):
        progress = progress._replace(closing=f"closed by {event.agent}")
    return state._replace(floors=floors, progress=progress)


def has_voice(state: RunState, index: int, agent: AgentId) -> bool:
    """Whether a member's turns in a channel are not passed over."""
    order = state.floors[index].order
    return agent not in state.silenced and (order is None or (order.closed is None and agent not in order.muted))


def why_silent(state: RunState, turn: Turn) -> Cause | None:
    """Why a turn is passed over, or a question aside; None if its agent is asked. Who is muted can be asked aside."""
    why, order = state.silenced.get(turn.agent, ()), state.floors[turn.channel_no].order
    if "absent" in why:
        return "absent"
    if turn.aside and turn.aside != POWERS_ASKED:
        return None
    if order is not None and order.closed is not None:
        return "closed"
    if "muted" in why or (order is not None and turn.agent in order.muted):
        return "muted"
    return "passed" if turn.offer is not None and len(turn.offer.options) == 1 else None


def seen_by_others(state: RunState, event: Probed) -> RunState:
    """With an answer to a probe in all channels of its agent in which somebody sees it."""
    floors = state.floors
    for index in state.stage.seeing:
        if event.cause is None and event.agent in state.stage.rooms[index].seats:
            floor = floors[index]
            floors = floors.replaced(index, floor._replace(order=disclosed(floor.order, event)))
    return state._replace(floors=floors)


def _is_closed(floor: Floor) -> bool:
    return floor.order is not None and floor.order.closed is not None

"""The floor of one channel: who has it next and what everyone there has heard. Knows nothing of other channels."""

from __future__ import annotations

from typing import NamedTuple, assert_never

from genai_social_sim.domain.dice import Dice
from genai_social_sim.domain.ids import AgentId, ChannelId
from genai_social_sim.domain.line import Line
from genai_social_sim.domain.plan import Channel, RandomOrder, RoundRobin, RunPlan, Simultaneous


class Turn(NamedTuple):
    """One agent's chance to act. `number` is its position in the run, from 0, known before any answer is."""

    number: int
    channel: ChannelId
    channel_no: int  # position of the channel in the plan
    round: int
    position: int  # within the channel's round
    agent: AgentId


class Floor(NamedTuple):
    """The state of one channel after the turns before (`round`, `position`)."""

    round: int = 0
    position: int = 0
    heard: tuple[Line, ...] = ()  # what prompts show, oldest first, at most the channel's window
    held_back: tuple[Line, ...] = ()  # simultaneous: said in this round, heard at its end
    last: AgentId | None = None  # who had the turn before


def due(plan: RunPlan, index: int, floor: Floor) -> tuple[Turn, ...]:
    """The turns of a channel whose inputs are all known: one, or the rest of a simultaneous round."""
    channel = plan.channels[index]
    match channel.protocol:
        case RoundRobin(first=first, drawn=drawn):
            if drawn:
                first = Dice(plan.seed, "first", channel.name).choice(channel.members)
            return (_turn(plan, index, floor, floor.position, _nth(channel, floor.position, first)),)
        case RandomOrder(repeat=repeat):
            options = channel.members
            if not repeat and floor.last is not None and len(options) > 1:
                options = tuple(member for member in options if member != floor.last)
            dice = Dice(plan.seed, "speaker", channel.name, floor.round, floor.position)
            return (_turn(plan, index, floor, floor.position, dice.choice(options)),)
        case Simultaneous():
            members = channel.members
            return tuple(_turn(plan, index, floor, at, members[at]) for at in range(floor.position, len(members)))
        case _ as unknown:
            assert_never(unknown)


def wave_begins(channel: Channel, floor: Floor) -> bool:
    """Whether `due` holds turns that it did not hold one turn earlier."""
    return floor.position == 0 or not isinstance(channel.protocol, Simultaneous)


def took(channel: Channel, floor: Floor, *, agent: AgentId, line: Line | None) -> Floor:
    """The floor after the turn at its position; `line` is None for a silence."""
    round_no, position = floor.round, floor.position + 1
    round_ends = position == len(channel.members)
    if round_ends:
        round_no, position = round_no + 1, 0
    heard, held_back = floor.heard, floor.held_back
    if isinstance(channel.protocol, Simultaneous):
        if line is not None:
            held_back = _kept(held_back, line, channel.window)
        if round_ends and held_back:
            heard, held_back = _last(heard + held_back, channel.window), ()
    elif line is not None:
        heard = _kept(heard, line, channel.window)
    return Floor(round=round_no, position=position, heard=heard, held_back=held_back, last=agent)


def opened(channel: Channel, floor: Floor, line: Line) -> Floor:
    """The floor with the opening on it."""
    return floor._replace(heard=_kept(floor.heard, line, channel.window))


def _turn(plan: RunPlan, index: int, floor: Floor, position: int, agent: AgentId) -> Turn:
    return Turn(
        number=floor.round * plan.round_size + plan.offsets[index] + position,
        channel=plan.channels[index].name,
        channel_no=index,
        round=floor.round,
        position=position,
        agent=agent,
    )


def _nth(channel: Channel, position: int, first: AgentId | None) -> AgentId:
    start = channel.members.index(first) if first is not None else 0
    return channel.members[(start + position) % len(channel.members)]


def _kept(lines: tuple[Line, ...], line: Line, window: int) -> tuple[Line, ...]:
    return _last((*lines, line), window)


def _last(lines: tuple[Line, ...], window: int) -> tuple[Line, ...]:
    return lines[len(lines) - window :] if len(lines) > window else lines

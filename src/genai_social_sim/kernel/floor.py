"""The floor of one channel: who has it next and what everyone there has heard. Knows nothing of other channels."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from genai_social_sim.domain.act import Offer
from genai_social_sim.domain.events import CallKey
from genai_social_sim.domain.feed import Feed
from genai_social_sim.domain.ids import AgentId, ChannelId
from genai_social_sim.domain.line import Line
from genai_social_sim.domain.plan import Forum
from genai_social_sim.domain.taking import Moment
from genai_social_sim.domain.tuples import make
from genai_social_sim.domain.vector import Vector
from genai_social_sim.kernel import board as boards
from genai_social_sim.kernel import hearing
from genai_social_sim.kernel.board import Board
from genai_social_sim.kernel.feeds import Page, page_of
from genai_social_sim.kernel.hearing import Ears, Spot
from genai_social_sim.kernel.memory import Mind
from genai_social_sim.kernel.order import Order
from genai_social_sim.kernel.room import Pair, Room, UnderWay
from genai_social_sim.kernel.taking import meeting_at, who


class Turn(NamedTuple):
    """One agent's chance to act. `number` is its position in the run, from 0, known before any answer is."""

    number: int
    channel: ChannelId
    channel_no: int  # position of the channel in the plan
    round: int
    position: int  # within the channel's round
    agent: AgentId
    aside: str = ""  # the probe, the work of its memory or the powers for which it is asked outside of its turns
    page: Page | None = None  # in a forum: what it has before it; None: its act takes no words
    offer: Offer | None = None  # what it may do with its powers, if it is asked for that

    @property
    def key(self) -> CallKey:
        """Which call of the run this is."""
        return (self.number, self.aside, self.agent) if self.aside else self.number


class Floor(NamedTuple):
    """The state of one channel after the turns before (`round`, `position`)."""

    round: int = 0
    position: int = 0
    heard: tuple[Line, ...] = ()  # what prompts show, oldest first, at most the channel's window
    held_back: tuple[Line, ...] = ()  # said in a wave that goes on, heard at its end
    last: AgentId | None = None  # who had the turn before this wave
    said: Line | None = None  # what was said in it; None after a silence
    ears: Ears | None = None  # where not everybody hears everything: what each has heard since somebody spoke
    minds: Vector[Mind] | None = None  # of the members, where a memory makes something of what was heard
    board: Board | None = None  # of a forum, since something was written in it
    beyond: Vector[Floor] | None = None  # all floors at the end of the last round, where memories reach across channels
    order: Order | None = None  # since something was done with a power, or is to be asked


def next_turn(room: Room, floor: Floor) -> int:
    """The number of a channel's next turn."""
    return floor.round * room.stride + room.offset + floor.position


def due(room: Room, floor: Floor) -> tuple[Turn, ...]:
    """The turns of a channel whose inputs are all known: what is left of a wave."""
    round_no, position, channel, index = floor.round, floor.position, room.channel.name, room.index
    number, agents = next_turn(room, floor), _acting(room, floor)
    if room.forum is not None:
        return _with_pages(room, room.forum, floor, (number, agents))
    if len(agents) == 1:
        return (make(Turn, (number, channel, index, round_no, position, agents[0], "", None, None)),)
    return tuple(
        [
            make(Turn, (number + at, channel, index, round_no, position + at, agent, "", None, None))
            for at, agent in enumerate(agents)
        ]
    )


def _acting(room: Room, floor: Floor) -> Sequence[AgentId]:
    """Those who act in what is left of a wave, in their order."""
    round_no, position = floor.round, floor.position
    wave = room.wave(round_no)
    begun = position % wave
    if begun and (left := room.left(round_no, position)):
        return left
    if floor.order is not None and floor.order.called:
        return (floor.order.called,)[begun:]
    if room.standing:
        return room.standing[position : position - begun + wave]
    moment = Moment(
        channel=room.channel.name,
        members=room.members,
        round=round_no,
        position=position - begun,
        last=floor.last,
        said=floor.said,
        network=room.network,
        authority=room.authority,
        seed=room.seed_of(round_no),
    )
    return who(room, moment)[begun:]


def goes_on(room: Room, floor: Floor) -> UnderWay | None:
    """What of a wave or meeting has begun and is not over; None between them."""
    begun = floor.position % room.wave(floor.round)
    meeting = meeting_at(room, floor.round, floor.position)
    if not begun and meeting is None:
        return None
    agents = tuple([turn.agent for turn in due(room, floor)]) if begun else ()
    number, pair = meeting or (-1, Pair(0, 0))
    return UnderWay((floor.round, floor.position), agents, number, pair)


def _with_pages(room: Room, forum: Forum, floor: Floor, due_now: tuple[int, Sequence[AgentId]]) -> tuple[Turn, ...]:
    (number, agents), board, turns = due_now, board_of(room, floor), []
    for at, agent in enumerate(agents):
        where = (floor.round, floor.position + at)
        page = page_of(room, forum, board, agent, where)
        turns.append(Turn(number + at, room.channel.name, room.index, *where, agent, page=page))
    return tuple(turns)


def board_of(room: Room, floor: Floor) -> Board:
    """A forum so far; an empty one before anything was said."""
    return floor.board or boards.begun(room)


def wave_begins(room: Room, floor: Floor) -> bool:
    """Whether `due` holds turns that it did not hold one turn earlier."""
    return floor.position % room.wave(floor.round) == 0


def took(room: Room, floor: Floor, *, agent: AgentId, line: Line | None, feed: Feed | None = None) -> Floor:
    """The floor after the turn at its position; `line` is None for a silence, `feed` what a forum's act followed."""
    unheard = room.moderated and room.is_choice(floor.position)  # recorded, and shown to nobody
    if room.forum is None and room.hearing == "all" and not unheard:
        return took_together(room, floor, ((agent, line),))
    round_no, at, lines, held_back, last, said, ears, minds, board, beyond, order = floor
    position, wave_ends = at + 1, (at + 1) % room.wave(round_no) == 0
    if wave_ends:
        last, said = agent, line
    spot = Spot(agent, round_no, at)
    if room.forum is not None:
        board = boards.took(room, room.forum, board or boards.begun(room), spot, (line, feed))
    elif room.hearing != "all":
        words, before = None if unheard else line, ears or hearing.begun(room, lines)
        ears = hearing.said(room, before, spot, words, wave_ends=wave_ends)
    if position == room.turns:
        round_no, position = round_no + 1, 0
    return make(Floor, (round_no, position, lines, held_back, last, said, ears, minds, board, beyond, order))


def took_together(room: Room, floor: Floor, taken: Sequence[tuple[AgentId, Line | None]]) -> Floor:
    """`took` for turns in a row of one wave, where everybody hears everybody, or neighbours at the end of a round."""
    round_no, position, lines, held_back, last, said, ears, minds, board, beyond, order = floor
    position += len(taken)
    wave_ends = position % room.wave(round_no) == 0
    if room.hearing == "rounds":
        ears = hearing.said_together(room, ears or hearing.begun(room, lines), round_no, taken, wave_ends=wave_ends)
    else:
        held_back = _last((*held_back, *[line for _, line in taken if line is not None]), room.window)
    if wave_ends:
        last, said = taken[-1]
        lines, held_back = _last(lines + held_back, room.window), ()
    if position == room.turns:
        round_no, position = round_no + 1, 0
    return make(Floor, (round_no, position, lines, held_back, last, said, ears, minds, board, beyond, order))


def opened(room: Room, floor: Floor, line: Line) -> Floor:
    """The floor with a line that everybody hears: the opening, or a broadcast."""
    if room.forum is not None:
        return floor._replace(board=boards.opened(room, room.forum, board_of(room, floor), line, floor.round))
    if floor.ears is not None:
        return floor._replace(ears=hearing.told_all(floor.ears, line, floor.round))
    return floor._replace(heard=_last((*floor.heard, line), room.window))


def put_in(room: Room, floor: Floor, line: Line) -> Floor:
    """The floor with a line that a member is made to have said, between turns."""
    if room.forum is not None:
        board = boards.opened(room, room.forum, board_of(room, floor), line, floor.round, for_all=False)
        return floor._replace(board=board)
    if room.hearing == "all":
        return opened(room, floor, line)
    ears = floor.ears or hearing.begun(room, floor.heard)
    return floor._replace(ears=hearing.put_in(room, ears, line, floor.round))


def _last(lines: tuple[Line, ...], window: int) -> tuple[Line, ...]:
    return lines[len(lines) - window :] if len(lines) > window else lines

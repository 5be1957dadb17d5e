"""Who has the next turns of a channel: one function for each protocol. Knows nothing of what is heard."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from functools import partial
from itertools import accumulate
from typing import Final, assert_never

from genai_social_sim.domain.dice import Dice
from genai_social_sim.domain.ids import AgentId
from genai_social_sim.domain.network import Network
from genai_social_sim.domain.plan import (
    ByAuthority,
    Forum,
    Moderated,
    OwnProtocol,
    Pairwise,
    RandomOrder,
    RoundRobin,
    Sequential,
    Simultaneous,
)
from genai_social_sim.domain.taking import Moment
from genai_social_sim.kernel.room import Pair, Room

_MEETING: Final = {"listener": 1, "both": 2, "in_turn": 2}  # turns of one


def who(room: Room, moment: Moment) -> Sequence[AgentId]:  # noqa: C901 (one case for each kind)
    """The members that act in the wave that begins now."""
    match room.protocol:
        case RoundRobin():
            return (room.standing[moment.position],)
        case Simultaneous():
            return room.standing
        case RandomOrder(repeat=repeat):
            return (_at_random(room, moment, repeat=repeat),)
        case ByAuthority(repeat=repeat):
            return (_by_authority(room, moment, repeat=repeat),)
        case Sequential():
            return (room.order(moment.round)[moment.position],)
        case Pairwise() as protocol:
            return _meeting(room, moment, protocol)
        case Moderated(moderator=moderator):
            return (_called(room, moment, moderator),)
        case Forum(simultaneous=simultaneous):
            return room.members if simultaneous else (room.order(moment.round)[moment.position // 2],)
        case OwnProtocol(taking=taking):
            return taking.who(moment)
        case _ as unknown:
            assert_never(unknown)


def _at_random(room: Room, moment: Moment, *, repeat: bool) -> AgentId:
    options = room.members
    if not repeat and moment.last is not None and len(options) > 1:
        options = tuple([member for member in options if member != moment.last])
    return Dice(moment.seed, "speaker", moment.channel, moment.round, moment.position).choice(options)


def _by_authority(room: Room, moment: Moment, *, repeat: bool) -> AgentId:
    """One draw on the line of all authorities, from which that of who spoke last is taken out without `repeat`."""
    sums = room.authorities
    dice = moment.dice("speaker")
    if repeat or moment.last is None or len(sums) == 1:
        return room.members[dice.weighed(sums)]
    last = room.seats[moment.last]
    below = sums[last - 1] if last else 0.0
    point = dice.unit() * (below + sums[-1] - sums[last])
    if point >= below:
        point += sums[last] - below
    drawn = min(bisect_right(sums, point), len(sums) - 1)
    return room.members[drawn if drawn != last else (last or len(sums)) - 1]  # rounding may end on the gap's edge


def _called(room: Room, moment: Moment, moderator: AgentId) -> AgentId:
    """The moderator, then whom it has just chosen; drawn if it chose nobody."""
    if room.is_choice(moment.position):
        return moderator
    named = moment.said.text.value if moment.said else ""
    if named in room.seats and named != moderator:
        return AgentId(named)
    return moment.dice("called").choice([member for member in room.members if member != moderator])


def _meeting(room: Room, moment: Moment, protocol: Pairwise) -> Sequence[AgentId]:
    pair = pair_at(room, moment.round, moment.position)
    if pair is None:
        return room.members
    speaker, listener = room.members[pair.speaker], room.members[pair.listener]
    if protocol.acts == "both":
        return speaker, listener
    return (speaker,) if protocol.acts == "in_turn" and moment.position % 2 == 0 else (listener,)


def pair_at(room: Room, round_no: int, position: int) -> Pair | None:
    """Who meets in the turn at a position; None between turns, in announcements and in other protocols."""
    protocol = room.protocol
    if not isinstance(protocol, Pairwise) or position < 0 or (protocol.announce and round_no == 0):
        return None
    return room.met(round_no, position // _MEETING[protocol.acts], partial(_drawn, protocol))


def meeting_at(room: Room, round_no: int, position: int) -> tuple[int, Pair] | None:
    """The number in its round, and the pair, of a meeting of which the turn at a position is not the first."""
    pair = pair_at(room, round_no, position)
    if pair is None or not isinstance(room.protocol, Pairwise):
        return None
    meeting, begun = divmod(position, _MEETING[room.protocol.acts])
    return (meeting, pair) if begun else None


def partner_of(room: Room, agent: AgentId, round_no: int, position: int) -> AgentId | None:
    """Whom an agent meets in its turn at a position."""
    pair = pair_at(room, round_no, position)
    return pair and room.members[pair.other(room.seats[agent])]


def company(room: Room, agent: AgentId, round_no: int, position: int) -> tuple[AgentId, ...]:
    """Whom an agent is with in its turn: its partner, its neighbours, or all other members."""
    partner = partner_of(room, agent, round_no, position) if position >= 0 else None  # below 0: between turns
    if partner is not None:
        return (partner,)
    if room.network is None:
        return tuple([member for member in room.members if member != agent])
    seat = room.seats[agent]
    return tuple([room.members[other] for other in sorted({*room.network.sources[seat], *room.hearers[seat]})])


def _drawn(protocol: Pairwise, room: Room, dice: Dice) -> Pair:
    network = room.network
    if network is None or not room.links[-1] > 0:  # all hear all, or nobody hears anybody
        return _any_pair(room, dice)
    if protocol.pick == "speaker":
        return _from_speaker(room, network, dice)
    return _from_listener(room, network, dice, each_link=protocol.pick == "link")


def _any_pair(room: Room, dice: Dice) -> Pair:
    speaker, listener = dice.below(len(room.members)), dice.below(len(room.members) - 1)
    return Pair(speaker, listener + (listener >= speaker))


def _from_listener(room: Room, network: Network, dice: Dice, *, each_link: bool) -> Pair:
    listener = dice.weighed(room.links) if each_link else dice.choice(room.listening)
    return Pair(_one_of(network.sources[listener], network.weights[listener : listener + 1], dice), listener)


def _from_speaker(room: Room, network: Network, dice: Dice) -> Pair:
    speaker = dice.choice(room.heard)
    names, hearers = room.members, room.hearers[speaker]
    if not network.weighted:
        return Pair(speaker, dice.choice(hearers))
    weights = [network.weight(speaker=names[speaker], listener=names[each]) for each in hearers]
    return Pair(speaker, _one_of(hearers, (weights,), dice))


def _one_of(seats: Sequence[int], weights: Sequence[Sequence[float]], dice: Dice) -> int:
    """One of `seats`, by the weights in the only row of `weights`, if there is one."""
    return seats[dice.weighed(tuple(accumulate(weights[0])))] if weights else dice.choice(seats)

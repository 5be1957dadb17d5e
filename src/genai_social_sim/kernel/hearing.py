"""What each member of a channel has heard, where not everybody hears everything.

A turn costs what the neighbourhood of one member costs, however large the channel. In simultaneous rounds a member
reads, when its own turn comes, what its sources said in the round before; what is said in place is delivered to each
hearer at once. Knows nothing of whose turn it is.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from operator import itemgetter
from typing import Final, NamedTuple

from genai_social_sim.domain.ids import AgentId
from genai_social_sim.domain.line import Line
from genai_social_sim.domain.network import hears
from genai_social_sim.domain.plan import Pairwise
from genai_social_sim.domain.vector import Vector
from genai_social_sim.kernel.room import Room
from genai_social_sim.kernel.taking import pair_at

_TURN: Final = itemgetter(Line._fields.index("turn"))


class Ear(NamedTuple):
    """What one member has heard."""

    heard: tuple[Line, ...] = ()  # oldest first, at most the channel's window
    told: int = 0  # how many of the lines for all are in it or were
    round: int = -1  # of its last turn
    said: Line | None = None  # rounds: in its last turn; else: when it last said something
    before: Line | None = None  # rounds: in the turn before its last


class Ears(NamedTuple):
    """What everybody has heard, in the order of the members."""

    each: Vector[Ear]
    for_all: tuple[tuple[int, Line], ...] = ()  # lines that everybody hears, with the round in which they were said
    held: tuple[Line, ...] = ()  # said in a wave that goes on, heard at its end


class Spot(NamedTuple):
    """A turn of a channel: who has it, and where it stands in the channel's own count."""

    agent: AgentId
    round: int
    position: int  # -1: between turns


def begun(room: Room, heard: tuple[Line, ...]) -> Ears:
    """Everybody has heard the same."""
    return Ears(Vector([Ear(heard)] * len(room.members)))


def begun_in_wave(room: Room, heard: tuple[Line, ...], held: tuple[Line, ...], round_no: int) -> Ears:
    """The same, in the middle of a wave of which some is said and not heard yet."""
    ears = begun(room, heard)
    if room.hearing != "rounds":
        return ears._replace(held=held)
    each = ears.each
    for line in held:
        each = each.replaced(room.seats[AgentId(line.speaker)], Ear(heard, round=round_no, said=line))
    return ears._replace(each=each)


def shown(room: Room, ears: Ears, spot: Spot) -> tuple[Line, ...]:
    """What the agent whose turn it is has heard, oldest first."""
    seat = room.seats[spot.agent]
    if room.hearing == "rounds":
        return _after_rounds(room, ears, seat, spot.round)
    heard = _caught_up(room, ears, ears.each[seat]).heard
    last_words = _last_words(room, ears, spot)
    if last_words is None:
        return heard
    return _last((*[line for line in heard if line is not last_words], last_words), room.channel.window)


def told_all(ears: Ears, line: Line, round_no: int) -> Ears:
    """With a line that everybody hears."""
    return ears._replace(for_all=(*ears.for_all, (round_no, line)))


def put_in(room: Room, ears: Ears, line: Line, round_no: int) -> Ears:
    """With a line in the name of a member, heard at once by itself and by those who hear it."""
    speaker, each = room.seats[AgentId(line.speaker)], ears.each
    for seat in (speaker, *(room.hearers[speaker] if room.hearing != "pairs" else ())):
        ear = _read(room, ears, seat, round_no) if room.hearing == "rounds" else _caught_up(room, ears, each[seat])
        words = line if seat == speaker and room.hearing != "rounds" else ear.said
        each = each.replaced(seat, ear._replace(heard=_last((*ear.heard, line), room.channel.window), said=words))
    return ears._replace(each=each)


def _read(room: Room, ears: Ears, seat: int, round_no: int) -> Ear:
    """An ear in simultaneous rounds that has read, before its turn, what was said in the round before."""
    mine = ears.each[seat]
    heard = _after_rounds(room, ears, seat, round_no)
    if mine.round == round_no:
        return mine._replace(heard=heard, told=len(ears.for_all))
    before = mine.said if mine.round == round_no - 1 else None
    return Ear(heard, len(ears.for_all), round_no, None, before)


def said(room: Room, ears: Ears, spot: Spot, line: Line | None, *, wave_ends: bool) -> Ears:
    """After a turn; `line` is None for a silence."""
    if room.hearing == "rounds":
        return _after_turn_of_round(room, ears, spot, line)
    if room.hearing == "pairs":
        ears = _remembered(room, ears, spot)
    if line is not None:
        ears = ears._replace(held=(*ears.held, line))
    return _delivered(room, ears, spot) if wave_ends and ears.held else ears


def said_together(room: Room, ears: Ears, round_no: int, taken: Sequence[tuple[AgentId, Line | None]]) -> Ears:
    """`said` for turns in a row of one simultaneous round, none of whom hears another."""
    each, told, changed = ears.each, len(ears.for_all), {}
    nearby = {room.seats[agent]: _nearby(room, room.seats[agent]) for agent, _ in taken}
    seats = tuple(set().union(*nearby.values()))
    words = dict(zip(seats, _words_before(each.picked(seats), round_no), strict=True))
    for (seat, near), (_, line) in zip(nearby.items(), taken, strict=True):
        heard = _with_round(room, ears, each[seat], [words[at] for at in near], round_no)
        changed[seat] = Ear(heard, told, round_no, line, words[seat])
    return Ears(each.replaced_all(changed), ears.for_all)


def _after_turn_of_round(room: Room, ears: Ears, spot: Spot, line: Line | None) -> Ears:
    seat = room.seats[spot.agent]
    heard = _after_rounds(room, ears, seat, spot.round)
    (before,) = _words_before((ears.each[seat],), spot.round)
    ear = Ear(heard, len(ears.for_all), spot.round, line, before)
    return Ears(ears.each.replaced(seat, ear), ears.for_all)


def _after_rounds(room: Room, ears: Ears, seat: int, round_no: int) -> tuple[Line, ...]:
    """What was heard up to the end of the round before `round_no`."""
    mine = ears.each[seat]
    words = _words_before(ears.each.picked(_nearby(room, seat)), round_no)
    return _with_round(room, ears, mine, words, round_no)


def _nearby(room: Room, seat: int) -> tuple[int, ...]:
    """Those whom a member hears, and itself."""
    return (*room.network.sources[seat], seat) if room.network else (seat,)


def _words_before(each: Iterable[Ear], round_no: int) -> list[Line | None]:
    """What each said in the round before `round_no`, whether it has had its turn of `round_no` or not."""
    last_round = round_no - 1
    return [
        said if at == last_round else before if at == round_no else None  # of another round
        for _, _, at, said, before in each
    ]


def _with_round(room: Room, ears: Ears, mine: Ear, words: Iterable[Line | None], round_no: int) -> tuple[Line, ...]:
    """What an ear has heard with `words` of the round before `round_no`, unless it has them, and what all hear."""
    fresh = ears.for_all[mine.told :]
    if mine.round >= round_no:
        return _last((*mine.heard, *[line for _, line in fresh]), room.channel.window) if fresh else mine.heard
    lines = sorted([line for line in words if line is not None], key=_TURN)
    if fresh:
        earlier = [line for said_in, line in fresh if said_in < round_no]
        lines = [*earlier, *lines, *[line for said_in, line in fresh if said_in >= round_no]]
    return _last((*mine.heard, *lines), room.channel.window)


def _caught_up(room: Room, ears: Ears, ear: Ear) -> Ear:
    """With the lines for all that it has not heard yet."""
    if ear.told == len(ears.for_all):
        return ear
    lines = [line for _, line in ears.for_all[ear.told :]]
    heard = _last((*ear.heard, *lines), room.channel.window)
    return ear._replace(heard=heard, told=len(ears.for_all))


def _delivered(room: Room, ears: Ears, spot: Spot) -> Ears:
    """What was said in a wave goes to those who hear it."""
    each = ears.each
    for line in ears.held:
        speaker = room.seats[AgentId(line.speaker)]
        for seat in (speaker, *_hearers(room, speaker, spot, to=line.to)):
            ear = _caught_up(room, ears, each[seat])
            heard = _last((*ear.heard, line), room.channel.window)
            ear = Ear(heard, ear.told, ear.round, line if seat == speaker else ear.said)
            each = each.replaced(seat, ear)
    return Ears(each, ears.for_all)


def _hearers(room: Room, speaker: int, spot: Spot, *, to: str) -> tuple[int, ...]:
    """Who else hears what is said in a turn, `to` one member alone or to all."""
    if to:
        other = room.seats[AgentId(to)]
        return (other,) if _carried(room, speaker=speaker, listener=other) else ()
    if room.hearing == "place":
        return room.hearers[speaker]
    pair = pair_at(room, spot.round, spot.position)
    if pair is None or (isinstance(room.protocol, Pairwise) and room.protocol.acts == "listener"):
        return ()
    other = pair.other(speaker)
    return (other,) if _carried(room, speaker=speaker, listener=other) else ()


def _remembered(room: Room, ears: Ears, spot: Spot) -> Ears:
    """What an agent was shown of its partner's past is part of its own from now on."""
    seat = room.seats[spot.agent]
    ear = _caught_up(room, ears, ears.each[seat])._replace(heard=shown(room, ears, spot))
    return ears._replace(each=ears.each.replaced(seat, ear))


def _last_words(room: Room, ears: Ears, spot: Spot) -> Line | None:
    """What the partner said last, for one who acts before hearing it in this meeting."""
    protocol = room.protocol
    if not isinstance(protocol, Pairwise) or protocol.shows == "nothing" or spot.position < 0:
        return None
    pair, seat = pair_at(room, spot.round, spot.position), room.seats[spot.agent]
    if pair is None or (protocol.acts == "in_turn" and seat == pair.listener):
        return None
    other = pair.other(seat)
    return ears.each[other].said if _carried(room, speaker=other, listener=seat) else None


def _carried(room: Room, *, speaker: int, listener: int) -> bool:
    return hears(room.network, speaker=room.members[speaker], listener=room.members[listener])


def _last(lines: tuple[Line, ...], window: int) -> tuple[Line, ...]:
    return lines[len(lines) - window :] if len(lines) > window else lines

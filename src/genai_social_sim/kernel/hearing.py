"""What each member of a channel has heard, where not everybody hears everything.

A turn costs what the neighbourhood of one member costs, however large the channel. In simultaneous rounds a member
reads, when its own turn comes, what its sources said in the round before, from a sheet on which that stands for all;
what is said in place is delivered to each hearer at once. Knows nothing of whose turn it is.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from genai_social_sim.domain.ids import AgentId
from genai_social_sim.domain.line import Line
from genai_social_sim.domain.network import hears
from genai_social_sim.domain.plan import Pairwise
from genai_social_sim.domain.tuples import make
from genai_social_sim.domain.vector import Vector
from genai_social_sim.kernel.room import Room
from genai_social_sim.kernel.taking import pair_at


class Ear(NamedTuple):
    """What one member has heard."""

    heard: tuple[Line, ...] = ()  # oldest first, at most the channel's window
    told: int = 0  # how many of the lines for all are in it or were
    round: int = -1  # rounds: of its last turn
    said: Line | None = None  # rounds: in its last turn; else: when it last said something


class Ears(NamedTuple):
    """What everybody has heard, in the order of the members."""

    each: Vector[Ear]
    for_all: tuple[tuple[int, Line], ...] = ()  # lines that everybody hears, with the round in which they were said
    held: tuple[Line, ...] = ()  # said in a wave that goes on, heard at its end
    words: tuple[Line | None, ...] = ()  # rounds: what each said in the last one that is over; (): none is
    silence: bool = False  # whether somebody said nothing in it


class Spot(NamedTuple):
    """A turn of a channel: who has it, and where it stands in the channel's own count."""

    agent: AgentId
    round: int
    position: int  # -1: between turns


def begun(room: Room, heard: tuple[Line, ...]) -> Ears:
    """Everybody has heard the same."""
    return Ears(Vector.of([Ear(heard)] * len(room.members)))


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
        return _read(room, ears, seat, spot.round)
    heard = _caught_up(room, ears, ears.each[seat]).heard
    last_words = _last_words(room, ears, spot)
    if last_words is None:
        return heard
    return _last((*[line for line in heard if line is not last_words], last_words), room.window)


def told_all(ears: Ears, line: Line, round_no: int) -> Ears:
    """With a line that everybody hears."""
    return ears._replace(for_all=(*ears.for_all, (round_no, line)))


def put_in(room: Room, ears: Ears, line: Line, round_no: int) -> Ears:
    """With a line in the name of a member, heard at once by itself and by those who hear it."""
    speaker, each = room.seats[AgentId(line.speaker)], ears.each
    for seat in (speaker, *(room.hearers[speaker] if room.hearing != "pairs" else ())):
        ear = _reader(room, ears, seat, round_no) if room.hearing == "rounds" else _caught_up(room, ears, each[seat])
        words = line if seat == speaker and room.hearing != "rounds" else ear.said
        each = each.replaced(seat, ear._replace(heard=_last((*ear.heard, line), room.window), said=words))
    return ears._replace(each=each)


def _reader(room: Room, ears: Ears, seat: int, round_no: int) -> Ear:
    """An ear in simultaneous rounds that has read, perhaps before its turn, what was said in the round before."""
    mine, heard = ears.each[seat], _read(room, ears, seat, round_no)
    return Ear(heard, len(ears.for_all), round_no, mine.said if mine.round == round_no else None)


def said(room: Room, ears: Ears, spot: Spot, line: Line | None, *, wave_ends: bool) -> Ears:
    """After a turn; `line` is None for a silence."""
    if room.hearing == "rounds":
        return said_together(room, ears, spot.round, ((spot.agent, line),), wave_ends=wave_ends)
    if room.hearing == "pairs":
        ears = _remembered(room, ears, spot)
    if line is not None:
        ears = ears._replace(held=(*ears.held, line))
    return _delivered(room, ears, spot) if wave_ends and ears.held else ears


def said_together(
    room: Room, ears: Ears, round_no: int, taken: Sequence[tuple[AgentId, Line | None]], *, wave_ends: bool
) -> Ears:
    """`said` for turns in a row of one simultaneous round, none of whom hears another."""
    seats, told, changed = room.seats, len(ears.for_all), {}
    for agent, line in taken:
        seat = seats[agent]
        changed[seat] = make(Ear, (_read(room, ears, seat, round_no), told, round_no, line))
    each = ears.each.replaced_all(changed)
    if not wave_ends:
        return ears._replace(each=each)
    words = tuple([ear.said for ear in each])
    return ears._replace(each=each, words=words, silence=None in words)


def _read(room: Room, ears: Ears, seat: int, round_no: int) -> tuple[Line, ...]:
    """What a member has heard in simultaneous rounds, up to the end of the round before `round_no`."""
    each, for_all, _, words, silence = ears
    heard, told, last_round, _ = each[seat]
    lines: tuple[Line, ...] = ()
    if words and last_round < round_no:
        near = room.nearby[seat](words)
        lines = tuple([line for line in near if line is not None]) if silence else near
    if fresh := for_all[told:]:
        earlier = [line for said_in, line in fresh if said_in < round_no]
        lines = (*earlier, *lines, *[line for said_in, line in fresh if said_in >= round_no])
    return _last(heard + lines, room.window)


def _caught_up(room: Room, ears: Ears, ear: Ear) -> Ear:
    """With the lines for all that it has not heard yet."""
    if ear.told == len(ears.for_all):
        return ear
    lines = [line for _, line in ears.for_all[ear.told :]]
    heard = _last((*ear.heard, *lines), room.window)
    return ear._replace(heard=heard, told=len(ears.for_all))


def _delivered(room: Room, ears: Ears, spot: Spot) -> Ears:
    """What was said in a wave goes to those who hear it."""
    each = ears.each
    for line in ears.held:
        speaker = room.seats[AgentId(line.speaker)]
        for seat in (speaker, *_hearers(room, speaker, spot, to=line.to)):
            ear = _caught_up(room, ears, each[seat])
            heard = _last((*ear.heard, line), room.window)
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

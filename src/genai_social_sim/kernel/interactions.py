"""What became of an agent's meetings with others: both choices, and the points that they bring.

Meetings are those of `pairwise` with `acts: both`; one in which either said nothing is none. Knows nothing of prompts.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from typing import NamedTuple

from genai_social_sim.domain.line import Line
from genai_social_sim.domain.memory import Interactions
from genai_social_sim.domain.text import EMPTY, Text
from genai_social_sim.kernel.room import Room


class Interaction(NamedTuple):
    """One meeting, as one of the two remembers it."""

    own: str
    other: str


def interactions(memory: Interactions, room: Room, heard: Iterable[Line], agent: str) -> tuple[Line, ...]:
    """The lines of the agent's last meetings, oldest first: of each its own, then the other's."""
    own: dict[int, Line] = {}
    other: dict[int, Line] = {}
    for line in heard:
        if line.turn >= 0:
            side = own if line.speaker == agent else other
            side[_meeting(room, line.turn)] = line
    both = sorted(own.keys() & other.keys())[-memory.last :]
    return tuple([line for number in both for line in (own[number], other[number])])


def told(memory: Interactions, lines: Sequence[Line], agent: str) -> Text:
    """What a prompt says of them: numbered from 1, with the sum of their points."""
    pairs = tuple([Interaction(own.text.value, other.text.value) for own, other in _pairs(lines)])
    return _rendered(memory, pairs, agent)


def points(memory: Interactions, pair: Interaction) -> float | int | None:
    """What a meeting brings; None where the study has no payoffs."""
    if memory.match is None or memory.mismatch is None:
        return None
    value = memory.match if pair.own == pair.other else memory.mismatch
    return int(value) if value.is_integer() else value


@lru_cache(maxsize=8192)
def _rendered(memory: Interactions, pairs: tuple[Interaction, ...], agent: str) -> Text:
    from genai_social_sim.kernel.templates import compile_template  # jinja2 is slow to import

    values = [{**pair._asdict(), "points": points(memory, pair)} for pair in pairs]
    words = compile_template(memory.text)(name=agent, interactions=values, score=_score(values)).strip()
    return Text.of(words + "\n") if words else EMPTY


def _score(values: Sequence[Mapping[str, float | int | str | None]]) -> float | int | None:
    found = [value["points"] for value in values]
    numbers = [each for each in found if isinstance(each, float | int)]
    return sum(numbers) if len(numbers) == len(found) and found else None


def _pairs(lines: Sequence[Line]) -> Iterable[tuple[Line, Line]]:
    return zip(lines[::2], lines[1::2], strict=True)


def _meeting(room: Room, turn: int) -> int:
    """The number of the meeting to which a turn belongs."""
    round_no, position = divmod(turn - room.offset, room.stride)
    return round_no * room.turns + position // 2

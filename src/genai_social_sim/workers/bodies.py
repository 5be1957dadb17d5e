"""A request as lines of JSON and back, equal in every field.

What a request has in common with others stands on lines of its own: who is asked and how, each message, and each
utterance with the messages by which prompts show it. Such a line is the same bytes each time, so that either side
writes or reads it once and knows it again.

It knows no broker.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict
from functools import lru_cache
from typing import Any, Final, Literal, NamedTuple, TypeVar

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from genai_social_sim.domain.act import Number
from genai_social_sim.domain.feed import SeenPost
from genai_social_sim.domain.ids import AgentId, ChannelId
from genai_social_sim.domain.line import Line
from genai_social_sim.domain.number import Range
from genai_social_sim.domain.plan import Sampling
from genai_social_sim.domain.prompt import ROLE_LETTERS, Message, Prompt, Role
from genai_social_sim.domain.text import Text, utf8
from genai_social_sim.domain.tuples import make
from genai_social_sim.ports import Limits, Request

_ROLES: Final[dict[str, Role]] = {letter: role for role, letter in ROLE_LETTERS.items()}  # type: ignore[misc]
_REMEMBERED: Final = 4096  # lines of each kind
_LONGEST: Final = 4096  # of a line that is remembered: bytes
_json: Final = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode
_ITSELF: Final = 0  # a piece of a message that is the utterance's own text
Seen = tuple[int, int, int | None, str, str, int, int | float | None, int | None, int | None]
Limited = tuple[float | int, float | int, float | int | None, bool]  # min, max, step, may pass
Letter = Literal["s", "u", "a", "t"]
T = TypeVar("T")


class UnreadableBodyError(ValueError):
    """This is no request."""


class _Doc(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class _HeadDoc(_Doc):
    """The first line: what differs from call to call.

    `prompt` names messages: from 0 those on lines of their own, then -1 and -2 for the first utterance as others and
    as its speaker see it, -3 and -4 for the second.
    """

    turn: int = Field(ge=0)
    attempt: int = Field(ge=1)
    round: int = Field(ge=0)
    seed: int
    messages: int = Field(ge=0)  # so many lines follow the second; utterances come after them
    prompt: tuple[int, ...]
    # Left out where there is nothing of it.
    weights: tuple[float, ...] = ()
    attributes: tuple[tuple[str, str | int | float | bool], ...] = ()
    feed: tuple[Seen, ...] = ()
    number: Limited | None = None


class _SamplingDoc(_Doc):
    temperature: float | None = None
    top_p: float | None = None
    top_k: int | None = None
    min_p: float | None = None
    repeat_penalty: float | None = None
    max_tokens: int


class _CallDoc(_Doc):
    """The second line: who is asked, and how; the deadline of the whole call travels beside the body."""

    channel: str
    agent: str
    persona: str
    stop: tuple[str, ...]
    choices: tuple[str, ...]
    meanings: tuple[str, ...]
    aside: str
    doing: str
    connect_s: float | None
    first_token_s: float | None
    sampling: _SamplingDoc


class _Call(NamedTuple):
    """What is the same in all calls of an agent, as a request has it."""

    channel: ChannelId
    agent: AgentId
    persona: str
    stop: tuple[str, ...]
    choices: tuple[str, ...]
    meanings: tuple[str, ...]
    aside: str
    doing: str
    connect_s: float | None
    first_token_s: float | None
    sampling: Sampling


_MESSAGE: Final = TypeAdapter(tuple[Letter, tuple[str, ...]])
Shape = tuple[Letter, tuple[str | Literal[0], ...]]
_UTTERANCE: Final = TypeAdapter(tuple[int, str, str, str, Shape, Shape])  # turn, speaker, to, text, for others, own


def body_of(request: Request) -> bytes:
    """A request as a body; the same request gives the same bytes."""
    (
        turn, attempt, channel, round_no, agent, persona, heard, prompt, sampling, stop, seed, limits,
        choices, meanings, weights, aside, attributes, feed, doing, number,
    ) = request  # fmt: skip
    places: dict[bytes, int] = {}
    for at, (_, _, _, others, own, _) in enumerate(heard):
        places[others.preimage] = -2 * at - 1
        places[own.preimage] = -2 * at - 2
    messages, shown = list[bytes](), []
    for message in prompt.messages:
        place = places.get(message.preimage)
        if place is None:
            place = places[message.preimage] = len(messages)
            messages.append(_line_of_message(message))
        shown.append(place)
    head: dict[str, Any] = {"turn": turn, "attempt": attempt, "round": round_no, "seed": seed}
    head |= {"messages": len(messages), "prompt": shown}
    if weights or attributes or feed or number:
        more = {"weights": weights, "attributes": attributes, "feed": feed, "number": _range_of(number)}
        head |= {name: value for name, value in more.items() if value}
    call = _Call(channel, agent, persona, stop, choices, meanings, aside, doing, *limits[1:], sampling)
    return b"\n".join([_line(head), _line_of_call(call), *messages, *map(_line_of_utterance, heard)])


def request_of(body: bytes, *, deadline_s: float) -> Request:
    """The request that a body holds; raises UnreadableBodyError."""
    try:
        return _request(body.split(b"\n"), deadline_s)
    except (ValidationError, IndexError, ValueError) as fault:
        raise UnreadableBodyError(str(fault)) from fault


def _request(lines: list[bytes], deadline_s: float) -> Request:
    head, call = _HeadDoc.model_validate_json(lines[0]), _read(_call_of, lines[1])
    after = 2 + head.messages
    messages = [_read(_message_of, line) for line in lines[2:after]]
    heard = tuple([_read(_utterance_of, line) for line in lines[after:]])
    seen = [message for line in heard for message in (line.others, line.own)]
    prompt = Prompt.of(tuple([messages[place] if place >= 0 else seen[-1 - place] for place in head.prompt]))
    return make(Request, (
        head.turn, head.attempt, call.channel, head.round, call.agent, call.persona, heard, prompt,
        call.sampling, call.stop, head.seed, Limits(deadline_s, call.connect_s, call.first_token_s),
        call.choices, call.meanings, head.weights, call.aside, head.attributes,
        tuple([SeenPost(*seen) for seen in head.feed]), call.doing, _number_of(head.number),
    ))  # fmt: skip


@lru_cache(_REMEMBERED)
def _line_of_call(call: _Call) -> bytes:
    return _line({**call._asdict(), "sampling": asdict(call.sampling)})


def _line_of_message(message: Message) -> bytes:
    return (_short_message if len(message.content) < _LONGEST else _message_line)(message)


def _line_of_utterance(line: Line) -> bytes:
    return (_short_utterance if len(line.text.value) < _LONGEST else _utterance_line)(line)


def _message_line(message: Message) -> bytes:
    return _line([ROLE_LETTERS[message.role], [piece.value for piece in message.pieces]])


def _utterance_line(line: Line) -> bytes:
    turn, speaker, text, others, own, to = line
    return _line([turn, speaker, to, text.value, _shape(others, text), _shape(own, text)])


_short_message: Final = lru_cache(_REMEMBERED)(_message_line)
_short_utterance: Final = lru_cache(_REMEMBERED)(_utterance_line)


def _shape(message: Message, text: Text) -> list[Any]:
    """A message by which prompts show an utterance."""
    pieces = [_ITSELF if piece.digest == text.digest else piece.value for piece in message.pieces]
    return [ROLE_LETTERS[message.role], pieces]


def _read(read: Callable[[bytes], T], line: bytes) -> T:
    """What a line says; a `read` remembers what it has read, and what is long is not given to its memory."""
    return read(line) if len(line) < _LONGEST else read.__wrapped__(line)  # type: ignore[attr-defined]


@lru_cache(_REMEMBERED)
def _call_of(line: bytes) -> _Call:
    given = dict(_CallDoc.model_validate_json(line))
    return _Call(**{**given, "sampling": Sampling(**dict(given["sampling"]))})


@lru_cache(_REMEMBERED)
def _message_of(line: bytes) -> Message:
    letter, pieces = _MESSAGE.validate_json(line)
    return Message.of(_ROLES[letter], tuple([Text.of(piece) for piece in pieces]))


@lru_cache(_REMEMBERED)
def _utterance_of(line: bytes) -> Line:
    turn, speaker, to, said, *shapes = _UTTERANCE.validate_json(line)
    text = Text.of(said)
    others, own = [
        Message.of(_ROLES[letter], tuple([text if piece == _ITSELF else Text.of(piece) for piece in pieces]))
        for letter, pieces in shapes
    ]
    return Line(turn, speaker, text, others, own, to)


def _range_of(number: Number | None) -> tuple[object, ...] | None:
    return None if number is None else (number.range.low, number.range.high, number.range.step, number.may_pass)


def _number_of(given: Limited | None) -> Number | None:
    if given is None:
        return None
    low, high, step, may_pass = given
    return Number(range=Range(low=low, high=high, step=step), may_pass=may_pass)


def _line(value: object) -> bytes:
    return utf8(_json(value))

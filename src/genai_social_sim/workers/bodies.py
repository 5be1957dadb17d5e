"""A request as JSON and back, equal in every field.

Each text and each message stands once: messages name texts by their position, prompt and lines name messages so.

It knows no broker.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Final, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from genai_social_sim.domain.act import Number
from genai_social_sim.domain.feed import SeenPost
from genai_social_sim.domain.ids import AgentId, ChannelId
from genai_social_sim.domain.line import Line
from genai_social_sim.domain.number import Range
from genai_social_sim.domain.plan import Sampling
from genai_social_sim.domain.prompt import ROLE_LETTERS, Message, Prompt, Role
from genai_social_sim.domain.text import Text
from genai_social_sim.ports import Limits, Request

_ROLES: Final[dict[str, Role]] = {letter: role for role, letter in ROLE_LETTERS.items()}  # type: ignore[misc]
Seen = tuple[int, int, int | None, str, str, int, int | float | None, int | None, int | None]
T = TypeVar("T")
Pieces = tuple[Literal["s", "u", "a", "t"], tuple[int, ...]]


class UnreadableBodyError(ValueError):
    """This is no request."""


class _SamplingDoc(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)
    temperature: float | None = None
    top_p: float | None = None
    top_k: int | None = None
    min_p: float | None = None
    repeat_penalty: float | None = None
    max_tokens: int


class _BodyDoc(BaseModel):
    """What stands in a body; the deadline of the whole call is not part of the request and travels beside it."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    turn: int = Field(ge=0)
    attempt: int = Field(ge=1)
    channel: str
    round: int = Field(ge=0)
    agent: str
    persona: str
    seed: int
    stop: tuple[str, ...]
    choices: tuple[str, ...]
    meanings: tuple[str, ...]
    weights: tuple[float, ...]
    aside: str
    attributes: tuple[tuple[str, str | int | float | bool], ...]
    connect_s: float | None
    first_token_s: float | None
    sampling: _SamplingDoc
    texts: tuple[str, ...]
    messages: tuple[Pieces, ...]
    prompt: tuple[int, ...]
    heard: tuple[tuple[int, str, int, int, int], ...]
    # Left out where there is nothing of it, so that an older worker can read what it knows.
    direct: tuple[tuple[int, str], ...] = ()  # lines that one member alone hears, by position, and who
    feed: tuple[Seen, ...] = ()
    doing: str = ""
    number: tuple[float | int, float | int, float | int | None, bool] | None = None  # min, max, step, may pass


class _Table:
    """Texts and messages in the order in which they are met."""

    def __init__(self) -> None:
        self.texts: list[str] = []
        self.messages: list[tuple[str, list[int]]] = []
        self._at: dict[bytes, int] = {}
        self._message_at: dict[bytes, int] = {}

    def place(self, text: Text) -> int:
        at = self._at.get(text.digest)
        if at is None:
            at = self._at[text.digest] = len(self.texts)
            self.texts.append(text.value)
        return at

    def message(self, message: Message) -> int:
        role, pieces, preimage = message
        at = self._message_at.get(preimage)
        if at is None:
            place = self.place
            at = self._message_at[preimage] = len(self.messages)
            self.messages.append((ROLE_LETTERS[role], [place(piece) for piece in pieces]))
        return at


def body_of(request: Request) -> Text:
    """A request as one line of JSON; the same request gives the same bytes."""
    table = _Table()
    sampling = request.sampling
    document = {
        "turn": request.turn,
        "attempt": request.attempt,
        "channel": request.channel,
        "round": request.round,
        "agent": request.agent,
        "persona": request.persona,
        "seed": request.seed,
        "stop": request.stop,
        "choices": request.choices,
        "meanings": request.meanings,
        "weights": request.weights,
        "aside": request.aside,
        "attributes": request.attributes,
        "connect_s": request.limits.connect_s,
        "first_token_s": request.limits.first_token_s,
        "sampling": {
            "temperature": sampling.temperature,
            "top_p": sampling.top_p,
            "top_k": sampling.top_k,
            "min_p": sampling.min_p,
            "repeat_penalty": sampling.repeat_penalty,
            "max_tokens": sampling.max_tokens,
        },
        "prompt": [table.message(message) for message in request.prompt.messages],
        "heard": [
            [line.turn, line.speaker, table.place(line.text), table.message(line.others), table.message(line.own)]
            for line in request.heard
        ],
        "messages": table.messages,
        "texts": table.texts,
    }
    direct = [(at, line.to) for at, line in enumerate(request.heard) if line.to]
    more = {"direct": direct, "feed": request.feed, "doing": request.doing, "number": _range_of(request.number)}
    document |= {key: value for key, value in more.items() if value}
    return Text.of(json.dumps(document, ensure_ascii=False, separators=(",", ":")))


def _range_of(number: Number | None) -> tuple[object, ...] | None:
    return None if number is None else (number.range.low, number.range.high, number.range.step, number.may_pass)


def _number_of(document: _BodyDoc) -> Number | None:
    if document.number is None:
        return None
    low, high, step, may_pass = document.number
    return Number(range=Range(low=low, high=high, step=step), may_pass=may_pass)


def request_of(body: str, *, deadline_s: float) -> Request:
    """The request that a body holds; raises UnreadableBodyError."""
    try:
        document = _BodyDoc.model_validate_json(body)
        return _request(document, deadline_s)
    except (ValidationError, IndexError, ValueError) as fault:
        raise UnreadableBodyError(str(fault)) from fault


def _request(document: _BodyDoc, deadline_s: float) -> Request:
    texts = [Text.of(text) for text in document.texts]
    messages = [
        Message(_ROLES[role], tuple([_at(texts, place) for place in pieces])) for role, pieces in document.messages
    ]
    direct = dict(document.direct)
    return Request(
        turn=document.turn,
        attempt=document.attempt,
        channel=ChannelId(document.channel),
        round=document.round,
        agent=AgentId(document.agent),
        persona=document.persona,
        heard=tuple(
            [
                Line(turn, speaker, _at(texts, place), _at(messages, others), _at(messages, own), direct.get(at, ""))
                for at, (turn, speaker, place, others, own) in enumerate(document.heard)
            ]
        ),
        prompt=Prompt.of(tuple([_at(messages, place) for place in document.prompt])),
        sampling=Sampling(**document.sampling.model_dump()),
        stop=document.stop,
        seed=document.seed,
        limits=Limits(deadline_s, document.connect_s, document.first_token_s),
        choices=document.choices,
        meanings=document.meanings,
        weights=document.weights,
        aside=document.aside,
        attributes=document.attributes,
        feed=tuple([SeenPost(*seen) for seen in document.feed]),
        doing=document.doing,
        number=_number_of(document),
    )


def _at(named: Sequence[T], place: int) -> T:
    if place < 0:
        raise IndexError("texts and messages are named by their position from 0")
    return named[place]

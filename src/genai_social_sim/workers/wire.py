"""What coordinator and workers say to each other, as bytes and back.

A message is a line of JSON; an item has its body on a second line, so that its digest is that of the bytes themselves.
Whatever comes from a broker goes through here once; what is none of ours becomes `Unreadable`, never an exception.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import fields
from functools import cache
from hashlib import sha256
from typing import Annotated, Any, Final, Literal, TypeVar, get_args

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from genai_social_sim.domain.events import Cause, Finish
from genai_social_sim.domain.text import utf8
from genai_social_sim.errors import OversizeError
from genai_social_sim.ports import (
    PROTOCOL,
    Answer,
    Arrival,
    Failure,
    Hello,
    Offer,
    Report,
    Unreadable,
    Wanted,
    WorkItem,
    WorkResult,
)

MOST: Final = 64 << 20  # bytes of a message that is sent or looked at
_LINES: Final = 256  # reports in a message that are looked at
_SHOWN: Final = 160  # characters of a message that made no sense
_json: Final = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode
_HEX: Final = r"^[0-9a-f]{64}$"

Seconds = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Count = Annotated[int, Field(ge=0, le=1 << 60)]
Name = Annotated[str, Field(min_length=1, max_length=200)]


class _Doc(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)
    protocol: Literal[3] = PROTOCOL


class _WantedDoc(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)
    backend: Name
    options: str
    identity: str = Field(pattern=r"^([0-9a-f]{64})?$")


class _OfferDoc(_Doc):
    run: Name
    epoch: Count
    coordinator: Name
    lease_s: Annotated[float, Field(gt=0, le=86400)]
    wanted: tuple[_WantedDoc, ...]
    package: str


class _ItemDoc(_Doc):
    run: Name
    epoch: Count
    turn: Count
    attempt: Annotated[int, Field(ge=1)]
    key: Name
    deadline_s: Seconds
    digest: str = Field(pattern=_HEX)


class _AnswerDoc(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)
    text: str
    finish: Literal[get_args(Finish)]  # type: ignore[valid-type]
    prompt_tokens: Count
    answer_tokens: Count
    first_token_s: Seconds | None
    by: str
    legal_mass: Annotated[float, Field(allow_inf_nan=False)] | None
    notes: dict[str, Any]


class _FailureDoc(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)
    problem: str
    cause: Literal[get_args(Cause)]  # type: ignore[valid-type]
    remedy: str
    retry: bool
    retry_after_s: Seconds | None


class _ResultDoc(_Doc):
    run: Name
    epoch: Count
    turn: Count
    attempt: Annotated[int, Field(ge=1)]
    digest: str = Field(pattern=_HEX)
    identity: str = Field(pattern=_HEX)
    worker: Name
    deliveries: Count
    worked_s: Seconds
    answer: _AnswerDoc | None = None
    failure: _FailureDoc | None = None


class _HelloDoc(_Doc):
    hello: Literal[True]
    run: Name
    worker: Name
    key: Name
    identity: dict[str, Any]
    slots: Count
    refusal: str
    package: str


_Report = Annotated[_ResultDoc | _HelloDoc, Field(union_mode="left_to_right")]  # nearly all of them are results
_REPORT: Final[TypeAdapter[_ResultDoc | _HelloDoc]] = TypeAdapter(_Report)
T = TypeVar("T")


def offer_to(offer: Offer) -> bytes:
    """An offer as a message."""
    wanted = [_plain(each) for each in offer.wanted]
    return _line({**_plain(offer), "wanted": wanted})


def offer_from(message: bytes) -> Offer | Unreadable:
    """The offer that a message is."""

    def read(head: bytes) -> Offer:
        doc = _OfferDoc.model_validate_json(head)
        wanted = tuple([Wanted(**each.model_dump()) for each in doc.wanted])
        return Offer(**{**_given(doc), "wanted": wanted})

    return _guarded(message, read)


def item_to(item: WorkItem) -> bytes:
    """An item as a message; raises OversizeError if nobody would look at it."""
    head = _plain(item)
    body = head.pop("body")
    message = b"%b\n%b" % (_line({"protocol": PROTOCOL, **head}), body)
    return fitting(message, MOST, what=f"turn {item.turn}", remedy="Show its agent less of the past: a shorter memory.")


def item_from(message: bytes) -> WorkItem | Unreadable:
    """The item that a message is; its body is the one that its digest is of."""

    def read(whole: bytes) -> WorkItem:
        head, _, body = whole.partition(b"\n")
        doc = _ItemDoc.model_validate_json(head)
        if sha256(body).hexdigest() != doc.digest:
            raise ValueError("the body is not the one that the digest is of")
        return WorkItem(**_given(doc), body=body)

    return _guarded(message, read)


def fitting(message: bytes, most: int, *, what: str, remedy: str) -> bytes:
    """The message, if a broker that takes `most` bytes takes it.

    Raises:
        OversizeError: If it does not.
    """
    if len(message) <= min(most, MOST):
        return message
    problem = f"{what} is a message of {len(message):,} bytes, and the broker takes {min(most, MOST):,} at most"
    raise OversizeError(problem, remedy=remedy)


def report_to(report: Report) -> bytes:
    """A result or a hello as a message."""
    plain = {"protocol": PROTOCOL, **_plain(report)}
    if isinstance(report, Hello):
        return _line({"hello": True, **plain})
    outcome = plain.pop("outcome")
    plain["answer" if isinstance(outcome, Answer) else "failure"] = _plain(outcome)
    return _line(plain)


def reports_from(message: bytes) -> list[Arrival]:
    """The results and hellos that a message is, one a line."""
    return [report_from(line) for line in message.split(b"\n", _LINES)]


def report_from(message: bytes) -> Arrival:
    """The result or hello that a message is."""

    def read(whole: bytes) -> Report:
        doc = _REPORT.validate_json(whole)
        if isinstance(doc, _HelloDoc):
            given = _given(doc)
            given.pop("hello")
            return Hello(**given)
        return _result(doc)

    return _guarded(message, read)


def _result(doc: _ResultDoc) -> WorkResult:
    if (doc.answer is None) == (doc.failure is None):
        raise ValueError("a result is either an answer or a failure")
    given = _given(doc)
    answer, failure = given.pop("answer"), given.pop("failure")
    outcome = Failure(**_own(failure)) if answer is None else Answer(**_own(answer))
    return WorkResult(**given, outcome=outcome)


def _guarded(message: bytes, read: Callable[[bytes], T]) -> T | Unreadable:
    if len(message) > MOST:
        return Unreadable(why=f"it has {len(message):,} bytes")
    try:
        return read(message)
    except (ValidationError, ValueError, RecursionError) as fault:
        return _unreadable(message, fault)


def _unreadable(message: bytes, fault: Exception) -> Unreadable:
    try:
        head = json.loads(message.partition(b"\n")[0])
    except (ValueError, RecursionError):
        head = None
    if isinstance(head, Mapping) and isinstance(head.get("protocol"), int) and head["protocol"] != PROTOCOL:
        sender = str(head.get("worker") or head.get("run") or "")[:_SHOWN]
        package = str(head.get("package", ""))[:_SHOWN]
        told = f"it speaks version {head['protocol']} of the protocol" + (f" (release {package})" if package else "")
        return Unreadable(why=f"{told}; this release speaks version {PROTOCOL}", sender=sender)
    if isinstance(fault, ValidationError):
        first = fault.errors(include_input=False, include_url=False)[0]
        why = f"{'.'.join(map(str, first['loc'])) or 'message'}: {first['msg']}"
    else:
        why = str(fault)
    return Unreadable(why=f"{why}: {message[:_SHOWN].decode('utf-8', 'replace')}")


def _plain(value: Any) -> dict[str, Any]:
    if isinstance(value, Answer):
        return value._asdict()
    return {name: getattr(value, name) for name in _names(value.__class__)}


@cache
def _names(kind: type[Any]) -> tuple[str, ...]:
    return tuple([field.name for field in fields(kind)])


def _given(doc: _Doc) -> dict[str, Any]:
    """A message's fields as they are, without its version."""
    return {name: value for name, value in vars(doc).items() if name != "protocol"}


def _own(doc: BaseModel | None) -> dict[str, Any]:
    return dict(vars(doc)) if doc is not None else {}


def _line(document: Mapping[str, Any]) -> bytes:
    return utf8(_json(document))

"""A run's events a page at a time: one code path for what was, what is and what is replayed."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import (
    Any,
    Final,
    NotRequired,  # pydantic knows it on every Python
    assert_never,
)

from typing_extensions import TypedDict

from genai_social_sim.domain.events import (
    Answered,
    AttemptFailed,
    Consequence,
    Event,
    Exercised,
    FellSilent,
    Intervened,
    Noticed,
    Opened,
    Probed,
    Remembered,
    RunEnded,
    RunStarted,
    SessionEnded,
    SessionStarted,
    Spoke,
)
from genai_social_sim.domain.power import POWERS_ASKED
from genai_social_sim.errors import RecordError
from genai_social_sim.ports import Recorded
from genai_social_sim.web.sources import Record

_NOT_SHOWN: Final = "answered"  # what became of the answer is shown in its place
_SHOWN: Final = (
    "run_started,opened,spoke,fell_silent,exercised,probed,remembered,intervened,run_ended,session_started,session_ended,attempt_failed,"
    "noticed"
)
_MAKING: Final = f"""
    SELECT turn, kind, body ->> 'attempt', body ->> 'finish', body ->> 'done_s', body ->> 'sent_s'
    FROM events WHERE turn IN (SELECT value FROM json_each(?)) AND kind IN ('{_NOT_SHOWN}', 'attempt_failed')
    AND body ->> 'aside' IS NULL ORDER BY seq
"""
_PLACE: Final = "SELECT seq FROM events WHERE turn = ? AND kind IN ('spoke', 'fell_silent')"


class Item(TypedDict):
    """Something that happened. Which of the further keys are there follows from `kind`, as the codebook has it."""

    seq: int
    at: float
    kind: str
    turn: NotRequired[int | None]
    round: NotRequired[int]
    channel: NotRequired[str]
    agent: NotRequired[str]  # who spoke, was asked, or was silent; of an opening, the name before it
    text: NotRequired[str]
    choice: NotRequired[str | None]
    cause: NotRequired[str | None]  # why there is no answer, or why an attempt failed
    stand_in: NotRequired[str | None]
    cut: NotRequired[str | None]  # why a part of the answer was left out
    other: NotRequired[str]  # as whom the answer went on, where it was cut
    tokens: NotRequired[int]
    seconds: NotRequired[float]  # the last attempt's, from sent to done
    attempts: NotRequired[int]
    clipped: NotRequired[bool]  # the answer ended at max_tokens
    probe: NotRequired[str]
    memory: NotRequired[str]  # ~summary, ~recall or ~rating-N
    act: NotRequired[bool]  # in a forum: what the agent chose to do, which `text` names
    doing: NotRequired[str]  # in a forum: the act that the words carry out
    number: NotRequired[int]  # of an intervention, in the study's list
    change: NotRequired[dict[str, Any]]
    attempt: NotRequired[int]
    final: NotRequired[bool]
    what: NotRequired[str]  # of a notice
    resumed: NotRequired[bool]
    status: NotRequired[str]
    reason: NotRequired[str]
    seed: NotRequired[int]
    turns: NotRequired[int]


class History(TypedDict):
    """What happened after a position of the log."""

    items: list[Item]
    next: int  # the last position that was looked at: `after` of the next question
    seq: int  # the last position of the log
    turns: int
    status: str
    digest: str
    now: float


class Place(TypedDict):
    """Where a turn's outcome lies in the log; null while it has none."""

    turn: int
    seq: int | None


def place(record: Record, turn: int) -> Place:
    """Where what became of a turn is recorded."""
    found = next(iter(record.query(_PLACE, turn)), None)
    return {"turn": turn, "seq": None if found is None else int(found[0])}


def history(record: Record, *, after: int, limit: int, channel: str, now: float) -> History:
    """At most `limit` positions after `after`; a row that cannot be read is an item of kind `unreadable`.

    With a `channel`, what happened in others is left out.
    """
    head = record.head()
    last = min(after + limit, head.seq)
    items = [found for found in _items(record, after, last) if not channel or _is_in(found, channel)]
    _add_making(record, items)
    return {
        "items": items,
        "next": max(last, after) if after <= head.seq else head.seq,
        "seq": head.seq,
        "turns": head.turns,
        "status": record.standing(),
        "digest": head.digest.hex(),
        "now": now,
    }


def single(record: Record, seq: int) -> Item | None:
    """The item at one position; None for one that is not shown."""
    return next(iter(_items(record, seq - 1, seq)), None)


def _items(record: Record, after: int, last: int) -> Iterator[Item]:
    while after < last:
        try:
            for recorded in record.events(after=after, kinds=_SHOWN, upto=last):
                after = recorded.seq
                yield item(recorded)
        except RecordError as fault:
            bad = _next_position(record, after)
            if bad is None or bad > last:
                return
            yield {"seq": bad, "at": 0.0, "kind": "unreadable", "text": fault.problem}
            after = bad
        else:
            return


def _is_in(found: Item, channel: str) -> bool:
    change = found.get("change", {})
    return found.get("channel", channel) == channel and channel in (change.get("channels") or [channel])


def _next_position(record: Record, after: int) -> int | None:
    try:
        kinds = ", ".join([f"'{kind}'" for kind in _SHOWN.split(",")])
        sql = f"SELECT seq FROM events WHERE seq > ? AND kind IN ({kinds}) ORDER BY seq LIMIT 1"
        found = next(iter(record.query(sql, after)), None)
    except RecordError:
        return None
    return None if found is None else int(found[0])


def _add_making(record: Record, items: list[Item]) -> None:
    """How long the last attempt at each turn took, and how many there were."""
    taken = {found["turn"]: found for found in items if found["kind"] in ("spoke", "fell_silent")}
    try:
        rows = record.query(_MAKING, json.dumps([turn for turn in taken if turn is not None]))
        for turn, kind, attempt, finish, done, sent in rows:
            found = taken[turn]
            found["attempts"] = int(attempt)
            found["seconds"] = round(float(done) - float(sent), 6)
            found["clipped"] = kind == _NOT_SHOWN and finish == "length"
    except (RecordError, TypeError, ValueError):
        return  # a damaged record: what was said is shown all the same


def item(recorded: Recorded) -> Item:
    """An event as the page shows it."""
    start: Item = {"seq": recorded.seq, "at": recorded.at, "kind": ""}
    return {**start, **_told(recorded.event)}  # type: ignore[typeddict-item]  # _told gives its further keys


def _told(event: Event) -> dict[str, Any]:  # noqa: C901, PLR0912 (one line a kind)
    match event:
        case Opened():
            return {"kind": "opened", "channel": event.channel, "agent": event.speaker, "text": event.text.value}
        case Spoke():
            return _spoke(event)
        case FellSilent():
            return {"kind": "fell_silent", **_where(event), "cause": event.cause, "tokens": event.tokens}
        case Probed():
            said = {"probe": event.probe, "text": event.text.value, "choice": event.choice, "cause": event.cause}
            return {"kind": "probed", **_where(event), **said, "tokens": event.tokens}
        case Exercised():
            did = {"probe": POWERS_ASKED, "deed": event.deed, "whom": event.whom, "cause": event.cause}
            return {"kind": "exercised", **_where(event), **did, "tokens": event.tokens}
        case Remembered():
            made = {"memory": event.aside, "text": event.text.value, "cause": event.cause}
            return {"kind": "remembered", **_where(event), **made, "tokens": event.tokens}
        case Intervened():
            return _intervened(event)
        case AttemptFailed():
            return _failed(event)
        case Noticed():
            return {"kind": "noticed", "turn": event.turn, "what": event.what, "text": event.detail.value}
        case RunStarted():
            return {"kind": "run_started", "seed": event.seed}
        case RunEnded():
            return {"kind": "run_ended", "reason": event.reason, "turns": event.turns}
        case SessionStarted():
            return {"kind": "session_started", "resumed": event.resumed}
        case SessionEnded():
            return {"kind": "session_ended", "status": event.status, "text": event.detail.value}
        case Answered():
            return {"kind": _NOT_SHOWN, "turn": event.turn, "attempt": event.attempt, "text": event.raw.value}
        case _ as unknown:
            assert_never(unknown)


def _where(event: Consequence) -> dict[str, Any]:
    return {"turn": event.turn, "round": event.round, "channel": event.channel, "agent": event.agent}


def _spoke(event: Spoke) -> dict[str, Any]:
    told: dict[str, Any] = {
        "text": event.text.value,
        "choice": event.choice,
        "stand_in": event.stand_in,
        "tokens": event.tokens,
    }
    told |= {"act": True} if event.feed is not None else {}
    told |= {"doing": event.doing} if event.doing else {}
    cut = {} if event.cut is None else {"cut": event.cut.why, "other": event.cut.other}
    return {"kind": "spoke", **_where(event), **told, **cut}


def _failed(event: AttemptFailed) -> dict[str, Any]:
    aside = {} if event.aside is None else {"probe": event.aside.name, "agent": event.aside.agent}
    what = {"attempt": event.attempt, "cause": event.cause, "final": event.final, "text": event.detail.value}
    return {"kind": "attempt_failed", "turn": event.turn, **what, **aside}


def _intervened(event: Intervened) -> dict[str, Any]:
    change = json.loads(event.change.value)
    found: dict[str, Any] = {"kind": "intervened", "turn": event.turn, "number": event.number, "change": change}
    for said in event.said:  # one text, put into one channel or several
        found |= {"agent": said.speaker, "text": said.text.value}
    return found

"""Counts of a run that are kept up as it grows, so that a record of millions of turns is not counted at each look."""

from __future__ import annotations

from collections import Counter, OrderedDict
from dataclasses import dataclass, field
from threading import Lock
from typing import Final

from typing_extensions import TypedDict  # pydantic knows it on every Python

from genai_social_sim.web.sources import Record

_AT_ONCE: Final = 50_000  # positions of the log that one look adds at the most
_KEPT: Final = 64  # runs
_MINUTE_S: Final = 60.0
_COUNTED: Final = """
    SELECT kind, coalesce(body ->> 'cause', body ->> 'what', ''), count(*),
           sum(CASE WHEN kind IN ('spoke', 'fell_silent', 'probed', 'remembered', 'exercised')
               THEN body ->> 'tokens' ELSE 0 END),
           sum(CASE WHEN kind = 'answered' THEN body ->> 'cost' END),
           sum(kind = 'answered' AND body ->> 'finish' = 'length')
    FROM events WHERE seq > ? AND seq <= ? GROUP BY 1, 2
"""
# Notes, the third of an answer's texts, name the worker, if it was one.
_ANSWERED: Final = """
    SELECT coalesce((SELECT CASE WHEN json_valid(text) THEN text ->> '$.worker' END FROM texts
                     WHERE id = CAST(('[' || replace(e.texts, ' ', ',') || ']') ->> '$[2]' AS INTEGER)),
                    e.body ->> 'by'), count(*), coalesce(sum(e.body ->> '$.tokens[1]'), 0), max(e.at)
    FROM events AS e
    WHERE e.seq > ? AND e.seq <= ? AND e.kind = 'answered' GROUP BY 1
"""
_MOST: Final = 1_000  # who answered
_LATELY: Final = """
    SELECT coalesce(sum(kind IN ('spoke', 'fell_silent')), 0), coalesce(sum(body ->> 'tokens'), 0), min(at)
    FROM (
        SELECT kind, body, at, seq FROM events WHERE kind IN ('spoke', 'fell_silent', 'probed')
        ORDER BY seq DESC LIMIT 500
    ) WHERE at > ?
"""


class Answering(TypedDict):
    """Who answered (a worker, a server or the process itself), how often, with how many tokens, and when last."""

    by: str
    answers: int
    tokens: int
    last: float


class Tally(TypedDict):
    """Counts up to position `seq` of the log; `turns_a_minute` and `tokens_a_minute` are of the last minute."""

    seq: int
    spoke: int
    silent: dict[str, int]  # by cause
    failed: dict[str, int]  # attempts, by cause
    probed: int
    intervened: int
    noticed: dict[str, int]  # by what was noticed
    calls: int  # answered
    answered: list[Answering]  # who answered most comes first
    clipped: int  # answers that ended at max_tokens
    tokens: int
    cost: float | None
    turns_a_minute: float
    tokens_a_minute: float


@dataclass(slots=True)
class _Counts:
    seq: int = -1
    kinds: Counter[tuple[str, str]] = field(default_factory=Counter)
    tokens: int = 0
    clipped: int = 0
    cost: float | None = None
    answered: dict[str, Answering] = field(default_factory=dict)


class Tallies:
    """Of the runs that were asked for last."""

    def __init__(self) -> None:
        self._counts: OrderedDict[str, _Counts] = OrderedDict()
        self._lock = Lock()

    def of(self, run: str, record: Record, now: float) -> Tally:
        """Counts of a run; a long record is counted a part at a time, and `seq` says how far."""
        head = record.head()
        with self._lock:
            counts = self._counts.get(run)
            if counts is None or counts.seq > head.seq:  # another file under the same name
                counts = _Counts()
            self._counts[run] = counts
            self._counts.move_to_end(run)
            while len(self._counts) > _KEPT:
                self._counts.popitem(last=False)
            _add(counts, record, min(head.seq, counts.seq + _AT_ONCE))
            return _told(counts, record, now)


def _add(counts: _Counts, record: Record, last: int) -> None:
    for kind, cause, number, tokens, cost, clipped in record.query(_COUNTED, counts.seq, last):
        counts.kinds[kind, cause] += number
        counts.tokens += int(tokens or 0)
        counts.clipped += int(clipped or 0)
        if cost is not None:
            counts.cost = (counts.cost or 0.0) + float(cost)
    for by, answers, tokens, at in record.query(_ANSWERED, counts.seq, last):
        before = counts.answered.get(by, {"by": str(by), "answers": 0, "tokens": 0, "last": 0.0})
        if by in counts.answered or len(counts.answered) < _MOST:
            counts.answered[by] = {
                "by": before["by"],
                "answers": before["answers"] + int(answers),
                "tokens": before["tokens"] + int(tokens),
                "last": max(before["last"], float(at)),
            }
    counts.seq = last


def _told(counts: _Counts, record: Record, now: float) -> Tally:
    turns, tokens, first = next(iter(record.query(_LATELY, now - _MINUTE_S)))
    span = max(now - float(first), 1.0) if first is not None else 1.0
    return {
        "seq": counts.seq,
        "spoke": _sum(counts, "spoke"),
        "silent": _by(counts, "fell_silent"),
        "failed": _by(counts, "attempt_failed"),
        "probed": _sum(counts, "probed"),
        "intervened": _sum(counts, "intervened"),
        "noticed": _by(counts, "noticed"),
        "calls": _sum(counts, "answered"),
        "answered": sorted(counts.answered.values(), key=lambda each: -each["answers"]),
        "clipped": counts.clipped,
        "tokens": counts.tokens,
        "cost": counts.cost,
        "turns_a_minute": round(60 * int(turns) / span, 2),
        "tokens_a_minute": round(60 * int(tokens) / span, 1),
    }


def _sum(counts: _Counts, kind: str) -> int:
    return sum(number for (each, _), number in counts.kinds.items() if each == kind)


def _by(counts: _Counts, kind: str) -> dict[str, int]:
    return {cause: number for (each, cause), number in sorted(counts.kinds.items()) if each == kind}

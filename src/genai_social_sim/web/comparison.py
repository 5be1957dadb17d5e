"""Two runs beside each other: what their studies have differently, and the first thing that happened differently."""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import islice, zip_longest
from typing import Any, Final

from typing_extensions import TypedDict  # pydantic knows it on every Python

from genai_social_sim.domain.events import RunStarted
from genai_social_sim.web.history import Item, single
from genai_social_sim.web.sources import Record

_MOST: Final = 60  # settings
_LONGEST: Final = 300  # characters of a setting
_LOGICAL: Final = """
    SELECT e.seq, e.kind, e.turn, e.body, (SELECT group_concat(hex(t.hash)) FROM texts AS t WHERE e.texts <> ''
           AND t.id IN (SELECT value FROM json_each('[' || replace(e.texts, ' ', ',') || ']')))
    FROM events AS e
    WHERE e.kind IN ('opened', 'spoke', 'fell_silent', 'probed', 'remembered', 'exercised', 'intervened', 'run_ended')
    ORDER BY e.seq
"""


class Setting(TypedDict):
    """A value that two studies do not share, by its path; null where there is none."""

    path: str
    a: Any
    b: Any


class Comparison(TypedDict):
    """`same`: all that happened is the same. Else `a` and `b` are what differs first; null where a run had ended.

    `shared` is the number of logical events before that, `turn` the turn that is compared.
    """

    same: bool
    shared: int
    turn: int | None
    a: Item | None
    b: Item | None
    seq_a: int | None
    seq_b: int | None
    seeds: list[int]
    settings: list[Setting]


def compare(a: Record, b: Record) -> Comparison:
    """What two runs have differently."""
    started = [_started(record) for record in (a, b)]
    first = _divergence(a, b)
    seq_a, seq_b, shared, turn = first or (None, None, 0, None)
    return {
        "same": first is None,
        "shared": shared,
        "turn": turn,
        "a": None if seq_a is None else single(a, seq_a),
        "b": None if seq_b is None else single(b, seq_b),
        "seq_a": seq_a,
        "seq_b": seq_b,
        "seeds": [each.seed for each in started],
        "settings": [*islice(_settings("", *[_study(each) for each in started]), _MOST)],
    }


def _divergence(a: Record, b: Record) -> tuple[int | None, int | None, int, int | None] | None:
    """Where in both logs, after how many events in common, in which turn; None if there is no such place."""
    pairs = zip_longest(a.query(_LOGICAL), b.query(_LOGICAL))
    for shared, (one, other) in enumerate(pairs):
        if one is None or other is None or one[1:] != other[1:]:
            turns = [row[2] for row in (one, other) if row is not None and row[2] is not None]
            places = [None if row is None else int(row[0]) for row in (one, other)]
            return (places[0], places[1], shared, min(turns, default=None))
    return None


def _started(record: Record) -> RunStarted:
    first = next(iter(record.events(upto=0))).event
    if not isinstance(first, RunStarted):
        raise TypeError("the first event of a record starts its run")
    return first


def _study(started: RunStarted) -> Any:
    return json.loads(started.study.value)


def _settings(path: str, a: Any, b: Any) -> Iterator[Setting]:
    """Values that differ, from the outside in; of what the seed drew only that it differs."""
    if a == b:
        return
    if isinstance(a, dict) and isinstance(b, dict) and not path.endswith("drawn"):
        for key in dict.fromkeys([*a, *b]):
            yield from _settings(f"{path}.{key}" if path else str(key), a.get(key), b.get(key))
    elif isinstance(a, list) and isinstance(b, list) and len(a) == len(b) and not path.endswith("drawn"):
        for at, (one, other) in enumerate(zip(a, b, strict=True)):
            yield from _settings(f"{path}[{at}]", one, other)
    else:
        yield {"path": path, "a": _short(a), "b": _short(b)}


def _short(value: Any) -> Any:
    words = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return value if len(words) <= _LONGEST else f"{words[:_LONGEST]}…"

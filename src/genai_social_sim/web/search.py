"""Finds what was said: every utterance, probe answer and failure whose text or speaker holds the words."""

from __future__ import annotations

from typing import Final

from typing_extensions import TypedDict  # pydantic knows it on every Python

from genai_social_sim.web.history import Item, single
from genai_social_sim.web.sources import Record

_AT_ONCE: Final = 100_000  # positions looked through before the question has to be asked again
_TEXTS: Final = """
    SELECT e.seq, (SELECT text FROM texts WHERE id = CAST(e.texts AS INTEGER)),
           coalesce(e.body ->> 'agent', e.body ->> 'speaker', '')
    FROM events AS e
    WHERE e.kind IN ('opened', 'spoke', 'probed', 'intervened') AND e.seq > ? AND e.seq <= ? ORDER BY e.seq
"""


class Found(TypedDict):
    """What holds the words, in order; go on `after` the position `next` until that is `seq`."""

    items: list[Item]
    next: int
    seq: int


def search(record: Record, words: str, *, after: int, limit: int) -> Found:
    """At most `limit` items after position `after` that hold `words`, whatever their case."""
    head = record.head()
    last = min(after + _AT_ONCE, head.seq)
    wanted, items = words.casefold(), list[Item]()
    for seq, text, speaker in record.query(_TEXTS, after, last):
        if wanted in str(text).casefold() or wanted == str(speaker).casefold():
            found = single(record, int(seq))
            items += [found] if found else []
            if len(items) >= limit:
                return {"items": items, "next": int(seq), "seq": head.seq}
    return {"items": items, "next": max(last, min(after, head.seq)), "seq": head.seq}
